"""Every request to the API server.

connection         one request: paths and JSON
client             for commands: by a kubeconfig, or as the pod that we are
controller_client  for the controller: one answer, or a watch
watching           hears of changes to an object
object_meta        what is read of an object's metadata
trouble            what keeps the controller from an object

Rule 1: a request is a path and JSON; the models of the kubernetes package are not used.
Rule 2: an error says which request failed, what the API server said, and which right is missing.
"""
