"""The process beside the server that talks to the API server, so that no review waits for it.

It keeps the authority in its Secret, signs this replica's leaf, keeps the CA bundle of the
registration, lets policies refuse once a replica is ready, and tells as Events what somebody must
mend. It reads what is there, does what is missing, and does so again when something changes: no
leader, no state but its last good knowledge.
"""
