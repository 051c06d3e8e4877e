"""Owns a webhook that gives the answer that a test sets, right or wrong.

A test sets `answer`, a function from the Review to a Reply. A plain dict stands for the `response` of
a well-formed review. Every call is recorded.
"""

import base64
import contextlib
import dataclasses
import json
import ssl
import threading
import urllib.parse
from collections.abc import Callable, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self

from tests.kubernetes.certificates import Authority
from tests.kubernetes.serving import serving

Review = dict[str, Any]


@dataclasses.dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer, byte for byte."""

    body: bytes = b""
    code: int = 200
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    wait: float = 0
    """Seconds before it is sent, or less if the server is closed."""
    hang_up: bool = False
    """Close the connection instead of answering."""


@dataclasses.dataclass(frozen=True, slots=True)
class Call:
    """A request, as received."""

    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    review: Review

    @property
    def uid(self) -> str:
        """The request's uid."""
        return str(self.review["request"]["uid"])

    @property
    def object(self) -> dict[str, Any]:
        """The object under review."""
        obj: dict[str, Any] = self.review["request"]["object"]
        return obj


Answer = Callable[[Review], "Reply | dict[str, Any]"]


def json_reply(document: Any, code: int = 200) -> Reply:
    """Return *document* as an answer."""
    return Reply(json.dumps(document).encode(), code, {"Content-Type": "application/json"})


def envelope(review: Review, response: dict[str, Any], **overrides: Any) -> dict[str, Any]:
    """Return a well-formed AdmissionReview; *overrides* are for ill-formed ones."""
    return {
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "response": {"uid": review["request"]["uid"], **response},
        **overrides,
    }


def allow(**more: Any) -> dict[str, Any]:
    """Return an approval."""
    return {"allowed": True, **more}


def deny(**status: Any) -> dict[str, Any]:
    """Return a refusal with *status*; if that is None, without a status."""
    return {"allowed": False, **({"status": status} if status else {})}


def patch(*operations: Mapping[str, Any] | str | int, **more: Any) -> dict[str, Any]:
    """Return an approval that patches."""
    encoded = base64.b64encode(json.dumps(operations).encode()).decode()
    return allow(patchType="JSONPatch", patch=encoded, **more)


def add(path: str, value: Any) -> dict[str, Any]:
    """Return the operation that adds *value*."""
    return {"op": "add", "path": path, "value": value}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hook: ClassVar["ScriptedHook"]
    disable_nagle_algorithm = True
    wbufsize = -1  # an answer is one TCP segment

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        split = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(split.query))
        call = Call(split.path, query, dict(self.headers), json.loads(body))
        self.hook.calls.append(call)
        answer = self.hook.paths.get(split.path, self.hook.answer)(call.review)
        reply = answer if isinstance(answer, Reply) else json_reply(envelope(call.review, answer))
        if reply.wait and self.hook.closed.wait(reply.wait):
            self.close_connection = True
            return
        if reply.hang_up:
            self.close_connection = True
            return
        self.send_response(reply.code)
        for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(reply.body)
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Log nothing: calls are recorded."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    context: ssl.SSLContext

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Do the TLS handshake in the connection's thread, not in the one that accepts."""
        try:
            with self.context.wrap_socket(request, server_side=True) as secure:
                super().finish_request(secure, client_address)
        except OSError:  # the peer gave up, after a timeout or because of the certificate
            return


class ScriptedHook:
    """A TLS server on loopback, for the time of a `with` block."""

    def __init__(self, folder: Path, hosts: Sequence[str] = ("127.0.0.1",)) -> None:
        authority = Authority(folder, "scripted hook")
        pair = authority.sign("hook", hosts=hosts)
        self.ca = authority.pem
        self.answer: Answer = lambda _: allow()
        self.paths: dict[str, Answer] = {}
        """Path → an answer that is used instead of `answer`."""
        self.calls: list[Call] = []
        self.closed = threading.Event()
        handler = type("Handler", (_Handler,), {"hook": self})
        self._server = _Server(("127.0.0.1", 0), handler)
        self._server.context = pair.server_context()
        self._serving = contextlib.ExitStack()

    @property
    def url(self) -> str:
        """The URL at which it listens."""
        return f"https://127.0.0.1:{self._server.server_address[1]}"

    def client_config(self, path: str = "/") -> dict[str, str]:
        """Return the clientConfig of a webhook that is served here."""
        return {"url": self.url + path, "caBundle": base64.b64encode(self.ca).decode()}

    def reset(self) -> None:
        """Forget the recorded calls, and approve everything again."""
        self.answer = lambda _: allow()
        self.paths.clear()
        self.calls.clear()

    def __enter__(self) -> Self:
        self._serving.enter_context(serving(self._server))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.closed.set()
        self._serving.close()
