"""Leave out the fields of an object that its struct does not know, and name them.

An object of the cluster may be newer than we are: its schema has fields of a later version.
"""

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
    dropped: list[str] = []
    return _known_part(content, type_of(kind), (), dropped), dropped


def _known_part(
    value: Any,  # noqa: ANN401
    wanted: inspect.Type,
    path: _Path,
    dropped: list[str],
) -> Any:  # noqa: ANN401
    right = chosen(value, wanted)
    if right is None or not fits(value, right):
        return value
    match right:
        case inspect.StructType():
            types = {field.encode_name: field.type for field in right.fields}
            found = {}
            for key, item in value.items():
                if key in types:
                    found[key] = _known_part(item, types[key], (*path, key), dropped)
                elif right.forbid_unknown_fields:
                    dropped.append(Fault((*path, key), "is not known").where)
                else:
                    found[key] = item
            return found
        case inspect.ListType() | inspect.VarTupleType():
            return [
                _known_part(item, right.item_type, (*path, i), dropped)
                for i, item in enumerate(value)
            ]
        case inspect.DictType():
            return {
                key: _known_part(item, right.value_type, (*path, key), dropped)
                for key, item in value.items()
            }
        case _:
            return value
