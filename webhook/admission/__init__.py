"""One pod, one decision. Begin with admit, and read down.

workload    the annotations of a workload reach its pods
admit       the story of one pod
patch       a plan, written as JSON Patch (RFC 6902)
quotas      LimitRange and ResourceQuota against the plan
policy/     CachePolicy and the catalogue
plan        what the pod still lacks
correction, memory   the memory of the pod, and the arithmetic
remarks     warnings
containers/, init_containers/   what containers gain, and which we add
reading     the annotations of a pod, read, with every mistake at once
strategies/          where the model's files come from
ledger, reserved     what is ours in a pod already
copied_keys placement           annotations of workloads; affinity to nodes
request/    what the pod asks for
decision, problem, codes        how a review ends

Rule 1: nothing here does input or output. What the cluster is like is an argument: Facts.
Rule 2: a second review of the same pod changes nothing.
"""
