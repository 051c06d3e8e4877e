"""The process next to the server that talks to the API server, so that no review waits for it.

It keeps the authority in its Secret, signs this replica's certificate, keeps the CA bundle of the
registration, lets policies refuse once a replica is ready, and writes Events about what somebody
must fix.

__main__      when to look: after a change, after a time, after a failure
options       what the server passes to it
messages      what it reports to the server
clock         the time by the API server's clock
knowledge     what reviews must know of the cluster, watched and sent to the server
acceptance    whether CachedModels and CachePolicies can be used, written into their status
installation  what it looks at and writes

Rule 1: each replica runs one, and none leads. If two write at once, one gets a conflict, and looks
again.
Rule 2: it has no state but what it read last. It reads what is there, and writes what is missing.
"""
