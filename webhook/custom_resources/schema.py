"""Write a struct as a structural schema of a CustomResourceDefinition (OpenAPI v3)."""

import inspect as python
from typing import Any, Final

import msgspec
from msgspec import inspect

from webhook.objects.json import Json

VALIDATIONS: Final = "x-kubernetes-validations"
"""CEL that must hold of a value, each with the message for people."""
INT_OR_STRING: Final = "x-kubernetes-int-or-string"


def schema_of(kind: type[msgspec.Struct]) -> Json:
    """Return the schema of *kind*: its docstring, its fields, and what their Meta says."""
    return _schema(inspect.type_info(kind))


def must(rule: str, message: str) -> Json:
    """Return a validation: *rule* is CEL about `self`."""
    return {"rule": rule, "message": message}


def matches(pattern: str, text: str = "self") -> str:
    """Return CEL: whether *text* matches *pattern*, which both Python and RE2 understand."""
    return f"{text}.matches(r'{pattern}')"


def _schema(wanted: inspect.Type) -> Json:
    words: Json = {}
    extra: Json = {}
    while isinstance(wanted, inspect.Metadata):  # the outer one has the word
        words = {**(wanted.extra_json_schema or {}), **words}
        extra = {**(wanted.extra or {}), **extra}
        wanted = wanted.type
    if isinstance(wanted, inspect.UnionType):
        return _union(wanted, words, extra)
    return _described({**_plain(wanted, extra), **words})


def _described(schema: Json) -> Json:
    """Return a schema with its type and its meaning in front, for people who read it."""
    first: Json = {key: schema[key] for key in ("type", "description") if key in schema}
    return {**first, **schema}


def _union(wanted: inspect.UnionType, words: Json, extra: Json) -> Json:
    """Return the schema of a type that may be left out, or of a number or text."""
    types = [one for one in wanted.types if not isinstance(one, inspect.NoneType)]
    if len(types) == 1:
        return _described({**_schema(types[0]), **words})
    found: Json = {**words, INT_OR_STRING: True, "anyOf": [{"type": "integer"}, {"type": "string"}]}
    for one in types:
        limits = _schema(one)
        limits.pop("type")
        if pattern := limits.pop("pattern", None):
            rule = f"type(self) == int || {matches(pattern)}"
            limits[VALIDATIONS] = [must(rule, f"must be {extra['is']}")]
        found |= limits
    return _described(found)


def _plain(wanted: inspect.Type, extra: Json) -> Json:
    match wanted:
        case inspect.StructType():
            return _object(wanted)
        case inspect.DictType():
            return {"type": "object", "additionalProperties": _schema(wanted.value_type)} | _set(
                minProperties=wanted.min_length, maxProperties=wanted.max_length
            )
        case inspect.VarTupleType() | inspect.ListType():
            return {"type": "array", "items": _schema(wanted.item_type)} | _set(
                minItems=wanted.min_length, maxItems=wanted.max_length
            )
        case inspect.StrType():
            found: Json = {"type": "string"} | _set(
                minLength=wanted.min_length, maxLength=wanted.max_length, pattern=wanted.pattern
            )
            if wanted.pattern and "is" in extra:  # a pattern says little to people
                rule = matches(found.pop("pattern"))
                found[VALIDATIONS] = [must(rule, f"must be {extra['is']}")]
            return found
        case inspect.LiteralType():
            return {"type": "string", "enum": [*(extra.get("order") or wanted.values)]}
        case inspect.IntType():
            return {"type": "integer"} | _set(minimum=wanted.ge, maximum=wanted.le)
        case inspect.BoolType():
            return {"type": "boolean"}
        case _:
            return {}


def _object(wanted: inspect.StructType) -> Json:
    properties = {
        field.encode_name: _schema(field.type) | _default(field.default) for field in wanted.fields
    }
    required = [field.encode_name for field in wanted.fields if field.required]
    text = python.cleandoc(wanted.cls.__doc__ or "").replace("\n", " ")
    return {"type": "object", "description": text} | _set(
        required=required or None, properties=properties
    )


def _default(value: Any) -> Json:  # noqa: ANN401  # of any type
    """Return the default that the API server writes: none where nothing is the default."""
    if isinstance(value, tuple) and value:
        return {"default": [*value]}
    if isinstance(value, int | bool) or (isinstance(value, str) and value):
        return {"default": value}
    return {}


def _set(**limits: Any) -> Json:  # noqa: ANN401  # of any type
    return {name: value for name, value in limits.items() if value is not None}
