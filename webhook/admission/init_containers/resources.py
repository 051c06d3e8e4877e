"""Compute limit and request of cpu and memory of our init containers."""

from webhook.objects.container import Container, Resources
from webhook.objects.json import Json
from webhook.objects.pod import PodSpec
from webhook.values.quantity import Quantity, exact


def resources_of(
    memory: Quantity, spec: PodSpec, target: Container, level: Resources | None
) -> Json:
    """Return limits and requests of cpu and of *memory*.

    *level*: resources at the pod level; None if the API server drops them.
    """
    limits = (level and level.limits) or {}
    asked = (level and level.requests) or {}
    cpu = str(_cpu_limit(target.resources) or _cpu_limit(level) or "1")
    amounts = {"cpu": cpu, "memory": str(memory)}
    requests = dict(amounts)
    for name, small in (("cpu", "10m"), ("memory", "64Mi")):
        bound = asked.get(name, limits.get(name))
        if bound is None and not (name == "cpu" and ("memory" in limits or "memory" in asked)):
            continue
        # The pod level makes the reservation; the requests of containers only add up below it.
        requests[name] = _least(small, amounts[name], bound)
        if name not in asked and name in limits and not _somebody_requests(name, spec):
            # The pod requests its whole limit, unless one of its containers requests less.
            requests[name] = str(limits[name])
            amounts[name] = max(amounts[name], requests[name], key=exact)
    return {"limits": amounts, "requests": requests}


def _least(*amounts: str | float | None) -> str:
    """Return the least amount, as written: API validation refuses a request above its bounds."""
    return min((str(a) for a in amounts if a is not None), key=exact)


def _somebody_requests(name: str, spec: PodSpec) -> bool:
    return any(
        name in (amounts or {})
        for container in (*(spec.containers or ()), *(spec.init_containers or ()))
        if container.resources
        for amounts in (container.resources.limits, container.resources.requests)
    )


def _cpu_limit(resources: Resources | None) -> str | float | None:
    return ((resources and resources.limits) or {}).get("cpu")
