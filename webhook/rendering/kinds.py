"""The kinds of objects that can be rendered; imports nothing, so that --help starts fast."""

from enum import StrEnum


class Kind(StrEnum):
    """What render prints; the order in which it prints them."""

    PVC = "pvc"
    LEASE = "lease"
    JOB = "job"
    NODE_LABELS = "node-labels"
    DAEMONSET = "daemonset"
