"""The webhook as a process: modelcache serve.

process             start, serve, drain, stop: begin here
settings            the options of serve, read once
known_facts         what reviews know of each namespace
knowledge           policy and facts, as the controller reports them
fact_store          the facts of each namespace, from what is reported
http/               ports, connections and their limits
reviews/            one review: bytes in, bytes out
telemetry/          metrics and the log
certificate         the TLS certificate that is served
controller_process  runs the controller next to the server
readiness           whether this replica is ready
shutdown            the phases of a shutdown
descriptors         the limit of open files, shared among connections
dev_registration    the registration that --dev prints

Rule 1: no review waits for the API server or the disk. What a review needs is in memory before
the review arrives.
Rule 2: a fault of the webhook never refuses a pod. It becomes an HTTP error, and failurePolicy
decides.
"""
