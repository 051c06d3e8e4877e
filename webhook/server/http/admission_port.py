"""Answer reviews on the admission port, as an ASGI application.

    200 an answer              408 body not in time       429 overload
    400 not an AdmissionReview 413 body over the limit    500 a fault of the webhook
    404 another path           415 another media type
    405 another method

With any status but 200, failurePolicy decides.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from webhook.server.http.asgi import Application, Message, Receive, Scope, Send
from webhook.server.http.body import Bodies, check_head
from webhook.server.http.error import (
    CLOSE,
    JSON,
    Disconnected,
    Header,
    HttpError,
    Overload,
    error_body,
)
from webhook.server.reviews.review import BadReview
from webhook.server.reviews.reviewer import Reviewer, TooEarly
from webhook.server.telemetry.decisions import Telemetry

MOST_IN_FLIGHT: Final = 1500
"""Enough for 1,000 reviews at once, or as many slow callers; fewer than MOST_CONNECTIONS."""
LARGEST_AT_ONCE: Final = 32 * 1024
"""Bytes. MOST_IN_FLIGHT bodies of this size stay below MOST_BUFFERED."""
_UNUSUAL: Final = frozenset((b"content-encoding", b"transfer-encoding", b"expect"))


class AdmissionPort:
    """The ASGI application of the admission port, in front of *otherwise* (FastAPI)."""

    def __init__(
        self,
        reviewer: Reviewer,
        telemetry: Telemetry,
        otherwise: Application,
        log_fault: Callable[[Exception], None],
        oldest_connection: float,
    ) -> None:
        self.draining = False
        self.oldest_connection = oldest_connection
        """Age in seconds at which a connection closes after its next answer."""
        self.in_flight = 0
        """Reviews being read or decided."""
        self._settled = reviewer.settled
        self._reviews: dict[str, Callable[..., bytes]] = {
            "/mutate": reviewer.review_pod,
            "/mutate-workload": reviewer.review_workload,
        }
        self._telemetry = telemetry
        self._otherwise = otherwise
        self._log_fault = log_fault
        self._bodies = Bodies()
        telemetry.in_flight.set_function(lambda: self.in_flight)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["path"] not in self._reviews:
            await self._elsewhere(scope, receive, send)
            return
        headers: tuple[Header, ...] = ()
        self.in_flight += 1
        try:
            check_head(scope)
            if self.in_flight > MOST_IN_FLIGHT:
                raise Overload("too many reviews at once")
            body = await self._bodies.read(receive)
            try:
                status, answer = self.answer(scope["path"], body)
            except TooEarly as early:
                await self._settled(early)
                status, answer = self.answer(scope["path"], body, settled=True)
        except Disconnected:
            return
        except HttpError as error:
            if isinstance(error, Overload):
                self._telemetry.shed.inc()
            status, answer, headers = error.status, error_body(error.text), error.headers
            self._telemetry.answered(status)
        finally:
            self.in_flight -= 1
        sent = [JSON, (b"content-length", b"%d" % len(answer)), *headers]
        if self.draining and CLOSE not in headers:
            sent.append(CLOSE)
        await send({"type": "http.response.start", "status": status, "headers": sent})
        await send({"type": "http.response.body", "body": answer})

    def answer(self, path: str, body: bytes, *, settled: bool = False) -> tuple[int, bytes]:
        """Return the status and body of the answer to a complete review.

        Raises nothing but TooEarly, and that only unless *settled*.
        """
        try:
            status, answer = 200, self._reviews[path](body, settled=settled)
        except TooEarly:
            raise
        except BadReview as error:
            status, answer = 400, error_body(str(error))
        except Exception as error:  # failurePolicy decides: never a denial
            self._telemetry.panics.inc()
            self._log_fault(error)
            status, answer = 500, error_body("internal error; see the log of the webhook")
        self._telemetry.answered(status)
        return status, answer

    def takes_at_once(self, scope: Mapping[str, Any]) -> bool:
        """Whether a request is a short review without unusual headers."""
        if scope["path"] not in self._reviews or scope["method"] != "POST":
            return False
        if self.in_flight >= MOST_IN_FLIGHT:
            return False
        length, is_json = LARGEST_AT_ONCE + 1, False
        for name, value in scope["headers"]:
            if name == b"content-type":
                is_json = value == JSON[1]
            elif name == b"content-length":
                length = int(value)
            elif name in _UNUSUAL:
                return False
        return is_json and length <= LARGEST_AT_ONCE

    async def _elsewhere(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._telemetry.answered(message["status"])
            await send(message)

        await self._otherwise(scope, receive, counted)
