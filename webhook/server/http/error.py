"""Answers of the admission port other than 200: an HTTP status, and JSON with the reason.

With them, failurePolicy decides. The API server retries a 429 with Retry-After within its timeout
(client-go rest/with_retry.go).
"""

import re
from typing import Final, TypeAlias

import msgspec

Header: TypeAlias = tuple[bytes, bytes]

JSON: Final = (b"content-type", b"application/json")
CLOSE: Final = (b"connection", b"close")
_UNSAFE: Final = re.compile(r"[^\x20-\x7e]")


def _closing(status: str, text: str) -> bytes:
    body = f'{{"error":"{text}"}}'
    lines = (
        f"HTTP/1.1 {status}",
        "content-type: application/json",
        f"content-length: {len(body)}",
        "connection: close",
    )
    return "\r\n".join((*lines, "", body)).encode()


TIMED_OUT: Final = _closing("408 Request Timeout", "the request did not arrive in time")
TOO_LARGE: Final = _closing("413 Content Too Large", "the request is too large")
HEAD_TOO_LARGE: Final = _closing("431 Request Header Fields Too Large", "the head is too large")


class HttpError(Exception):
    """An answer other than 200; the connection closes if the body was not read."""

    def __init__(self, status: int, text: str, *headers: Header) -> None:
        super().__init__(text)
        self.status, self.text, self.headers = status, text, headers


class Overload(HttpError):
    """There are more requests than the server can hold; the caller should retry."""

    def __init__(self, text: str) -> None:
        super().__init__(429, text, (b"retry-after", b"1"), CLOSE)


class Disconnected(Exception):
    """The caller has disconnected, so there is nobody to answer."""


def error_body(text: str) -> bytes:
    """Return *text* as JSON, at most 300 characters of it, with control characters replaced."""
    return msgspec.json.encode({"error": _UNSAFE.sub("?", text)[:300]})
