"""What a loader asks of the API server, as the pod that it is.

lease            whose turn it is to load one model into one claim
node_labels      which models the node holds
service_account  the connection, by the pod's own token

Rule 1: a label says that a model is whole. It goes before the first byte changes, and comes after
the last.
Rule 2: everything here is optional. A loader without rights to the API server still loads.
"""
