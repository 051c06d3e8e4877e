"""Listen on two ports, read requests within limits, and answer them.

listener            one port: its socket and its connections
accept              accepts connections, within limits
protocol            limits of one connection: time and sizes
review_protocol     answers short reviews while they are parsed
admission_port      answers everything else on the admission port, as ASGI
body                the body of a review, within its limits
error               answers other than 200
health              FastAPI: probes and metrics
deferred            imports FastAPI while reviews are already answered
asgi                types of ASGI

Rule 1: everything that a caller sends has a limit, in bytes and in seconds.
Rule 2: the port is safe for callers without credentials: what they send is never echoed.
"""
