"""The init containers we add: the loader of strategy emptyDir, and the gate.

Both state all four amounts: an init container without them is given defaults by
LimitRanger, is refused by a quota, unbounds the pod and breaks its QoS class
(semantics of KEP-753 pod limits). Both pass Pod Security restricted.
"""

from collections.abc import Sequence
from typing import Any, Final

from webhook import names
from webhook.decision import Json
from webhook.memory import OVERHEAD
from webhook.objects.container import Container, Resources
from webhook.objects.pod import PodSpec
from webhook.quantity import MI, Quantity, exact

_STORE: Final = "/modelcache/store"
_MEMORY: Final = "/modelcache/memory"
_GATE_MEMORY: Final = Quantity(128 * MI)
_ROOTLESS: Final = 65532
"""The user of our image; written out only where the pod itself runs as root."""


def loader(  # each is one fact of the container
    image: str,
    sources: Sequence[Json],
    volumes: Sequence[str],
    size: Quantity,
    spec: PodSpec,
    target: Container,
    *,
    level: Resources | None,
) -> Json:
    """Return the loader that copies from mounts *sources* into the tmpfs *volumes*.

    One loader for all models, so that its limit of *size* + 512Mi holds whatever
    the pod's other containers ask for. *level*: resources of the pod, if kept.
    """
    arguments: list[str] = []
    mounts: list[Json] = []
    for i, (source, volume) in enumerate(zip(sources, volumes, strict=True), start=1):
        arguments += [f"{_STORE}/{i}", f"{_MEMORY}/{i}"]
        mounts += [
            {**source, "mountPath": f"{_STORE}/{i}", "readOnly": True},
            {"name": volume, "mountPath": f"{_MEMORY}/{i}"},
        ]
    resources = _resources(size.plus(OVERHEAD), spec, target, level)
    return _container(names.LOADER, image, ["copy", *arguments], mounts, resources, spec)


def gate(
    image: str,
    mounts: Sequence[Json],
    spec: PodSpec,
    target: Container,
    *,
    level: Resources | None,
) -> Json:
    """Return the gate that checks the models below *mounts* before the server starts."""
    paths = [str(mount["mountPath"]) for mount in mounts]
    resources = _resources(_GATE_MEMORY, spec, target, level)
    return _container(names.GATE, image, ["verify", *paths], list(mounts), resources, spec)


def _resources(memory: Quantity, spec: PodSpec, target: Container, level: Resources | None) -> Json:
    limits = (level and level.limits) or {}
    asked = (level and level.requests) or {}
    cpu = str(_cpu_limit(target.resources) or _cpu_limit(level) or "1")
    amounts = {"cpu": cpu, "memory": str(memory)}
    requests = dict(amounts)
    for name, small in (("cpu", "10m"), ("memory", "64Mi")):
        bound = asked.get(name, limits.get(name))
        if bound is None and not (name == "cpu" and ("memory" in limits or "memory" in asked)):
            continue
        # The pod level holds the reservation; what is asked here only adds up below it.
        requests[name] = _least(small, amounts[name], bound)
        if name not in asked and name in limits and not _somebody_asks_for(name, spec):
            # The pod asks for its whole limit, until a container of it asks for less.
            requests[name] = str(limits[name])
            amounts[name] = max(amounts[name], requests[name], key=exact)
    return {"limits": amounts, "requests": requests}


def _least(*amounts: str | float | None) -> str:
    """Return the least amount, as written: API validation holds a request below its bounds."""
    return min((str(a) for a in amounts if a is not None), key=exact)


def _somebody_asks_for(name: str, spec: PodSpec) -> bool:
    return any(
        name in (amounts or {})
        for container in (*(spec.containers or ()), *(spec.init_containers or ()))
        if container.resources
        for amounts in (container.resources.limits, container.resources.requests)
    )


def _cpu_limit(resources: Resources | None) -> str | float | None:
    return ((resources and resources.limits) or {}).get("cpu")


def _container(  # each is one field of the container
    name: str,
    image: str,
    arguments: list[str],
    mounts: list[Json],
    resources: Json,
    spec: PodSpec,
) -> Json:
    security: dict[str, Any] = {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    if spec.security_context and spec.security_context.run_as_user == 0:
        # Else the pod's root user meets our runAsNonRoot, and the kubelet refuses to start.
        security["runAsUser"] = _ROOTLESS
    return {
        "name": name,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["modelcache", *arguments],
        "resources": resources,
        "securityContext": security,
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": mounts,
    }
