"""Mirrors of the hub (HF_ENDPOINT), whose answers are not the hub's own."""

import hashlib
import http.client
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest

from tests.hub.fault import Fault
from tests.loading.loading import Loader

_HOP = ("connection", "transfer-encoding", "content-length", "date", "server")
_OF_THE_HUB = ("x-repo-commit", "x-linked-etag", "x-linked-size", "etag")


@contextmanager
def mirror(hub: str, kind: str) -> Iterator[str]:
    """Yield the address of a mirror of *hub*, of one kind.

    artifactory: sends all bytes itself, with the SHA-1 of the path as ETag and no header of the
    hub; moved: redirects (308) to the hub itself; weak: its ETags are weak.
    """
    host = urlsplit(hub).netloc

    def ask(handler: BaseHTTPRequestHandler, to: str) -> tuple[int, Message, bytes]:
        parsed = urlsplit(to)
        sent = {k: v for k, v in handler.headers.items() if k.lower() != "host"}
        path = f"{parsed.path}?{parsed.query}" if parsed.query else parsed.path
        with closing(http.client.HTTPConnection(parsed.netloc or host)) as upstream:
            upstream.request(handler.command, path, headers=sent)
            answer = upstream.getresponse()
            return answer.status, answer.headers, answer.read()

    class Mirror(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if kind == "moved" and "/resolve/" in self.path:
                self.send_response(308)
                self.send_header("Location", f"{hub}{self.path}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            status, headers, body = ask(self, self.path)
            size = headers.get("x-linked-size") or headers.get("content-length") or "0"
            while kind == "artifactory" and status in (302, 307):
                status, headers, body = ask(self, headers["location"])
            self.send_response(status)
            for name, value in headers.items():
                if name.lower() in _HOP or (kind == "artifactory" and name.lower() in _OF_THE_HUB):
                    continue
                weak = kind == "weak" and name.lower().endswith("etag")
                self.send_header(name, f"W/{value}" if weak else value)
            if kind == "artifactory":
                self.send_header("ETag", hashlib.sha1(self.path.encode()).hexdigest())  # as it does
            self.send_header("Content-Length", size if self.command == "HEAD" else str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_HEAD = do_GET  # noqa: N815  # as its base class calls it

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Mirror)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("kind", ["artifactory", "moved", "weak"])
def test_a_mirror_serves_the_same_model(loading: Loader, kind: str) -> None:
    with mirror(loading.hub.url, kind) as endpoint:
        done = loading.run(HF_ENDPOINT=endpoint)
    assert done.returncode == 0, done.stderr
    loading.see_whole()


def test_sizes_and_digests_decide_whatever_the_etag_is(loading: Loader) -> None:
    loading.hub.fault(Fault(paths="*.safetensors", where="resolve", etag="0" * 64))
    done = loading.run()
    assert done.returncode == 0, done.stderr
    loading.see_whole()
