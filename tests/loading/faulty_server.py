"""A server in front of another one, which spoils its answers as networks and servers do.

It streams what it forwards, and keeps the header Host, so that signatures and redirects stay valid.
It can serve TLS.
"""

import contextlib
import http.client
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.kubernetes.certificates import Pair
from tests.kubernetes.serving import serving

BLOCK = 2**16
HOP = {"connection", "keep-alive", "transfer-encoding"}


@dataclass(slots=True)
class Fault:
    """A fault in answers to matching requests; the first that matches counts."""

    path: str = "*"
    """A pattern of the path and query."""
    method: str = "GET"
    status: int | None = None
    """Answer with this status and *headers* instead."""
    body: bytes = b""
    """The body for *status*."""
    headers: dict[str, str] = field(default_factory=dict)
    """Without *status*: added to the headers of the answer."""
    cut_after: int | None = None
    """Close the connection after this many bytes of the body."""
    corrupt_at: int | None = None
    """Change the byte of the body at this position."""
    times: int | None = None
    """The number of requests to spoil; None: all."""
    then: Callable[[], object] | None = None
    """Called after each of them."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that arrived."""

    method: str
    path: str
    headers: dict[str, str]
    """Names in lower case."""
    code: int


class FaultyServer(ThreadingHTTPServer):
    """Listens on loopback, and forwards to the server at *port* there."""

    daemon_threads = True

    def __init__(self, port: int, pair: Pair | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Exchange)
        self.behind = port
        self.faults: list[Fault] = []
        self.asked: list[Asked] = []
        self.lock = threading.Lock()
        if pair:
            self.socket = pair.server_context().wrap_socket(
                self.socket, server_side=True, do_handshake_on_connect=False
            )
        self.host = f"127.0.0.1:{self.server_port}"
        self.url = f"{'https' if pair else 'http'}://{self.host}"

    def fault_of(self, method: str, path: str) -> Fault:
        """Return the fault of a request; an empty one if there is none."""
        with self.lock:
            for fault in self.faults:
                if fault.method == method and fnmatchcase(path, fault.path) and fault.times != 0:
                    if fault.times:
                        fault.times -= 1
                    return fault
        return Fault()

    def handle_error(self, *_: Any) -> None:
        """Print nothing: clients may disconnect at any time."""


class _Exchange(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FaultyServer

    def do(self) -> None:
        sent = self.rfile.read(int(self.headers.get("content-length", 0)))
        fault = self.server.fault_of(self.command, self.path)
        if fault.status:
            self._note(fault.status)
            self.send_response(fault.status)
            for name, value in {"Content-Length": str(len(fault.body)), **fault.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(fault.body)
        else:
            self._forward(sent, fault)
        if fault.then:
            fault.then()

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do  # noqa: N815

    def _forward(self, sent: bytes, fault: Fault) -> None:
        behind = http.client.HTTPConnection("127.0.0.1", self.server.behind)
        headers = {n: v for n, v in self.headers.items() if n.lower() not in HOP}
        if self.server.url.startswith("https"):
            headers["X-Forwarded-Proto"] = "https"
        with contextlib.closing(behind):
            behind.request(self.command, self.path, sent, headers)
            answer = behind.getresponse()
            self._note(answer.status)
            self.send_response_only(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in HOP:
                    self.send_header(name, value)
            for name, value in fault.headers.items():
                self.send_header(name, value)
            if self.command != "HEAD" and answer.getheader("content-length") is None:
                self.close_connection = True
                self.send_header("Connection", "close")
            self.end_headers()
            self._body(answer, fault)

    def _body(self, answer: http.client.HTTPResponse, fault: Fault) -> None:
        at = 0
        while block := answer.read(BLOCK):
            if fault.corrupt_at is not None and at <= fault.corrupt_at < at + len(block):
                changed = bytearray(block)
                changed[fault.corrupt_at - at] ^= 0xFF
                block = bytes(changed)
            if fault.cut_after is not None and at + len(block) > fault.cut_after:
                self.wfile.write(block[: fault.cut_after - at])
                self.wfile.flush()
                self.close_connection = True
                return
            self.wfile.write(block)
            at += len(block)

    def _note(self, code: int) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        with self.server.lock:
            self.server.asked.append(Asked(self.command, self.path, headers, code))

    def log_message(self, *_: Any) -> None:
        pass


@contextlib.contextmanager
def faulty_server(port: int, pair: Pair | None = None) -> Iterator[FaultyServer]:
    """Run one in front of the server at *port* for a `with` block."""
    server = FaultyServer(port, pair)
    with serving(server):
        yield server
