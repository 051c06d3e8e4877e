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
from webhook.objects import Container, PodSpec, Resources
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
    pod_level: bool,
) -> Json:
    """Return the loader that copies from mounts *sources* into the tmpfs *volumes*.

    One loader for all models, so that its limit of *size* + 512Mi holds whatever
    the pod's other containers ask for.
    """
    arguments: list[str] = []
    mounts: list[Json] = []
    for i, (source, volume) in enumerate(zip(sources, volumes, strict=True), start=1):
        arguments += [f"{_STORE}/{i}", f"{_MEMORY}/{i}"]
        mounts += [
            {**source, "mountPath": f"{_STORE}/{i}", "readOnly": True},
            {"name": volume, "mountPath": f"{_MEMORY}/{i}"},
        ]
    resources = _resources(size.plus(OVERHEAD), spec, target, pod_level=pod_level)
    return _container(names.LOADER, image, ["copy", *arguments], mounts, resources, spec)


def gate(
    image: str, mounts: Sequence[Json], spec: PodSpec, target: Container, *, pod_level: bool
) -> Json:
    """Return the gate that checks the models below *mounts* before the server starts."""
    paths = [str(mount["mountPath"]) for mount in mounts]
    resources = _resources(_GATE_MEMORY, spec, target, pod_level=pod_level)
    return _container(names.GATE, image, ["verify", *paths], list(mounts), resources, spec)


def _resources(memory: Quantity, spec: PodSpec, target: Container, *, pod_level: bool) -> Json:
    cpu = _cpu_limit(target.resources) or (_cpu_limit(spec.resources) if pod_level else None) or "1"
    limits = {"cpu": cpu, "memory": str(memory)}
    if not pod_level:
        return {"limits": limits, "requests": dict(limits)}
    # The pod level holds the reservation; what is asked here only adds up below it.
    asked = (spec.resources and spec.resources.requests) or {}
    requests = {
        name: min(str(asked.get(name, small)), small, key=exact)
        for name, small in (("cpu", "10m"), ("memory", "64Mi"))
    }
    return {"limits": limits, "requests": requests}


def _cpu_limit(resources: Resources | None) -> str | None:
    value = ((resources and resources.limits) or {}).get("cpu")
    return None if value is None else str(value)


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
