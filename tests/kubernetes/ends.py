"""Owns what a pod's status says of containers that have ended."""

from tests.kubernetes.api import Object


def ends(pod: Object, name: str) -> list[Object]:
    """Return how container *name* ended, the last time first: reason, exitCode, message.

    Its status holds two ends: that of its state, and that of the state before.
    """
    status = pod["status"]
    every = [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]
    found: Object = next((one for one in every if one["name"] == name), {})
    states = [found.get(key, {}) for key in ("state", "lastState")]
    return [state["terminated"] for state in states if "terminated" in state]


def reasons(pod: Object, name: str) -> list[str]:
    """Return why container *name* ended, the last time first."""
    return [end["reason"] for end in ends(pod, name)]
