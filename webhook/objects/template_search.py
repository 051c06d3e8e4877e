"""Find what looks like a pod template in an object of a kind that the table does not have."""

from collections.abc import Iterator
from typing import Any, Final

from webhook.objects.json import Json
from webhook.objects.workload_kinds import EACH, MANY, Place, WorkloadKind

_DEEPEST: Final = 12
"""Steps below the object; templates of known kinds are at most eight steps below it."""
_NOT_SEARCHED: Final = frozenset(("metadata", "status"))


def searched_kind(content: Json, group: str, kind: str, resource: str = "") -> WorkloadKind:
    """Return the row that the table would have for *content*, an object of an unknown kind."""
    found = (
        place
        for key, value in content.items()
        if key not in _NOT_SEARCHED and _is_word(key)
        for place in _places(value, f"/{key}", _DEEPEST)
    )
    places = tuple(Place(at=at) for at in dict.fromkeys(found))
    return WorkloadKind(kind=kind, group=group, resource=resource, places=places)


def _places(value: Any, at: str, depth: int) -> Iterator[str]:  # noqa: ANN401  # any JSON value
    if not depth:
        return
    if isinstance(value, list):
        for item in value:
            yield from _places(item, f"{at}/{EACH}", depth - 1)
    elif isinstance(value, dict):
        if _looks_right(value):
            yield at
            return
        for key, item in value.items():
            if _is_word(key):
                yield from _places(item, f"{at}/{key}", depth - 1)


def _is_word(key: str) -> bool:
    """Whether *key* can be a step of a path of the table."""
    return key not in ("", *MANY) and "/" not in key and "~" not in key


def _looks_right(value: Json) -> bool:
    """Whether *value* has a specification with containers, as a PodTemplateSpec has."""
    spec = value.get("spec")
    containers = spec.get("containers") if isinstance(spec, dict) else None
    return (
        isinstance(containers, list)
        and bool(containers)
        and all(isinstance(item, dict) and isinstance(item.get("name"), str) for item in containers)
    )
