"""Reads the header Range, of one range of bytes as RFC 9110 has it."""

import re
from dataclasses import dataclass
from typing import Final

_RANGE: Final = re.compile(r"bytes\s*=\s*(\d*)\s*-\s*(\d*)\s*", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Span:
    """The bytes from *start* to before *end*."""

    start: int
    end: int

    @property
    def size(self) -> int:
        """How many bytes."""
        return self.end - self.start


class UnsatisfiableError(Exception):
    """A range has no byte of the content."""


def span(header: str | None, size: int) -> Span | None:
    """Return what *header* asks for of *size* bytes; None: everything; or UnsatisfiableError.

    Several ranges, and what can't be read, are everything too, as the RFC permits.
    """
    found = _RANGE.fullmatch(header.strip()) if header else None
    if not found or found.groups() == ("", ""):
        return None
    first, last = found.groups()
    if not first:
        start, end = max(size - int(last), 0), size
    else:
        start, end = int(first), min(int(last) + 1, size) if last else size
        if last and int(last) < start:
            return None
    if start >= end:
        raise UnsatisfiableError
    return Span(start, end)
