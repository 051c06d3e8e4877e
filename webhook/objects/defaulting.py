"""What the API server fills in before a webhook sees a pod, as far as we read it.

Where a namespace has a LimitRange, containers get its defaults (LimitRanger
mergeContainerResources), after an absent request has become the container's own
limit (core/v1 SetDefaults_Pod). The pod itself is not changed by us: only the
operations that follow are computed from this.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from webhook.objects.container import Amounts
from webhook.objects.facts import LimitRangeItem
from webhook.objects.kinds import Limits


def defaulted(spec: dict[str, Any], limit_ranges: Iterable[LimitRangeItem]) -> None:
    """Fill in the resources of *spec* in place, of containers and init containers."""
    items = [item for item in limit_ranges if item.type == "Container"]
    if not items:
        return
    for container in [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]:
        _fill(container, "requests", (container.get("resources") or {}).get("limits") or {})
        for item in items:
            _fill(container, "limits", item.default)
            _fill(container, "requests", item.default_request)


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
    """Return one entry with the defaults that it gets itself (core/v1 SetDefaults_LimitRangeItem).

    The maximum stands in for a default limit; that, or else the minimum, for a
    default request.
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
    """Return resource name → quantity; empty if there are none."""
    return {key: str(value) for key, value in (amounts or {}).items()}
