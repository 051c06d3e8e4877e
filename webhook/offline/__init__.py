"""Decide about objects in files as the webhook would, without a cluster: inject and check.

inject, check     the two commands
judge             decides about every document of some files
one_object        admits one object as the cluster would
template          a pod, or the pod template of a workload
snapshot, live    a cluster that files describe; one that is asked
world             what both of them say: policy and facts
judged, outcome   a document with its outcomes; one outcome
explain, wording  the plan in words; warnings, refusals and verdicts

Rule 1: everything is read and decided before the first byte is written.
Rule 2: a document that does not concern the webhook comes back byte for byte.
"""
