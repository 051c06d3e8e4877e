"""Answers that a connection gives by itself before it closes: the request is not all here."""

from typing import Final


def _closing(status: str, text: str) -> bytes:
    body = f'{{"error":"{text}"}}'
    lines = (
        f"HTTP/1.1 {status}",
        "content-type: application/json",
        f"content-length: {len(body)}",
        "connection: close",
    )
    return "\r\n".join((*lines, "", body)).encode()


TIMED_OUT: Final = _closing("408 Request Timeout", "the request did not arrive")
TOO_LARGE: Final = _closing("413 Content Too Large", "the request is too large")
HEAD_TOO_LARGE: Final = _closing("431 Request Header Fields Too Large", "the head is too large")
