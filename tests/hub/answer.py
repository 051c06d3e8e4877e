"""An answer before it is sent: status, headers, and content from memory or a file."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, BinaryIO, Final

BLOCK: Final = 2**16


@dataclass(frozen=True, slots=True)
class Content:
    """The source of a body."""

    open: Callable[[], BinaryIO]
    size: int
    flipped: int | None = None
    """The position of a byte whose bits are inverted."""

    @classmethod
    def of(cls, content: bytes) -> "Content":
        """Return content that is held in memory."""
        return cls(lambda: BytesIO(content), len(content))

    def pieces(self, start: int, end: int) -> Iterator[bytes]:
        """Yield the bytes from *start* to before *end*; EOFError if some are missing."""
        with self.open() as file:
            file.seek(start)
            while start < end:
                if not (piece := file.read(min(BLOCK, end - start))):
                    raise EOFError(f"there is no byte {start} of {self.size}")
                if self.flipped is not None and start <= self.flipped < start + len(piece):
                    at = self.flipped - start
                    piece = piece[:at] + bytes([piece[at] ^ 0xFF]) + piece[at + 1 :]
                yield piece
                start += len(piece)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, unless a fault changes it."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    content: Content = field(default_factory=lambda: Content.of(b""))
    ranges: bool = False
    """Whether ranges of the content may be requested."""
    commit: str | None = None
    """The commit for X-Repo-Commit."""


def document(found: Any, **headers: str) -> Answer:
    """Return *found* as JSON."""
    content = json.dumps(found).encode()
    media = {"Content-Type": "application/json; charset=utf-8"}
    return Answer(200, media | headers, Content.of(content))


def error(status: int, message: str, code: str = "", commit: str | None = None) -> Answer:
    """Return an error as the Hub does: both in headers and as JSON."""
    headers = {"Content-Type": "application/json; charset=utf-8", "X-Error-Message": message}
    if code:
        headers["X-Error-Code"] = code
    content = Content.of(json.dumps({"error": message}).encode())
    return Answer(status, headers, content, commit=commit)


def redirect(location: str, **headers: str) -> Answer:
    """Return an answer that sends the client elsewhere."""
    text = Content.of(f"Found. Redirecting to {location}".encode())
    media = {"Content-Type": "text/plain; charset=utf-8", "Location": location}
    return Answer(302, media | headers, text)
