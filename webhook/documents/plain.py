"""Convert YAML values to the JSON that kubectl would send."""

import json
import math
import re
from typing import Any, Final

from ruamel.yaml.scalarint import ScalarInt

from webhook.values.text import printable

_MOST_VALUES: Final = 1_000_000
_YAML_1_1: Final = {
    spelt: word in ("yes", "on")
    for word in ("yes", "on", "no", "off")
    for spelt in (word, word.upper(), word.capitalize())
}
"""Words that kubectl reads as booleans unless they are quoted."""


class _Plain:
    """One conversion to JSON values, up to a limit: a few aliases can expand to very many."""

    def __init__(self, *, quoted: bool) -> None:
        self.quoted = quoted
        """Whether every string was quoted, as in JSON."""
        self.left = _MOST_VALUES

    def of(self, value: Any) -> Any:  # noqa: ANN401  # any YAML value
        self.left -= 1
        if self.left < 0:
            raise ValueError(f"expands to more than {_MOST_VALUES} values")
        match value:
            case dict():
                return {self._key(k): self.of(v) for k, v in value.items()}
            case list() | tuple() | set():
                return [self.of(v) for v in value]
            case bool() | None:
                return value
            case int():
                return _integer(value)
            case float():
                if not math.isfinite(value):
                    raise ValueError(f"{value} is not a number that JSON knows")
                return float(value)
            case _:
                return self._text(value)

    def _text(self, value: Any) -> str | bool:  # noqa: ANN401  # a scalar
        if not self.quoted and type(value) is str and value in _YAML_1_1:
            return _YAML_1_1[value]
        text = str(value)
        if not text.isascii() and any("\ud800" <= c <= "\udfff" for c in text):
            raise ValueError(f'"{printable(text, 60)}" has an unpaired surrogate')
        return text

    def _key(self, value: Any) -> str:  # noqa: ANN401  # a scalar
        found = self.of(value)
        return found if isinstance(found, str) else json.dumps(found)


def _integer(value: int) -> int:
    width = getattr(value, "_width", None) if isinstance(value, ScalarInt) else None
    text = str(int(value))
    if width and width > len(text) and type(value) is ScalarInt and not re.search("[89]", text):
        return int(text, 8)  # kubectl reads 0644 as octal
    return int(value)


def plain(content: Any) -> Any:  # noqa: ANN401  # any YAML value
    """Return *content* as kubectl would send it; ValueError if it can't be sent."""
    try:
        return _Plain(quoted=type(content) is dict).of(content)
    except RecursionError as error:
        raise ValueError("is nested too deeply") from error
