"""Make text from outside safe to print: on one line, quoted, cut short."""

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

_USER: Final = re.compile(r"(?<=://)[^/\s]*@")


def printable(text: str, most: int = 4000) -> str:
    r"""Return *text* on one line: control, format and surrogate characters as \uXXXX.

    The API server silently drops a warning that has one of them (apimachinery
    NewWarningHeader).
    """
    if not (text.isascii() and text.isprintable()):
        text = "".join(
            c
            if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
            else f"\\u{ord(c):04x}"
            for c in text
        )
    return text if len(text) <= most else text[: most - 1] + "…"


def quoted(value: str, most: int = 60) -> str:
    """Return a user's *value* in quotes, shortened to *most* characters."""
    return f'"{printable(value, most)}"'


def some(texts: Iterable[str], most: int = 5) -> str:
    """Return the first *most* of *texts*, and how many more there are."""
    found = list(texts)
    more = f" and {len(found) - most} more" if len(found) > most else ""
    return ", ".join(found[:most]) + more


def without_credentials(text: str) -> str:
    """Return *text* without the users and passwords of its URLs."""
    return _USER.sub("…@", text)
