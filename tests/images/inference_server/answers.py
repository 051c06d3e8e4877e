"""Answer requests: health, names of models, the report, memory to take or to free."""

import json
import socket
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.images.inference_server.memory import Held, allocate
from tests.images.inference_server.model import Json


class Server(ThreadingHTTPServer):
    """Answers for the models that were read."""

    daemon_threads = True

    def __init__(self, port: int, names: list[str], report: Json) -> None:
        self.names, self.report, self.held = names, report, Held()
        super().__init__(("", port), Requests)

    def server_bind(self) -> None:
        """Bind without the reverse look-up of the server's address, which can take seconds."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()


class Requests(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        """Answer with health, names, the report or the mounts."""
        match self.path:
            case "/health":
                self._answer(200, b"")
            case "/v1/models":
                entries = [{"id": n, "object": "model"} for n in self.server.names]
                self._json({"object": "list", "data": entries})
            case "/report":
                self._json(self.server.report)
            case "/mounts":
                self._answer(200, Path("/proc/self/mountinfo").read_bytes(), "text/plain")
            case _:
                self._answer(404, b"")

    def do_POST(self) -> None:
        """Take memory, or free it."""
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        held = self.server.held
        try:
            match self.path:
                case "/allocate":
                    if memory := allocate(int(json.loads(body)["bytes"])):
                        held.append(memory)
                case "/release":
                    while held:
                        held.pop().close()
                case _:
                    self._answer(404, b"")
                    return
        except (ValueError, KeyError, TypeError, OSError) as error:
            self._answer(400, repr(error).encode(), "text/plain")
            return
        self._json({"held": held.bytes()})

    def _json(self, content: Json) -> None:
        self._answer(200, json.dumps(content).encode(), "application/json")

    def _answer(self, status: int, body: bytes, media_type: str = "") -> None:
        self.send_response(status)
        if media_type:
            self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log nothing: probes send requests all the time."""
