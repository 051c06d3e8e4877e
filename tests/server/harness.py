"""Run `modelcache serve` as a process, with a well-behaved client, and observe it from outside."""

import contextlib
import http.client
import json
import os
import queue
import re
import select
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Self

from certs.dev import make_pair
from tests.forking.process import ENVIRONMENT, Forked
from tests.server.connection import Answer, Connection, Json, request
from tests.server.reviews import MODEL, body, pod
from webhook.admission.request.declared import KNOWN as NAMES

ROOT = Path(__file__).parents[2]
HOST = "127.0.0.1"
PATIENCE = 20.0
START_PATIENCE = 60.0
"""A start imports everything: on a busy machine that takes longer than any answer."""


@dataclass(frozen=True, slots=True)
class PairFiles:
    """The certificate that servers of the tests use, and the CA that signed it."""

    ca: Path
    certificate: Path
    key: Path

    @classmethod
    def made_in(cls, directory: Path) -> Self:
        """Write a new pair."""
        pair = make_pair(("localhost", HOST))
        files = cls(directory / "ca.pem", directory / "tls.crt", directory / "tls.key")
        files.ca.write_bytes(pair.ca)
        files.certificate.write_bytes(pair.certificate)
        files.key.write_bytes(pair.key)
        return files

    def client_context(self) -> ssl.SSLContext:
        """Return a context that trusts the pair."""
        return ssl.create_default_context(cafile=str(self.ca))


class Server:
    """A running `modelcache serve`; its log is read all the time unless *read_log* is false.

    *files* is its limit of open files, soft:hard. If its memory is *measured*, its process has
    imported nothing but what it needs.
    """

    def __init__(
        self,
        pair: PairFiles,
        *options: str,
        changes: Mapping[str, Any] | None = None,
        read_log: bool = True,
        files: str = "",
        measured: bool = False,
    ) -> None:
        self.pair = pair
        limit = ("prlimit", f"--nofile={files}") if files else ()
        module = (
            ("tests.server.patched", json.dumps(changes)) if changes is not None else ("webhook",)
        )
        kind = subprocess.Popen if measured else Forked
        self.process: subprocess.Popen[bytes] = kind(
            [
                *limit, sys.executable, "-m", *module, "serve", "--host", HOST, "--port", "0",
                "--health-port", "0", "--cert", str(pair.certificate), "--key", str(pair.key),
                *options,
            ],
            cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.PIPE,
            env={**os.environ, **ENVIRONMENT},
        )  # fmt: skip
        self.lines: list[bytes] = []
        self._arrived: queue.Queue[bytes] = queue.Queue()
        self._reading = read_log
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()
        try:
            first = self._serving()
            self.port, self.health_port = first
            self._client = self._new_client()
            eventually(lambda: self.health("/readyz").status == 200)
        except BaseException:
            self.process.kill()
            self._reaped(PATIENCE)
            raise

    def _serving(self) -> tuple[int, int]:
        end = time.monotonic() + START_PATIENCE
        while time.monotonic() < end:
            line = self._arrived.get(timeout=START_PATIENCE)
            if not line:
                raise AssertionError((self.process.wait(), self.lines))
            if b"serving" in line:
                numbers = re.search(rb"port\W+(\d+).*health_port\W+(\d+)", line)
                assert numbers, line
                return int(numbers[1]), int(numbers[2])
        raise AssertionError(self.lines)

    def _read(self) -> None:
        assert self.process.stderr
        for line in self.process.stderr:
            self.lines.append(line)
            self._arrived.put(line)
            if not self._reading and b"serving" in line:
                return
        self._arrived.put(b"")

    @property
    def reads(self) -> bool:
        """Whether its log is being read."""
        return self._thread.is_alive()

    # Clients

    def _new_client(self) -> http.client.HTTPSConnection:
        return http.client.HTTPSConnection(
            "localhost", self.port, timeout=PATIENCE, context=self.pair.client_context()
        )

    def post(
        self, content: bytes | str, path: str = "/mutate", method: str = "POST", **headers: str
    ) -> Answer:
        """Send *content* over the connection that is kept, and return the answer."""
        idle = self._client.sock
        if idle and select.select([idle], [], [], 0)[0]:
            self._client.close()  # the server closed it, because it was idle for too long
        named = {"content-type": "application/json"}
        named |= {name.replace("_", "-"): value for name, value in headers.items()}
        self._client.request(
            method, path, content, {name: value for name, value in named.items() if value}
        )
        found = self._client.getresponse()
        return Answer(found.status, {k.lower(): v for k, v in found.getheaders()}, found.read())

    def connect(
        self, context: ssl.SSLContext | None = None, seconds: float = PATIENCE
    ) -> Connection:
        """Return a new connection, with TLS."""
        raw = socket.create_connection((HOST, self.port), timeout=seconds)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        context = context or self.pair.client_context()
        return Connection(context.wrap_socket(raw, server_hostname="localhost"))

    def plain(self) -> Connection:
        """Return a new connection to the admission port, without TLS."""
        return Connection(socket.create_connection((HOST, self.port), timeout=PATIENCE))

    def health(self, path: str) -> Answer:
        """Get *path* from the health port."""
        client = http.client.HTTPConnection(HOST, self.health_port, timeout=PATIENCE)
        with contextlib.closing(client):
            client.request("GET", path)
            found = client.getresponse()
            return Answer(found.status, {k.lower(): v for k, v in found.getheaders()}, found.read())

    # Observations from outside

    def metric(self, name: str, **labels: str) -> float:
        """Return the sum of the samples *name* that have all of *labels*."""
        return sum(
            value
            for sample, found, value in samples(self.health("/metrics").body.decode())
            if sample == name and labels.items() <= found.items()
        )

    def events(self, name: str = "decision") -> list[Json]:
        """Return the events *name* logged so far."""
        return [found for line in self.lines if (found := json.loads(line))["event"] == name]

    def decision(self, uid: str) -> Json:
        """Return the one line that was logged for *uid*."""
        eventually(lambda: any(found["uid"] == uid for found in self.events()))
        (found,) = [found for found in self.events() if found["uid"] == uid]
        return found

    def memory(self) -> int:
        """Return the resident bytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert found
        return int(found[1]) * 1024

    def limit_files(self, soft: int) -> None:
        """Lower its limit of open files while it runs."""
        words = ["prlimit", f"--pid={self.process.pid}", f"--nofile={soft}:"]
        subprocess.run(words, check=True)

    def descriptors(self) -> int:
        """Return the number of open files."""
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    # The end

    def signal(self, number: int = signal.SIGTERM) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def ended(self, seconds: float = PATIENCE) -> int:
        """Return the exit status; it must exit within *seconds*."""
        return self.process.wait(timeout=seconds)

    def stop(self) -> int:
        """End it, if it runs."""
        self._client.close()
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
            self.signal(signal.SIGTERM)
        return self._reaped(PATIENCE)

    def _reaped(self, seconds: float) -> int:
        """Return the exit status, and close its streams."""
        try:
            return self.ended(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        finally:
            self._thread.join(PATIENCE)
            for stream in (self.process.stdout, self.process.stderr):
                if stream:
                    stream.close()


_SAMPLE = re.compile(r"^([a-z_]+)(?:\{(.*)\})? ([^ ]+)$")
_LABEL = re.compile(r'([a-z_]+)="([^"]*)"')


def samples(text: str) -> Iterator[tuple[str, dict[str, str], float]]:
    """Yield name, labels and value of each sample of a page of metrics."""
    for line in text.splitlines():
        if found := _SAMPLE.match(line):
            yield found[1], dict(_LABEL.findall(found[2] or "")), float(found[3])


def came_about(check: Callable[[], object], seconds: float) -> bool:
    """Whether *check* holds within *seconds*."""
    end = time.monotonic() + seconds
    while True:
        with contextlib.suppress(OSError):
            if check():
                return True
        if time.monotonic() > end:
            return False
        time.sleep(0.02)


def eventually(check: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Wait until *check* holds."""
    assert came_about(check, seconds), "did not come about"


def has_reached(server: Server, name: str, least: float) -> bool:
    """Whether a counter has reached *least*."""
    return server.metric(name) >= least


def in_flight(server: Server, number: int) -> None:
    """Wait until *number* reviews are being read."""
    eventually(lambda: server.metric("modelcache_admission_in_flight") == number)


@contextlib.contextmanager
def taking_no_answers(server: Server) -> Iterator[None]:
    """Request more answers than the buffers of both sides hold, and read none of them."""
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.connect((HOST, server.port))
    refused = body(pod({f"modelcache.io/{name}": "?" * 50 for name in NAMES} | MODEL))
    name = "modelcache_http_requests_total"
    with server.pair.client_context().wrap_socket(raw, server_hostname="localhost") as tls:
        for _ in range(100):
            least = server.metric(name) + 50
            tls.sendall(request(refused) * 50)
            if not came_about(partial(has_reached, server, name, least), 0.5):
                break
        else:
            raise AssertionError("all answers found room")
        yield
