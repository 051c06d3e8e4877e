"""A server that answers every request with an error that repeats the request's credentials."""

import contextlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.kubernetes.certificates import Authority
from tests.kubernetes.serving import serving

SAID = ("authorization", "proxy-authorization", "x-amz-security-token")


class EchoServer(ThreadingHTTPServer):
    """Listens on loopback, with TLS if there is an authority."""

    daemon_threads = True

    def __init__(self, authority: Authority | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.status = 401
        self.heard: list[str] = []
        """The credentials of each request."""
        if authority:
            pair = authority.sign("echo", hosts=["127.0.0.1"])
            self.socket = pair.server_context().wrap_socket(
                self.socket, server_side=True, do_handshake_on_connect=False
            )
        self.host = f"127.0.0.1:{self.server_port}"
        self.url = f"{'https' if authority else 'http'}://{self.host}"

    def handle_error(self, *_: Any) -> None:
        """Print nothing: clients may disconnect at any time."""


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: EchoServer

    def do(self) -> None:
        sent = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
        said = " ".join([*(self.headers.get(name, "") for name in SAID), sent]).strip()
        self.server.heard.append(said)
        body = f'{{"error": "{said}", "message": "{said}"}}<Error><Code>{said}</Code></Error>'
        self.send_response(self.server.status, said)
        for name in ("X-Error-Message", "X-Error-Code", "X-Request-Id", "Retry-After"):
            self.send_header(name, said)
        self.send_header("WWW-Authenticate", f'Bearer realm="{self.server.url}/{said}"')
        self.send_header("Location", f"ftp://{said.replace(' ', '')}@127.0.0.1/{said}?{said}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body.encode())

    do_GET = do_HEAD = do_POST = do_CONNECT = do  # noqa: N815

    def log_message(self, *_: Any) -> None:
        pass


@contextlib.contextmanager
def echo_server(folder: Path | None = None) -> Iterator[tuple[EchoServer, Path]]:
    """Run one for a `with` block, with the file of its authority.

    It speaks TLS if there is a *folder* for that.
    """
    authority = Authority(folder) if folder else None
    server = EchoServer(authority)
    with serving(server):
        yield server, authority.certificate if authority else Path()
