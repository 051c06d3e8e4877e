"""Read one object of a cluster, and name the field of every fault."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from webhook.objects.kinds import KINDS, ClusterObject, LimitRange, ResourceQuota
from webhook.values.quantity import Quantity
from webhook.values.shape import faults
from webhook.values.text import quoted


def read_object(item: Any) -> ClusterObject:  # noqa: ANN401  # any JSON value
    """Return *item* as an object. Raises ValueError with every fault, one line each."""
    if not isinstance(item, dict) or not isinstance(item.get("kind"), str):
        raise ValueError("is not a Kubernetes object")
    kind = KINDS.get(item["kind"])
    if kind is None:
        raise ValueError(
            f"{quoted(item['kind'])} is not used here: give {', '.join(KINDS)}, "
            "CachedModel or CachePolicy"
        )
    name = f"{item['kind'].lower()}: "
    if found := list(faults(item, kind)):
        raise ValueError("\n".join(f"{name}{fault.where}: {fault.what}" for fault in found))
    read = msgspec.convert(item, kind)
    if wrong := list(_unreadable(read)):
        raise ValueError("\n".join(f"{name}{fault}" for fault in wrong))
    return read


def _unreadable(item: ClusterObject) -> Iterable[str]:
    """Yield the amounts of memory that are not quantities. Other resources are not read."""
    amounts: list[tuple[str, Mapping[str, Any] | None]] = []
    if isinstance(item, LimitRange):
        for i, entry in enumerate((item.spec and item.spec.limits) or ()):
            amounts += [
                (f"spec.limits[{i}].{name}", value)
                for name, value in msgspec.to_builtins(entry).items()
                if isinstance(value, dict)
            ]
    if isinstance(item, ResourceQuota):
        amounts.append(("spec.hard", item.spec.hard if item.spec else None))
        amounts.append(("status.used", item.status.used if item.status else None))
    for where, found in amounts:
        for key, value in (found or {}).items():
            if key.rpartition(".")[2] == "memory":
                try:
                    Quantity.parse(str(value))
                except ValueError as error:
                    yield f"{where}.{key}: {error}"
