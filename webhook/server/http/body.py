"""Read the body of a review, within limits of size."""

from typing import Final

from webhook.server.http.asgi import Receive, Scope
from webhook.server.http.error import CLOSE, JSON, Disconnected, HttpError, Overload

LARGEST_BODY: Final = 12 * 2**20
"""Bytes. Go writes each of < > & as six bytes, so the review of a legal pod can exceed 8.5 MB."""
MOST_BUFFERED: Final = 64 * 2**20
"""Bytes of all bodies that are arriving in more than one piece."""


def check_head(scope: Scope) -> None:
    """Raise HttpError 405, 413 or 415 if the head is not that of a review."""
    if scope["method"] != "POST":
        raise HttpError(405, "the method must be POST", (b"allow", b"POST"), CLOSE)
    media_type = None
    for name, value in scope["headers"]:
        if name == b"content-type":
            media_type = value
        elif name == b"content-length" and int(value) > LARGEST_BODY:
            raise _too_large()
        elif name == b"content-encoding" and value != b"identity":
            raise HttpError(415, "the body must not be compressed", CLOSE)
    if media_type != JSON[1] and (
        media_type is None or media_type.partition(b";")[0].strip().lower() != JSON[1]
    ):
        raise HttpError(415, "the content type must be application/json", CLOSE)


class Bodies:
    """The bodies that are arriving on one port."""

    def __init__(self) -> None:
        self._buffered = 0

    async def read(self, receive: Receive) -> bytes:
        """Return the complete body; raises HttpError 413, Overload or Disconnected."""
        if self._buffered > MOST_BUFFERED:
            raise Overload("too many reviews at once")
        body, more = await _part(receive)
        if not more:
            if len(body) > LARGEST_BODY:
                raise _too_large()
            return body
        parts, size = [body], len(body)
        self._buffered += size
        try:
            while more:
                part, more = await _part(receive)
                parts.append(part)
                size += len(part)
                self._buffered += len(part)
                if size > LARGEST_BODY:
                    raise _too_large()
                if self._buffered > MOST_BUFFERED:
                    raise Overload("too many bytes at once")
            return b"".join(parts)
        finally:
            self._buffered -= size


async def _part(receive: Receive) -> tuple[bytes, bool]:
    message = await receive()
    if message["type"] == "http.disconnect":
        raise Disconnected
    return message["body"], message["more_body"]


def _too_large() -> HttpError:
    return HttpError(413, f"the body must not be larger than {LARGEST_BODY} bytes", CLOSE)
