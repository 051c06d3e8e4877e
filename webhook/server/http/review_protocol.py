"""Answer short reviews in the protocol itself, as soon as their last byte arrives.

An ASGI application runs as a task that waits for the body, and sends the head and the body of its
answer separately. Most reviews are short and are decided without waiting. They are answered while
they are parsed, with one write: one TLS record, one system call. All other requests are handled by
the ASGI application.
"""

import asyncio
from typing import Any, Final

from uvicorn import Config
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle
from uvicorn.server import ServerState

from webhook.server.http.admission_port import AdmissionPort
from webhook.server.http.protocol import TimedProtocol
from webhook.server.reviews.reviewer import TooEarly

_HEAD: Final = b"%scontent-type: application/json\r\ncontent-length: %d\r\n%s\r\n%s"
_CLOSE: Final = b"connection: close\r\n"


def _nothing() -> None:
    """No-op: nothing is pending after an answer written by the protocol."""


class ReviewProtocol(TimedProtocol):
    """An HTTP/1.1 connection to the admission port."""

    _review: RequestResponseCycle | None = None
    """The review that is arriving, if the protocol will answer it."""

    def __init__(
        self,
        port: AdmissionPort,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        super().__init__(config, server_state, app_state, loop)
        self._port = port
        self.oldest = port.oldest_connection

    def connection_lost(self, exc: Exception | None) -> None:
        """Drop the review that is arriving."""
        super().connection_lost(exc)
        if self._review is not None:
            self._review = None
            self._port.in_flight -= 1

    def on_message_complete(self) -> None:
        """Answer the review that has arrived."""
        super().on_message_complete()
        if self._review is not None and not self.transport.is_closing():
            self._answer(self._review)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        # If the client is not reading, the answer must wait, and only a task can wait.
        if self.flow.write_paused or not self._port.takes_at_once(cycle.scope):
            super()._start_asgi_task(cycle, app)
            return
        cycle.on_response = _nothing  # otherwise connection and cycle refer to each other
        self._review = cycle
        self._port.in_flight += 1
        if not cycle.more_body:
            self._answer(cycle)

    def _answer(self, cycle: RequestResponseCycle) -> None:
        self._review = None
        self._port.in_flight -= 1
        try:
            status, body = self._port.answer(cycle.scope["path"], bytes(cycle.body))
        except TooEarly:  # only a task can wait
            cycle.on_response = self.on_response_complete
            super()._start_asgi_task(cycle, self.app)
            return
        closes = self._port.draining or not cycle.keep_alive
        cycle.response_started = cycle.response_complete = True
        self.transport.write(
            _HEAD % (STATUS_LINE[status], len(body), _CLOSE if closes else b"", body)
        )
        if closes:
            self.transport.close()
        self.on_response_complete()
