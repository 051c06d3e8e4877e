"""Owns a proxy in front of an API server that replaces answers by faults of networks and servers.

Requests go to the real API server as its administrator. `spoil` decides which answers are replaced.
"""

import contextlib
import dataclasses
import json
import urllib.parse
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.kubernetes.control_plane import ControlPlane
from tests.kubernetes.serving import serving


@dataclasses.dataclass(frozen=True, slots=True)
class Spoilt:
    """An answer that replaces the API server's."""

    code: int = 200
    body: bytes = b""
    headers: dict[str, str] = dataclasses.field(default_factory=dict)


class FaultyProxy:
    """Listens on loopback, without TLS, for the time of a `with` block."""

    def __init__(self, plane: ControlPlane, folder: Path) -> None:
        self.spoil: Callable[[str, str], Spoilt | None] = lambda method, path: None
        """Method, and path with query → the replacement. None stands for the API server's answer."""
        self.calls: Counter[str] = Counter()
        """Paths by method; those of watches are under WATCH."""
        self.port = plane.host.free_port()
        self._plane = plane
        self._serving = contextlib.ExitStack()
        self.kubeconfig = folder / "faulty.kubeconfig"
        cluster = {"server": f"http://127.0.0.1:{self.port}"}
        context = {"cluster": "tests", "user": "nobody"}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "tests", "cluster": cluster}],
            "users": [{"name": "nobody", "user": {}}],
            "contexts": [{"name": "tests", "context": context}],
            "current-context": "tests",
        }
        self.kubeconfig.write_text(json.dumps(config))

    def __enter__(self) -> Self:
        proxy = self

        class Exchange(BaseHTTPRequestHandler):
            def do(self) -> None:
                length = int(self.headers.get("Content-Length", 0))
                sent = self.rfile.read(length)
                watch = "watch=true" in self.path
                proxy.calls["WATCH" if watch else self.command] += 1
                found = proxy.spoil(self.command, self.path) or proxy.forward(
                    self.command, self.path, sent, self.headers.get("Content-Type")
                )
                self.send_response(found.code)
                for name, value in found.headers.items():
                    self.send_header(name, value)
                self.end_headers()  # there is no length, so the end of the connection ends the body
                self.wfile.write(found.body)

            do_GET = do_POST = do_PUT = do_PATCH = do  # noqa: N815  # http.server's names

            def log_message(self, *_: object) -> None:
                """Log nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", self.port), Exchange)
        self._serving.enter_context(serving(server))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._serving.close()

    def forward(self, method: str, path: str, body: bytes, media: str | None) -> Spoilt:
        """Return the API server's answer; for a watch, one that ends at once."""
        if "watch=true" in path:
            return Spoilt()
        place, _, query = path.partition("?")
        answer = self._plane.api.request(
            method,
            place,
            body or None,
            media_type=media or "application/json",
            params=dict(urllib.parse.parse_qsl(query)),
        )
        return Spoilt(answer.code, json.dumps(answer.body).encode())
