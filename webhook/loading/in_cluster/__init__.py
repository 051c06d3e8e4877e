"""What a loader in a pod does through the API server.

lease            lets one loader of a model work at a time
node_labels      labels the node with the models of its cache
service_account  the connection, with the token of the pod

Rule 1: a label says that a model is whole. It is removed before the first byte changes, and set
after the last.
Rule 2: everything here is optional. A loader without rights to the API server still loads.
"""
