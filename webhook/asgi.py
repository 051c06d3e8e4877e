"""HTTP for the admission port: a body in, an answer out.

    200 an answer          404 another path       413 body over the limit
    400 no AdmissionReview 405 another method     415 another media type
    408 body not in time   429 overload           500 a fault of ours

Everything but 200 leaves the decision to failurePolicy; a 429 with Retry-After
is retried by the API server within its timeout (client-go rest/with_retry.go).
"""

import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, Final, TypeAlias

import msgspec

from webhook.admission import Admission
from webhook.review import BadReview
from webhook.telemetry import Telemetry

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

LARGEST_BODY: Final = 12 * 2**20
"""Go escapes < > & sixfold, so a legal pod becomes a review of 8.5 MB and more."""
MOST_IN_FLIGHT: Final = 1500
"""More than a thousand at once, or as many that dawdle; fewer than connections."""
MOST_BUFFERED: Final = 64 * 2**20
LARGEST_AT_ONCE: Final = 32 * 1024
"""MOST_IN_FLIGHT times that stays below MOST_BUFFERED."""
_UNUSUAL: Final = frozenset((b"content-encoding", b"transfer-encoding", b"expect"))
_JSON: Final = (b"content-type", b"application/json")
_CLOSE: Final = (b"connection", b"close")
_UNSAFE: Final = re.compile(r"[^\x20-\x7e]")


class HttpError(Exception):
    """An answer other than 200; the connection closes if the body was not read."""

    def __init__(self, status: int, text: str, *headers: tuple[bytes, bytes]) -> None:
        super().__init__(text)
        self.status, self.text, self.headers = status, text, headers


class Disconnected(Exception):
    """The caller has gone; nobody waits for an answer."""


class AdmissionPort:
    """The ASGI application of the admission port, in front of *otherwise* (FastAPI)."""

    def __init__(
        self,
        admission: Admission,
        telemetry: Telemetry,
        otherwise: Application,
        log_fault: Callable[[Exception], None],
    ) -> None:
        self.draining = False
        self.in_flight = 0
        """Reviews that are read or decided."""
        self._reviews: dict[str, Callable[[bytes], bytes]] = {
            "/mutate": admission.review_pod,
            "/mutate-workload": admission.review_workload,
        }
        self._telemetry = telemetry
        self._otherwise = otherwise
        self._log_fault = log_fault
        telemetry.in_flight.set_function(lambda: self.in_flight)
        self._buffered = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["path"] not in self._reviews:
            await self._elsewhere(scope, receive, send)
            return
        headers: tuple[tuple[bytes, bytes], ...] = ()
        self.in_flight += 1
        try:
            body = await self._body(scope, receive)
            status, answer = self.answer(scope["path"], body)
        except Disconnected:
            return
        except HttpError as error:
            status, answer, headers = error.status, _error(error.text), error.headers
            self._telemetry.answered(status)
        finally:
            self.in_flight -= 1
        sent = [_JSON, (b"content-length", b"%d" % len(answer)), *headers]
        if self.draining and _CLOSE not in headers:
            sent.append(_CLOSE)
        await send({"type": "http.response.start", "status": status, "headers": sent})
        await send({"type": "http.response.body", "body": answer})

    def answer(self, path: str, body: bytes) -> tuple[int, bytes]:
        """Return status and body of the answer to a whole review; never raises."""
        try:
            status, answer = 200, self._reviews[path](body)
        except BadReview as error:
            status, answer = 400, _error(str(error))
        except Exception as error:  # failurePolicy decides: never a denial
            self._telemetry.panics.inc()
            self._log_fault(error)
            status, answer = 500, _error("internal error; see the log of the webhook")
        self._telemetry.answered(status)
        return status, answer

    def takes_at_once(self, scope: Mapping[str, Any]) -> bool:
        """Whether a request is a short review with nothing unusual about it."""
        if scope["path"] not in self._reviews or scope["method"] != "POST":
            return False
        if self.in_flight >= MOST_IN_FLIGHT:
            return False
        length, is_json = LARGEST_AT_ONCE + 1, False
        for name, value in scope["headers"]:
            if name == b"content-type":
                is_json = value == _JSON[1]
            elif name == b"content-length":
                length = int(value)
            elif name in _UNUSUAL:
                return False
        return is_json and length <= LARGEST_AT_ONCE

    async def _elsewhere(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def counted(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                self._telemetry.answered(message["status"])
            await send(message)

        await self._otherwise(scope, receive, counted)

    async def _body(self, scope: Scope, receive: Receive) -> bytes:
        """Return the whole body, checked before it is read and while it is."""
        self._check_head(scope)
        if self.in_flight > MOST_IN_FLIGHT or self._buffered > MOST_BUFFERED:
            self._telemetry.shed.inc()
            raise HttpError(429, "too many reviews at once", (b"retry-after", b"1"), _CLOSE)
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        body: bytes = message["body"]
        if not message["more_body"]:
            if len(body) > LARGEST_BODY:
                raise _too_large()
            return body
        parts, size = [body], len(body)
        self._buffered += size
        try:
            while message["more_body"]:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise Disconnected
                part = message["body"]
                parts.append(part)
                size += len(part)
                self._buffered += len(part)
                if size > LARGEST_BODY:
                    raise _too_large()
                if self._buffered > MOST_BUFFERED:
                    self._telemetry.shed.inc()
                    raise HttpError(429, "too many bytes at once", (b"retry-after", b"1"), _CLOSE)
            return b"".join(parts)
        finally:
            self._buffered -= size

    @staticmethod
    def _check_head(scope: Scope) -> None:
        if scope["method"] != "POST":
            raise HttpError(405, "must be POST", (b"allow", b"POST"), _CLOSE)
        media_type = None
        for name, value in scope["headers"]:
            if name == b"content-type":
                media_type = value
            elif name == b"content-length" and int(value) > LARGEST_BODY:
                raise _too_large()
            elif name == b"content-encoding" and value != b"identity":
                raise HttpError(415, "must not be compressed", _CLOSE)
        if media_type != b"application/json" and (
            media_type is None
            or media_type.partition(b";")[0].strip().lower() != b"application/json"
        ):
            raise HttpError(415, "must be application/json", _CLOSE)


def _too_large() -> HttpError:
    return HttpError(413, f"must not be larger than {LARGEST_BODY} bytes", _CLOSE)


def _error(text: str) -> bytes:
    return msgspec.json.encode({"error": _UNSAFE.sub("?", text)[:300]})
