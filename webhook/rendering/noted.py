"""Write YAML with comments that give reasons: a Noted value has its reason above it."""

import io
import re
import textwrap
from dataclasses import dataclass
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.scalarstring import DoubleQuotedScalarString, LiteralScalarString

from webhook.objects.json import Json

_WIDTH: Final = 100
_PLAIN: Final = re.compile(
    r"-{0,2}[A-Za-z/](?:[\w./=@-]|:(?=[\w/]))*|[0-9]{1,18}(?:[KMGTPE]i|m|%)", re.ASCII
)
_WORDS: Final = frozenset(("true", "false", "null", "yes", "no", "on", "off", "y", "n"))


@dataclass(frozen=True, slots=True)
class Noted:
    """The value of a field, and the reason for it."""

    value: Any
    why: str


def text_of(content: Json, heading: str) -> str:
    """Return one document with *heading* above it; the first field of a list can have no note."""
    yaml: Any = YAML()
    yaml.width = 2**31
    yaml.indent(mapping=2, sequence=4, offset=2)
    stream = io.StringIO("---\n")
    stream.seek(0, io.SEEK_END)
    stream.writelines(f"# {line}\n" for line in textwrap.wrap(heading, _WIDTH - 2))
    yaml.dump(_commented(content, 0), stream)
    return stream.getvalue()


def _commented(value: Any, column: int) -> Any:  # noqa: ANN401  # any YAML value
    """Return *value* with its notes as comments for ruamel; *column*: where its fields begin."""
    match value:
        case dict():
            found = CommentedMap()
            for key, item in value.items():
                bare = item.value if isinstance(item, Noted) else item
                # The fields of an item of a list stand right of its dash.
                inner = column + (4 if isinstance(bare, list) else 2)
                found[_text(key)] = _commented(bare, inner)
                if isinstance(item, Noted):
                    why = "\n".join(textwrap.wrap(item.why, _WIDTH - 2 - column))
                    found.yaml_set_comment_before_after_key(_text(key), before=why, indent=column)
            return found
        case list():
            return [_commented(item, column) for item in value]
        case str():
            return _text(value)
        case _:
            return value


def _text(value: str) -> str:
    """Return *value*: lines as they are; in quotes if a parser might read it as anything else."""
    if "\n" in value:
        lines: str = LiteralScalarString(value)
        return lines
    if _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    quoted: str = DoubleQuotedScalarString(value)
    return quoted
