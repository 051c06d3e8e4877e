"""Two ports, their connections, and what is read and answered over them.

listener            a port: its socket, its connections
accept              how many connections, and none without descriptors
protocol            limits of a connection: time, sizes
review_protocol     short reviews, answered while they are parsed
admission_port      everything else on the admission port, as ASGI
body, error         a body within its limits; answers other than 200
health, deferred    FastAPI: probes and metrics, imported while reviews are answered

Rule 1: everything that a caller sends has a limit, in bytes and in seconds.
Rule 2: the port is safe for callers without credentials: what they send is never echoed.
"""
