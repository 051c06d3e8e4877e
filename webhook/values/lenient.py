"""Leave out the fields of an object that its struct does not know, and name them.

An object of the cluster may be newer than we are: its schema has fields of a later version.
"""

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import inspect

from webhook.values.shape import Fault, chosen, fits, type_of

_Path = tuple[str | int, ...]


def known_part(
    content: Any,  # noqa: ANN401  # any JSON value
    kind: type[msgspec.Struct],
) -> tuple[Any, list[str]]:
    """Return *content* without the fields that *kind* would refuse as unknown, and their places."""
    wanted = type_of(kind)
    return _known_part(content, wanted), [fault.where for fault in _unknown(content, wanted, ())]


def _known_part(value: Any, wanted: inspect.Type) -> Any:  # noqa: ANN401
    right = chosen(value, wanted)
    if right is None or not fits(value, right):
        return value
    match right:
        case inspect.StructType():
            types = {field.encode_name: field.type for field in right.fields}
            return {
                key: _known_part(item, types[key]) if key in types else item
                for key, item in value.items()
                if key in types or not right.forbid_unknown_fields
            }
        case inspect.ListType() | inspect.VarTupleType():
            return [_known_part(item, right.item_type) for item in value]
        case inspect.DictType():
            return {key: _known_part(item, right.value_type) for key, item in value.items()}
        case _:
            return value


def _unknown(value: Any, wanted: inspect.Type, path: _Path) -> Iterator[Fault]:  # noqa: ANN401
    right = chosen(value, wanted)
    if right is None or not fits(value, right):
        return
    match right:
        case inspect.StructType():
            types = {field.encode_name: field.type for field in right.fields}
            for key, item in value.items():
                if key in types:
                    yield from _unknown(item, types[key], (*path, key))
                elif right.forbid_unknown_fields:
                    yield Fault((*path, key), "is not known")
        case inspect.ListType() | inspect.VarTupleType():
            for i, item in enumerate(value):
                yield from _unknown(item, right.item_type, (*path, i))
        case inspect.DictType():
            for key, item in value.items():
                yield from _unknown(item, right.value_type, (*path, key))
        case _:
            pass
