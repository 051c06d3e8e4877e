"""An https server of one file, with ETags, ranges and If-Range (RFC 9110)."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.kubernetes.certificates import Authority

PATH = "/models/tiny.safetensors"


class HttpsServer(ThreadingHTTPServer):
    """Serves one file, which may change at any time."""

    daemon_threads = True

    def __init__(self, folder: Path, content: bytes) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.content, self.etag = content, '"one"'
        self.cut: int | None = None
        """The next body ends after this many bytes, once."""
        self.then: tuple[bytes, str] | None = None
        """Content and ETag after that."""
        self.asked: list[tuple[str | None, int]] = []
        """Range and status of each request."""
        authority = Authority(folder)
        pair = authority.sign("https", hosts=["127.0.0.1"])
        self.authority = authority.certificate
        self.socket = pair.server_context().wrap_socket(self.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self.server_port}{PATH}"

    def handle_error(self, *_: Any) -> None:
        """Print nothing: clients may disconnect at any time."""


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: HttpsServer

    def do_GET(self) -> None:
        server = self.server
        if self.path != PATH:
            self.send_error(404)
            return
        content, etag, said = server.content, server.etag, self.headers.get("range")
        start = 0
        if said and self.headers.get("if-range", etag) == etag:
            found = re.fullmatch(r"bytes=(\d+)-", said)
            assert found, said
            start = int(found[1])
        code = 206 if start else 200
        server.asked.append((said, code))
        self.send_response(code)
        if etag:
            self.send_header("ETag", etag)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        body = content[start:]
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        cut, server.cut = (server.cut, None) if len(server.asked) > 1 else (None, server.cut)
        if cut is not None and server.then:
            server.content, server.etag = server.then
        self.wfile.write(body[:cut])
        self.close_connection = cut is not None

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def https_server(folder: Path, content: bytes) -> Iterator[HttpsServer]:
    """Serve *content* for a `with` block."""
    with HttpsServer(folder, content) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
