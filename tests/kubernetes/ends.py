"""Read from a pod's status how its containers ended."""

from tests.kubernetes.api import Object


def ends(pod: Object, name: str) -> list[Object]:
    """Return how container *name* ended: reason, exitCode and message, the latest first.

    The status has at most two: the current state, and the last one.
    """
    status = pod["status"]
    every = [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]
    found: Object = next((one for one in every if one["name"] == name), {})
    states = [found.get(key, {}) for key in ("state", "lastState")]
    return [state["terminated"] for state in states if "terminated" in state]


def reasons(pod: Object, name: str) -> list[str]:
    """Return the reasons for which container *name* ended, the latest first."""
    return [end["reason"] for end in ends(pod, name)]
