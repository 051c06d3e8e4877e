"""Name the kinds of objects that can be rendered; imports little, so that --help starts fast."""

from enum import StrEnum


class Kind(StrEnum):
    """What render prints, in this order."""

    PVC = "pvc"
    LEASE = "lease"
    JOB = "job"
    NODE_LABELS = "node-labels"
    DAEMONSET = "daemonset"
    PRUNE = "prune"
    ADMISSION_POLICY = "admission-policy"
