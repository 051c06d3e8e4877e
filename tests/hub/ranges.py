"""Parse the header Range, for one range of bytes (RFC 9110)."""

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
        """Bytes."""
        return self.end - self.start


class UnsatisfiableError(Exception):
    """The range is outside of the content."""


def span(header: str | None, size: int) -> Span | None:
    """Return the range of *header* in *size* bytes, None for everything; UnsatisfiableError.

    Several ranges, and a malformed header, also mean everything, as the RFC permits.
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
