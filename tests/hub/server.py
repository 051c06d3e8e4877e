"""Listen on two ports, for the Hub and for the CDN, and answer requests."""

import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.hub import control, routes
from tests.hub.answer import Answer
from tests.hub.cdn import Signer
from tests.hub.fault import Fault
from tests.hub.faults import Faults
from tests.hub.journal import Entry, Journal
from tests.hub.protocol import Caller, Protocol
from tests.hub.ranges import Span, UnsatisfiableError, span
from tests.hub.repositories import Repositories
from tests.hub.sending import Sending
from tests.hub.xet import XetStorage


class Site:
    """The Hub and the CDN: what both ports share."""

    def __init__(
        self, folder: Path, address: str, port: int, cdn_port: int, *, xet: bool = False
    ) -> None:
        self.repositories = Repositories(folder)
        self.faults = Faults(self.repositories)
        self.journal = Journal()
        self.stopping = threading.Event()
        self.failed = threading.Event()
        self.cdn = Listener(self, address, cdn_port)
        self.hub = Listener(self, address, port)
        self.protocol = Protocol(
            self.repositories, Signer(self.cdn.server_port), XetStorage(folder) if xet else None
        )
        self.url = self.hub.url

    def start(self) -> None:
        """Start to answer, in threads that end with the process."""
        for listener in (self.cdn, self.hub):
            threading.Thread(target=listener.serve_forever, daemon=True).start()


class Listener(ThreadingHTTPServer):
    """One port."""

    request_queue_size = 128

    def __init__(self, site: Site, address: str, port: int) -> None:
        self.site = site
        self.address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
        super().__init__((address, port), Exchange)

    @property
    def url(self) -> str:
        """The address of the port."""
        host, port = self.socket.getsockname()[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def server_bind(self) -> None:
        """Bind without the reverse look-up of our address, which can take seconds."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = self.socket.getsockname()[:2]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Show our own errors; a client that disconnected is not one."""
        if not isinstance(sys.exception(), ConnectionError):
            self.site.failed.set()
            super().handle_error(request, client_address)


class Exchange(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Listener

    def do_GET(self) -> None:
        if "Content-Length" in self.headers or "Transfer-Encoding" in self.headers:
            self.close_connection = True  # the body would be read as a request
        self._answer()

    do_HEAD = do_GET  # noqa: N815  # http.server's name

    def do_POST(self) -> None:
        if self.server is self.server.site.hub:
            self._control()
        else:
            self.send_error(405)

    do_PUT = do_POST  # noqa: N815  # likewise

    def log_message(self, *_: object) -> None:
        """Print nothing: requests are recorded."""

    def _control(self) -> None:
        size = int(self.headers.get("Content-Length", 0))
        status, found = control.answer(self.server.site, self.path, self.rfile, size)
        if status != 200:
            self.close_connection = True  # its body may be unread
        self.send_response(status)
        self.send_header("Content-Length", str(len(found)))
        self.end_headers()
        self.wfile.write(found)

    def _answer(self) -> None:
        site = self.server.site
        asked = routes.read(self.path, cdn=self.server is site.cdn)
        ranged, authorization = self.headers.get("Range"), self.headers.get("Authorization")
        with site.journal.entry(
            asked, self.command, self.path, range=ranged, authorization=authorization
        ) as entry:
            host = self.headers.get("Host") or site.url.removeprefix("http://")
            caller = Caller(host, authorization, self.command == "HEAD")
            claims = site.faults.claims(asked, self.command)
            answer = site.protocol.answer(asked, caller, claims)
            fault = self._fault(asked, answer)
            if fault:
                answer = site.faults.spoil(fault, asked, self.path, answer)
                if fault.before_headers_seconds:
                    with entry.waiting():
                        site.stopping.wait(fault.before_headers_seconds)
            self._send(entry, answer, fault)

    def _fault(self, asked: routes.Asked, answer: Answer) -> Fault | None:
        try:
            part = self._part(answer)
        except UnsatisfiableError:
            part = Span(0, 0)
        return self.server.site.faults.choose(asked, self.command, answer, part)

    def _part(self, answer: Answer) -> Span | None:
        if self.command != "GET" or not answer.ranges:
            return None
        condition = self.headers.get("If-Range")
        if condition is not None and condition != answer.headers.get("ETag"):
            return None
        return span(self.headers.get("Range"), answer.content.size)

    def _send(self, entry: Entry, answer: Answer, fault: Fault | None) -> None:
        size, status, headers = answer.content.size, answer.status, dict(answer.headers)
        try:
            part = None if fault and fault.ignore_range else self._part(answer)
        except UnsatisfiableError:
            status, part = 416, Span(0, 0)
            headers["Content-Range"] = f"bytes */{size}"
        else:
            if part:
                status = 206
                headers["Content-Range"] = f"bytes {part.start}-{part.end - 1}/{size}"
        part = part or Span(0, size)
        entry.request.code = status
        self.send_response(status)
        if answer.commit:
            headers["X-Repo-Commit"] = answer.commit
        for name, value in headers.items():
            # It may contain text of the client that is not valid in a header.
            self.send_header(name, value.encode("unicode_escape").decode())
        self.send_header("Content-Length", str(part.size))
        try:
            self.end_headers()
            if self.command == "GET":
                whole = Sending(self.connection, entry, self.server.site.stopping).send(
                    answer.content, part, fault
                )
                self.close_connection |= not whole
                if not whole and fault and fault.cut_after is not None:
                    self.rfile.close()  # it keeps the socket open
                    self.connection.close()
        except OSError:
            self.close_connection = True  # the client disconnected
