"""Decide what one pod gains. Begin with admit, and read down.

workload      copy the annotations of a workload to its pods
admit         the story of one pod
judge         judge it by the rules of the platform
patch         write a plan as JSON Patch (RFC 6902)
quotas        compare a plan with LimitRange and ResourceQuota
policy/       CachePolicy documents and the catalogue of models
plan          collect what the pod still lacks
correction    correct the memory of the pod
remarks       warnings about annotations and memory
pod_remarks   warnings about what the pod has itself
containers/   what containers gain
init_containers/   the init containers that we add
reading       read the annotations of a pod, and report every mistake at once
reserved      check the names that are reserved for us
strategies/   where the files of the model come from
ledger        record in the pod what was injected
copied_keys   choose the annotations of a workload that are copied
authorship    who wrote an annotation into a pod template
request/      what a pod requests
memory        the arithmetic of memory
placement     node affinity
decision, problem, codes   how a review ends

Rule 1: nothing here does input or output. The state of the cluster is an argument: Facts.
Rule 2: a second review of the same pod changes nothing.
"""
