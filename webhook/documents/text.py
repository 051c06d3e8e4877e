"""Write YAML with its author's lines and our change.

The change is merged into the author's lines. The result is parsed again, and it
is used only if it means what it should.
"""

import io
import re
from collections import Counter
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from webhook.documents.merge import merged_lines
from webhook.documents.plain import plain

_NEEDS_QUOTES: Final = frozenset(("true", "false", "null", "yes", "no", "on", "off", "y", "n", "~"))
_SEQUENCE: Final = re.compile(
    r"^( *)(?:- )*[^\s#-][^\n]*:[ \t]*(?:#[^\n]*)?\n(?:[ \t]*(?:#[^\n]*)?\n)*( *)- ", re.MULTILINE
)
_MAPPING: Final = re.compile(
    r"^( *)[^\s#-][^\n]*:[ \t]*(?:#[^\n]*)?\n(?:[ \t]*(?:#[^\n]*)?\n)*( +)[^\s#-]", re.MULTILINE
)


def written(value: Any) -> Any:  # noqa: ANN401  # any JSON value
    """Return *value*, which we add, with quotes around strings that some parsers read otherwise."""
    match value:
        case dict():
            return {key: written(item) for key, item in value.items()}
        case list():
            return [written(item) for item in value]
        case str() if value.lower() in _NEEDS_QUOTES:
            return DoubleQuotedScalarString(value)
        case _:
            return value


def text_of(before: Any, after: Any, author: bytes) -> str:  # noqa: ANN401  # YAML values
    """Return *after* as YAML: the lines of *author*, which mean *before*, with the change."""
    original = author.decode().replace("\r\n", "\n")
    if type(before) is dict:  # written as JSON
        return _dumped(written(after), "")
    if not original.endswith("\n"):
        original += "\n"
    base, changed = _dumped(before, original), _dumped(after, original)
    merged = "".join(
        merged_lines(*(text.splitlines(keepends=True) for text in (original, base, changed)))
    )
    result = merged if _means(merged, after) else changed
    return result.replace("\n", "\r\n") if b"\r\n" in author else result


def _means(text: str, content: Any) -> bool:  # noqa: ANN401  # any YAML value
    try:
        return bool(plain(_yaml().load(text)) == plain(content))
    except (YAMLError, ValueError, RecursionError):
        return False


def _yaml() -> YAML:
    yaml = YAML()
    yaml.preserve_quotes = True
    return yaml


def _dumped(value: Any, author: str) -> str:  # noqa: ANN401  # any YAML value
    yaml = _yaml()
    yaml.width = 2**31
    yaml.representer.ignore_aliases = lambda _: True
    offset, mapping = _usual(_SEQUENCE, author, 0), _usual(_MAPPING, author, 2)
    yaml.indent(mapping=mapping, sequence=offset + 2, offset=offset)
    text = io.StringIO()
    yaml.dump(value, text)
    return text.getvalue()


def _usual(pattern: re.Pattern[str], text: str, default: int) -> int:
    steps = Counter(
        len(found[2]) - len(found[1])
        for found in pattern.finditer(text)
        if 0 <= len(found[2]) - len(found[1]) <= 8
    )
    return steps.most_common(1)[0][0] if steps else default
