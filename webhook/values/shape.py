"""Check the types of an object's fields, and report every fault with its place."""

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from msgspec import inspect

from webhook.values.text import quoted

_WORDS: Final = {dict: "a mapping", list: "a list", str: "a string", bool: "a boolean",
                 int: "a number", float: "a number", type(None): "null"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fault:
    """One value of the wrong type."""

    path: tuple[str | int, ...]
    what: str

    @property
    def where(self) -> str:
        """The place as people write it, such as spec.containers[0].name."""
        text = ""
        for step in self.path:
            if isinstance(step, int):
                text += f"[{step}]"
            else:
                text += f".{step}" if step.isidentifier() else f"[{quoted(step)}]"
        return text.removeprefix(".")


def faults(content: Any, kind: type[msgspec.Struct]) -> Iterator[Fault]:  # noqa: ANN401
    """Yield each value of *content* (plain JSON) that has the wrong type for *kind*."""
    yield from _faults(content, type_of(kind), ())


@functools.cache
def type_of(kind: type[msgspec.Struct]) -> inspect.Type:
    """Return what msgspec knows of *kind*; finding it out takes longer than reading an object."""
    return inspect.type_info(kind)


def plainly(wanted: inspect.Type) -> inspect.Type:
    """Return the type without what its Meta says in words."""
    while isinstance(wanted, inspect.Metadata):
        wanted = wanted.type
    return wanted


def chosen(value: Any, wanted: inspect.Type) -> inspect.Type | None:  # noqa: ANN401
    """Return the type that *value* should have, of a union the one that fits; None for null."""
    wanted = plainly(wanted)
    if isinstance(wanted, inspect.UnionType):
        possible = [plainly(t) for t in wanted.types if not isinstance(t, inspect.NoneType)]
        if value is None and len(possible) < len(wanted.types):
            return None
        return next((t for t in possible if fits(value, t)), possible[0])
    return wanted


def _faults(value: Any, wanted: inspect.Type, path: tuple[str | int, ...]) -> Iterator[Fault]:  # noqa: ANN401
    right = chosen(value, wanted)
    if right is None:
        return
    wanted = right
    if not fits(value, wanted):
        yield Fault(path, _what(value, wanted))
    elif isinstance(wanted, inspect.StructType):
        for field in wanted.fields:
            if field.encode_name in value:
                yield from _faults(value[field.encode_name], field.type, (*path, field.encode_name))
            elif field.required:
                yield Fault((*path, field.encode_name), "is missing")
    elif isinstance(wanted, inspect.ListType | inspect.VarTupleType):
        for i, item in enumerate(value):
            yield from _faults(item, wanted.item_type, (*path, i))
    elif isinstance(wanted, inspect.DictType):
        for key, item in value.items():
            yield from _faults(item, wanted.value_type, (*path, key))


def fits(value: Any, wanted: inspect.Type) -> bool:  # noqa: ANN401  # any JSON value
    """Whether *value* has the type *wanted*; what is in it is not looked at."""
    match wanted:
        case inspect.StructType() | inspect.DictType():
            return isinstance(value, dict)
        case inspect.ListType() | inspect.VarTupleType():
            return isinstance(value, list)
        case inspect.StrType() | inspect.LiteralType():
            return isinstance(value, str)
        case inspect.BoolType():
            return isinstance(value, bool)
        case inspect.IntType() | inspect.FloatType():
            return isinstance(value, int | float) and not isinstance(value, bool)
        case _:
            return True


def _what(value: Any, wanted: inspect.Type) -> str:  # noqa: ANN401  # any JSON value
    found = _WORDS.get(type(value), type(value).__name__)
    match wanted:
        case inspect.StrType() | inspect.LiteralType() if isinstance(value, bool | int | float):
            written = str(value).lower() if isinstance(value, bool) else str(value)
            return f'must be a string, not {found}: write it in quotes, such as "{written}"'
        case inspect.StrType() | inspect.LiteralType():
            right = "a string"
        case inspect.StructType() | inspect.DictType():
            right = "a mapping"
        case inspect.ListType() | inspect.VarTupleType():
            right = "a list"
        case inspect.BoolType():
            right = "true or false"
        case _:
            right = "a number"
    return f"must be {right}, not {found}"
