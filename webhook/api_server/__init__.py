"""Every request to the API server, and every error that one can end with.

errors             the tree: Unreachable; Refused with Forbidden, Missing, Conflict
answer             status, body, warnings, and the API server's clock
version            what an API server says of its version
connection         one API server: requests, watches, forwarded ports
client             for commands: objects, lists, logs, as kubectl's user or our pod
controller_client  for the controller: single answers, and watches
watching           reports changes of an object
collection         all objects of a kind: lists in pages, and watches
reflector          a copy of them that follows every change

A loader has a client of its own, loading/in_cluster/service_account: it retries.

Rule 1: the kubernetes package is imported by connection, and nowhere else.
Rule 2: a request is a path and JSON, and gets an Answer. Each client decides which answers are
errors; Answer decides which error it is.
"""
