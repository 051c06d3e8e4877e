"""Make and apply JSON Patch operations (RFC 6902) with JSON pointers (RFC 6901)."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from webhook.objects.json import Json


def escaped(key: str) -> str:
    """Return *key* as one token of a JSON pointer (RFC 6901, section 3)."""
    return key.replace("~", "~0").replace("/", "~1")


def add(path: str, value: Any) -> Json:  # noqa: ANN401  # any JSON value
    """Return the operation that adds *value* at *path*, in a list in front of that element."""
    return {"op": "add", "path": path, "value": value}


def replace(path: str, value: Any) -> Json:  # noqa: ANN401  # any JSON value
    """Return the operation that replaces what is at *path*."""
    return {"op": "replace", "path": path, "value": value}


def remove(path: str) -> Json:
    """Return the operation that removes what is at *path*."""
    return {"op": "remove", "path": path}


def test(path: str, value: Any) -> Json:  # noqa: ANN401  # any JSON value
    """Return the operation that fails if what is at *path* is not *value*."""
    return {"op": "test", "path": path, "value": value}


def appended(path: str, there: Sequence[object] | None, items: Sequence[Any]) -> Iterator[Json]:
    """Yield the operations that append *items* to the list at *path*.

    *there*: the list as it is, None if it is absent. Call this once per list: for an absent
    list, a second call would replace what the first one added.
    """
    if not items:
        return
    if there is None:
        yield add(path, list(items))
    else:
        for item in items:
            yield add(path + "/-", item)


class BrokenPatch(Exception):
    """Our patch does not apply, or touches what it must not."""


def applied(document: Any, operations: Iterable[Json]) -> Any:  # noqa: ANN401  # any JSON value
    """Return *document* with *operations* applied; BrokenPatch if they don't apply."""
    # Imported here, since only --self-check and the commands need it.
    import jsonpatch  # noqa: PLC0415

    try:
        return jsonpatch.JsonPatch(list(operations)).apply(document)
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException) as error:
        raise BrokenPatch(type(error).__name__) from error
