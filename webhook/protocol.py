"""uvicorn's HTTP protocol with a time limit on everything that is read.

uvicorn sets no limit on headers and bodies. Here each connection notes since
when it owes us the rest of a request, and one sweep a second closes those that
owe it too long, so that a request itself pays for no timer.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

READ_SECONDS: Final = 10.0
"""For the whole of a request, headers and body; twice the webhook's timeoutSeconds."""
IDLE_SECONDS: Final = 120
"""The API server keeps idle connections for 90 s and does not retry a POST on EOF."""
MOST_CONNECTIONS: Final = 2000
_TIMED_OUT: Final = (
    b"HTTP/1.1 408 Request Timeout\r\ncontent-type: application/json\r\n"
    b'content-length: 40\r\nconnection: close\r\n\r\n{"error":"the request did not arrive"}\r\n'
)


class TimedProtocol(HttpToolsProtocol):
    """An HTTP/1.1 connection that must deliver what it began."""

    owes_since: float | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the clock: a connection owes its first request."""
        super().connection_made(transport)
        self.owes_since = self.loop.time()
        if len(self.connections) > MOST_CONNECTIONS:
            transport.abort()

    def on_message_begin(self) -> None:
        """Start the clock at the first byte of a request."""
        super().on_message_begin()
        self.owes_since = self.loop.time()

    def on_message_complete(self) -> None:
        """Stop the clock: the request is here."""
        self.owes_since = None
        super().on_message_complete()

    def close_if_late(self, before: float) -> bool:
        """Close the connection if it owes the rest of a request since *before*."""
        if self.owes_since is None or self.owes_since > before:
            return False
        self.owes_since = None
        if self.cycle is not None and not self.cycle.response_complete:
            self.transport.write(_TIMED_OUT)
        self.transport.close()
        return True


async def sweep(state: ServerState, timed_out: Callable[[], Any]) -> None:
    """Close late connections of *state*, for ever, once a second."""
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(1)
        before = loop.time() - READ_SECONDS
        for connection in list(state.connections):
            if isinstance(connection, TimedProtocol) and connection.close_if_late(before):
                timed_out()
