"""What the API server fills in before a webhook sees a pod, as far as we read it.

A request that is absent becomes the limit (core/v1 SetDefaults_Pod), and
LimitRanger gives containers the defaults of the namespace. The pod itself is
not changed by us: only the operations that follow are computed from this.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from webhook.facts import LimitRangeItem


def defaulted(spec: dict[str, Any], limit_ranges: Iterable[LimitRangeItem]) -> None:
    """Fill in the resources of *spec* in place, of containers and init containers."""
    items = [item for item in limit_ranges if item.type == "Container"]
    for container in [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]:
        for item in items:
            _fill(container, "limits", item.default)
            limits = (container.get("resources") or {}).get("limits") or {}
            _fill(container, "requests", {**item.default_request, **_same(item, limits)})


def _same(item: LimitRangeItem, limits: dict[str, Any]) -> dict[str, Any]:
    """Return the limits that the container set itself: its requests default to them first."""
    return {k: v for k, v in limits.items() if str(v) != item.default.get(k)}


def _fill(container: dict[str, Any], name: str, amounts: Mapping[str, Any]) -> None:
    if not amounts:
        return
    if container.get("resources") is None:
        container["resources"] = {}
    if container["resources"].get(name) is None:
        container["resources"][name] = {}
    for resource, value in amounts.items():
        container["resources"][name].setdefault(resource, value)
