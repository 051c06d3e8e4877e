"""uvicorn's HTTP protocol with a time limit on everything that is read.

uvicorn sets no limit on headers and bodies. Here each connection notes since
when it owes us the rest of a request, and one sweep a second closes those that
owe it too long, so that a request itself pays for no timer. The same sweep ends
connections whose peer takes no answer, and makes old ones close after the next.
"""

import asyncio
import random
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from webhook.server.http.error import HEAD_TOO_LARGE, TIMED_OUT, TOO_LARGE

READ_SECONDS: Final = 10.0
"""For the whole of a request, headers and body; twice the webhook's timeoutSeconds."""
LARGEST_HEAD: Final = 16 * 1024
MOST_PIPELINED: Final = 100
"""Requests sent ahead of their answers on one connection. Go sends none; uvicorn has no limit."""
LARGEST_MESSAGE: Final = 16 * 2**20
"""Bytes of a request, with all that frames its body."""


class _Nowhere(list[Any]):
    """Where the trailers of a chunked body go."""

    def append(self, _: object, /) -> None:
        """Keep nothing."""


class TimedProtocol(HttpToolsProtocol):
    """An HTTP/1.1 connection that must deliver what it began, and take what it asked for."""

    oldest = 40.0
    """Seconds after which a connection closes with its next answer, so that a client which keeps
    connections comes back through the Service and finds replicas that are new; 0: with each."""
    owes = False
    """Whether a request has begun and is not complete."""
    asked = False
    """Whether a request has ever begun."""
    used_at = 0.0
    """When the connection, or its last request, began."""
    received = 0
    """Bytes of a request that came in more than one piece."""
    stuck_since: float | None = None
    retires_at = 0.0
    retires = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for a request as long as between two: Go keeps connections it has not used yet."""
        super().connection_made(transport)
        now = self.used_at = self.loop.time()
        self.retires_at = now + self.oldest * random.uniform(0.75, 1.25)  # noqa: S311  # spread
        self.retires = not self.oldest
        self.timeout_keep_alive_task = self.loop.call_later(
            self.timeout_keep_alive, self.timeout_keep_alive_handler
        )

    def data_received(self, data: bytes) -> None:
        """Refuse a request without end."""
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
        """Let go of the connection: uvicorn leaves its timer after a reset, and 61 KB with it."""
        super().connection_lost(exc)
        self._unset_keepalive_if_required()

    def on_message_begin(self) -> None:
        """Start the clock at the first byte of a request."""
        super().on_message_begin()
        self.received = 0
        self.owes = self.asked = True
        self.used_at = self.loop.time()

    def on_message_complete(self) -> None:
        """Stop the clock: the request is here."""
        self.owes = False
        if self.retires:
            self.cycle.keep_alive = False
        if self.pipeline and len(self.pipeline) > MOST_PIPELINED:
            self.transport.abort()
        super().on_message_complete()

    def on_chunk_header(self) -> None:
        """Forget the trailers, which nobody reads and nothing limits."""
        self.headers = _Nowhere()

    def shutdown(self) -> None:
        """Close now, or after the answer to a request that has begun to arrive."""
        self.retires_at, self.retires = 0.0, True
        if not self.owes:
            super().shutdown()

    @property
    def idle(self) -> bool:
        """Whether nobody waits for anything of it."""
        return not self.owes and self._answered()

    def close_if_late(self, now: float) -> bool:
        """Close the connection if it owes the rest of a request too long at the time *now*."""
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
                # Bytes came that begin no request, such as empty lines.
                self.owes, self.used_at = True, now
            return False
        if now - self.used_at <= READ_SECONDS:
            return False
        self._refuse(TIMED_OUT)
        return True

    def _refuse(self, answer: bytes) -> None:
        """Close, with *answer* if nothing was answered yet and no other answer is under way."""
        self.owes = False
        if self._in_head() is self._answered():
            self.transport.write(answer)
        self.transport.close()

    def _answered(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _in_head(self) -> bool:
        """Whether the head of the last request is not complete."""
        return self.cycle is None or self.cycle.scope is not self.scope
