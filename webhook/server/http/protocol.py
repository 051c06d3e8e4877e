"""Limit how long and how much one connection may send, on top of uvicorn's HTTP protocol.

uvicorn has no time limit for headers and bodies. Here each connection notes when a request began,
and one sweep a second closes the connections that are late, so that no request needs a timer. The
same sweep aborts connections whose peer does not read answers, and marks old connections to be
closed after their next answer.
"""

import asyncio
import random
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from webhook.server.http.error import HEAD_TOO_LARGE, TIMED_OUT, TOO_LARGE

READ_SECONDS: Final = 10.0
"""For a complete request, headers and body; twice the webhook's timeoutSeconds."""
LARGEST_HEAD: Final = 16 * 1024
MOST_PIPELINED: Final = 100
"""Requests that a connection may send before their answers. Go sends none; uvicorn has no
limit."""
LARGEST_MESSAGE: Final = 16 * 2**20
"""Bytes of a request, including the framing of its body."""


class _Nowhere(list[Any]):
    """Discards the trailers of a chunked body."""

    def append(self, _: object, /) -> None:
        """Discard it."""


class TimedProtocol(HttpToolsProtocol):
    """An HTTP/1.1 connection that must complete its requests and read its answers in time."""

    oldest = 40.0
    """Age in seconds at which a connection closes after its next answer, so that clients which
    keep connections also connect to new replicas, through the Service; 0: after each answer."""
    owes = False
    """Whether a request has begun to arrive and is not complete."""
    asked = False
    """Whether the connection has ever sent a request."""
    used_at = 0.0
    """When the connection, or its last request, began."""
    received = 0
    """Bytes of the current request after its first piece."""
    stuck_since: float | None = None
    retires_at = 0.0
    retires = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first request as long as for a later one: Go keeps unused connections."""
        super().connection_made(transport)
        now = self.used_at = self.loop.time()
        self.retires_at = now + self.oldest * random.uniform(0.75, 1.25)  # noqa: S311  # spread
        self.retires = not self.oldest
        self.timeout_keep_alive_task = self.loop.call_later(
            self.timeout_keep_alive, self.timeout_keep_alive_handler
        )

    def data_received(self, data: bytes) -> None:
        """Refuse a request that is too large."""
        if self.owes:
            self.received += len(data)
            if self.received > LARGEST_HEAD and self._in_head():
                self._refuse(HEAD_TOO_LARGE)
                return
            if self.received > LARGEST_MESSAGE:
                self._refuse(TOO_LARGE)
                return
        super().data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Free the connection: after a reset uvicorn keeps its timer, and 61 KB with it."""
        super().connection_lost(exc)
        self._unset_keepalive_if_required()

    def on_message_begin(self) -> None:
        """Start the clock at the first byte of a request."""
        super().on_message_begin()
        self.received = 0
        self.owes = self.asked = True
        self.used_at = self.loop.time()

    def on_message_complete(self) -> None:
        """Stop the clock: the request is complete."""
        self.owes = False
        if self.retires:
            self.cycle.keep_alive = False
        if self.pipeline and len(self.pipeline) > MOST_PIPELINED:
            self.transport.abort()
        super().on_message_complete()

    def on_chunk_header(self) -> None:
        """Discard trailers: nothing reads them, and nothing limits them."""
        self.headers = _Nowhere()

    def shutdown(self) -> None:
        """Close now, or after the answer if a request has begun to arrive."""
        self.retires_at, self.retires = 0.0, True
        if not self.owes:
            super().shutdown()

    @property
    def idle(self) -> bool:
        """Whether no request is arriving and every answer has been sent."""
        return not self.owes and self._answered()

    def close_if_late(self, now: float) -> bool:
        """Close the connection if its request is late at the time *now*; return whether it was."""
        self.retires = now > self.retires_at
        if self.transport.is_closing() or self.flow.write_paused:
            if self.stuck_since is None:
                self.stuck_since = now
            elif now - self.stuck_since > READ_SECONDS:
                self.transport.abort()
            return False
        self.stuck_since = None
        if not self.owes:
            if self.timeout_keep_alive_task is None and self._answered():
                # The peer sent bytes that do not begin a request, such as empty lines.
                self.owes, self.used_at = True, now
            return False
        if now - self.used_at <= READ_SECONDS:
            return False
        self._refuse(TIMED_OUT)
        return True

    def _refuse(self, answer: bytes) -> None:
        """Close; send *answer* if the request has no answer and no other is being sent."""
        self.owes = False
        if self._in_head() is self._answered():
            self.transport.write(answer)
        self.transport.close()

    def _answered(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _in_head(self) -> bool:
        """Whether the head of the last request is still arriving."""
        return self.cycle is None or self.cycle.scope is not self.scope
