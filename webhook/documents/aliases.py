"""Replace YAML aliases and merge keys by copies of what they refer to."""

from typing import Any

from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.scalarstring import DoubleQuotedScalarString, ScalarString


def unshared(value: Any) -> Any:  # noqa: ANN401  # any YAML value
    """Return *value* with a copy for each alias, so that a patch changes one place only."""
    match value:
        case CommentedMap() | CommentedSeq():
            copy: Any = type(value)()
            if isinstance(value, CommentedMap):
                for key, item in value.items():
                    copy[key] = unshared(item)
            else:
                for item in value:
                    copy.append(unshared(item))
            value.copy_attributes(copy)  # afterwards: adding an item moves comments
            for name in ("_yaml_anchor", "_yaml_merge"):
                if hasattr(copy, name):
                    delattr(copy, name)
            return copy
        case dict():
            return {key: unshared(item) for key, item in value.items()}
        case list():
            return [unshared(item) for item in value]
        case ScalarString() if getattr(value, "anchor", None) and value.anchor.value:
            return DoubleQuotedScalarString(str(value))
        case _:
            return value
