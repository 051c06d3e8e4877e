"""Fill in the resources that the API server fills in before a webhook sees a pod.

An absent request becomes the limit of the container (core/v1 SetDefaults_Pod). Then
containers get the defaults of the namespace's LimitRange (LimitRanger
mergeContainerResources). This is only used to compute the operations on a pod: the pod
itself is not changed here.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from webhook.objects.container import Amounts, Container, Resources
from webhook.objects.facts import LimitRangeItem
from webhook.objects.kinds import Limits
from webhook.objects.pod import PodSpec


def defaulted(spec: dict[str, Any], limit_ranges: Iterable[LimitRangeItem]) -> None:
    """Fill in the resources of the containers and init containers of *spec*, in place."""
    items = [item for item in limit_ranges if item.type == "Container"]
    if not items:
        return
    for container in [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]:
        _fill(container, "requests", (container.get("resources") or {}).get("limits") or {})
        for item in items:
            _fill(container, "limits", item.default)
            _fill(container, "requests", item.default_request)


def with_defaults(spec: PodSpec, limit_ranges: Sequence[LimitRangeItem]) -> PodSpec:
    """Return *spec*, of a pod that is not created yet, with the same resources."""
    if not limit_ranges:
        return spec
    groups = {"containers": spec.containers, "initContainers": spec.init_containers}
    content = {
        name: [{"resources": msgspec.to_builtins(container.resources)} for container in found or ()]
        for name, found in groups.items()
    }
    defaulted(content, limit_ranges)
    return replace(
        spec,
        containers=_with(spec.containers, content["containers"]),
        init_containers=_with(spec.init_containers, content["initContainers"]),
    )


def _with(
    containers: tuple[Container, ...] | None, content: Iterable[Mapping[str, Any]]
) -> tuple[Container, ...] | None:
    """Return *containers* with the resources that *content* has for each."""
    return containers and tuple(
        replace(one, resources=msgspec.convert(found["resources"], Resources | None))
        for one, found in zip(containers, content, strict=True)
    )


def _fill(container: dict[str, Any], name: str, amounts: Mapping[str, Any]) -> None:
    if not amounts:
        return
    if container.get("resources") is None:
        container["resources"] = {}
    if container["resources"].get(name) is None:
        container["resources"][name] = {}
    for resource, value in amounts.items():
        container["resources"][name].setdefault(resource, value)


def limits_of(name: str, entry: Limits) -> LimitRangeItem:
    """Return one entry of a LimitRange with its own defaults (core/v1 SetDefaults_LimitRangeItem).

    An absent default limit is the maximum. An absent default request is the default limit,
    or else the minimum.
    """
    least, most = as_written(entry.min), as_written(entry.max)
    default = {**most, **as_written(entry.default)}
    return LimitRangeItem(
        name=name,
        type=entry.type,
        minimum=least,
        maximum=most,
        ratio=as_written(entry.max_limit_request_ratio),
        default=default,
        default_request={**least, **default, **as_written(entry.default_request)},
    )


def as_written(amounts: Amounts | None) -> dict[str, str]:
    """Return resource name → quantity; empty for None."""
    return {key: str(value) for key, value in (amounts or {}).items()}
