"""Check what the types of an object's fields can't say: unknown fields, patterns and lengths.

A value of the wrong type is left to shape.
"""

import difflib
import re
from collections.abc import Iterator
from typing import Any, Final

import msgspec
from msgspec import inspect

from webhook.values.shape import Fault, chosen, fits, type_of
from webhook.values.text import quoted

SET: Final = "x-kubernetes-list-type"
"""Says in the schema of a list that its items differ (OpenAPI of CustomResourceDefinitions)."""
_Path = tuple[str | int, ...]


def broken(content: Any, kind: type[msgspec.Struct], at: _Path = ()) -> Iterator[Fault]:  # noqa: ANN401
    """Yield each value of *content* (plain JSON, found at *at*) that *kind* refuses."""
    yield from _broken(content, type_of(kind), at)


def _broken(value: Any, wanted: inspect.Type, path: _Path) -> Iterator[Fault]:  # noqa: ANN401
    words = _words(wanted)
    right = chosen(value, wanted)
    if right is None or not fits(value, right):
        return
    match right:
        case inspect.StructType():
            yield from _unknown(value, right, path)
            for field in right.fields:
                if field.encode_name in value:
                    name = field.encode_name
                    yield from _broken(value[name], field.type, (*path, name))
        case inspect.VarTupleType() | inspect.ListType():
            yield from _of_list(value, right, words, path)
        case inspect.DictType():
            for key, item in value.items():
                yield from _broken(item, right.value_type, (*path, key))
        case inspect.LiteralType() if value not in right.values:
            allowed = ", ".join(map(str, words.get("order") or right.values))
            yield Fault(path, f"must be one of {allowed}, not {quoted(value)}")
        case inspect.StrType():
            yield from _of_text(value, right, words, path)
        case inspect.IntType():
            yield from _of_number(value, right, path)
        case _:
            pass


def _words(wanted: inspect.Type) -> dict[str, Any]:
    """Return what Meta says of a type next to its limits: extra, and the kind of list."""
    found: dict[str, Any] = {}
    while isinstance(wanted, inspect.Metadata):
        found |= {**(wanted.extra_json_schema or {}), **(wanted.extra or {})}
        wanted = wanted.type
    if isinstance(wanted, inspect.UnionType):  # of a field that may be null
        for one in wanted.types:
            found = {**_words(one), **found}
    return found


def _unknown(value: dict[str, Any], wanted: inspect.StructType, path: _Path) -> Iterator[Fault]:
    if not wanted.forbid_unknown_fields:
        return
    known = [field.encode_name for field in wanted.fields]
    for key in value:
        if key not in known:
            yield Fault((*path, key), f"is not known; {nearest(key, known)}")


def nearest(key: str, known: list[str]) -> str:
    """Return a question that names the word of *known* that is most like *key*, or all of them."""
    near = difflib.get_close_matches(key[:60], known, n=1)
    return f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"


def _of_list(
    value: list[Any],
    wanted: inspect.VarTupleType | inspect.ListType,
    words: dict[str, Any],
    path: _Path,
) -> Iterator[Fault]:
    if wanted.min_length is not None and len(value) < wanted.min_length:
        yield Fault(path, "must not be empty: add a value, or remove it")
    if wanted.max_length is not None and len(value) > wanted.max_length:
        yield Fault(path, f"has {len(value)} values, and at most {wanted.max_length} are allowed")
    for i, item in enumerate(value):
        if words.get(SET) == "set" and item in value[:i]:
            yield Fault((*path, i), f"{quoted(str(item))} occurs twice: remove one")
        yield from _broken(item, wanted.item_type, (*path, i))


def _of_text(
    value: str, wanted: inspect.StrType, words: dict[str, Any], path: _Path
) -> Iterator[Fault]:
    if wanted.max_length is not None and len(value) > wanted.max_length:
        yield Fault(path, f"is longer than {wanted.max_length} characters")
    elif wanted.min_length is not None and len(value) < wanted.min_length:
        yield Fault(
            path, f"is shorter than {wanted.min_length} characters" if value else "is empty"
        )
    elif wanted.pattern and ("\n" in value or not re.search(wanted.pattern, value)):
        yield Fault(path, f"{quoted(value)} is not {words.get('is', 'well formed')}")


def _of_number(value: float, wanted: inspect.IntType, path: _Path) -> Iterator[Fault]:
    if value != int(value):
        yield Fault(path, "must be a whole number")
    if wanted.ge is not None and value < wanted.ge:
        yield Fault(path, f"must be at least {wanted.ge}")
    if wanted.le is not None and value > wanted.le:
        yield Fault(path, f"must be at most {wanted.le}")
