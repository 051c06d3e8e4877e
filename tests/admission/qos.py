"""The QoS class of a pod, as pkg/apis/core/v1/helper/qos of Kubernetes computes it.

It does not use the product's code."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from webhook.values.quantity import exact

Json = dict[str, Any]
COMPUTE = ("cpu", "memory")


def _amounts(resources: Json, field: str) -> dict[str, Decimal]:
    written = resources.get(field) or {}
    found = {name: exact(str(written[name])) for name in COMPUTE if name in written}
    return {name: value for name, value in found.items() if value > 0}


def qos(pod: Json, *, pod_level: bool) -> str:
    """Return Guaranteed, Burstable or BestEffort; *pod_level*: the server keeps spec.resources."""
    spec = pod["spec"]
    containers = [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]
    judged: Iterable[Json] = [c.get("resources") or {} for c in containers]
    level = spec.get("resources") or {}
    if pod_level and (_amounts(level, "limits") or _amounts(level, "requests")):
        judged = [level]
    pairs = [(_amounts(r, "limits"), _amounts(r, "requests")) for r in judged]
    if not any(limits or requests for limits, requests in pairs):
        return "BestEffort"
    if all(
        set(limits) == set(COMPUTE) and {**limits, **requests} == limits
        for limits, requests in pairs
    ):
        return "Guaranteed"
    return "Burstable"


def memory_limit(pod: Json) -> int | None:
    """Return the pod cgroup's memory limit (component-helpers PodLimits); None: unbounded.

    Sidecars add up in their order; an init container that ends counts together with the sidecars
    before it.
    """
    spec = pod["spec"]

    def limit(container: Json) -> int | None:
        value = ((container.get("resources") or {}).get("limits") or {}).get("memory")
        return None if value is None else int(exact(str(value)))

    everything = [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]
    if any(limit(container) is None for container in everything):
        return None
    sidecars = highest = 0
    for container in spec.get("initContainers") or ():
        if container.get("restartPolicy") == "Always":
            sidecars += limit(container) or 0
            highest = max(highest, sidecars)
        else:
            highest = max(highest, sidecars + (limit(container) or 0))
    return max(highest, sidecars + sum(limit(c) or 0 for c in spec.get("containers") or ()))
