"""Start the compared servers, each in a process, with ports and a certificate."""

import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from benchmarks.load import HEADERS

CHECKOUT: Final = Path(__file__).parent.parent
REQUIREMENTS: Final = Path(__file__).with_name("jsonpatch-1.33.txt")
PATIENCE: Final = 60.0
"""Seconds from the start until the first answer, at most."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A server that can be started."""

    name: str
    arguments: tuple[str, ...]
    """After `python -m`; {port}, {spare}, {cert} and {key} are filled in."""
    path: str = ""
    """The first entry of PYTHONPATH."""


_NAIVE: Final = ("benchmarks.naive", "--port", "{port}", "--cert", "{cert}", "--key", "{key}")
OURS: Final = Kind(
    "modelcache",
    (
        *("webhook", "serve", "--port", "{port}", "--health-port", "{spare}"),
        *("--cert", "{cert}", "--key", "{key}", "--kube-version", "1.37"),
    ),
)
NAIVE: Final = Kind("naive", _NAIVE)
NAIVE_WITH_CLIENT: Final = Kind("naive + client", (*_NAIVE, "--with-client"))


@dataclass(slots=True)
class Server:
    """A running server."""

    kind: Kind
    port: int
    spare: int
    """The port where ours serves probes and metrics."""
    process: subprocess.Popen[bytes]
    log: Path
    started: float = field(default_factory=time.perf_counter)

    @property
    def pids(self) -> tuple[int, ...]:
        """The server's process and all its descendants."""
        parents: dict[int, int] = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdecimal():
                try:
                    stat = (entry / "stat").read_text()
                except OSError:
                    continue
                parents[int(entry.name)] = int(stat.rpartition(")")[2].split()[1])
        family = [self.process.pid]
        for pid in family:
            family += [child for child, parent in parents.items() if parent == pid]
        return tuple(family)

    @property
    def memory(self) -> float:
        """Resident memory in MiB."""
        pages = sum(int(Path(f"/proc/{p}/statm").read_text().split()[1]) for p in self.pids)
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    def first_answer(self, body: bytes) -> tuple[float, bytes]:
        """Send requests until one is answered; return the seconds since the start, and it."""
        request = HEADERS.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n") % len(body) + body
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        while (took := time.perf_counter() - self.started) < PATIENCE:
            if self.process.poll() is not None:
                break
            try:
                with (
                    socket.create_connection(("127.0.0.1", self.port), 10.0) as plain,
                    context.wrap_socket(plain) as secure,
                ):
                    secure.sendall(request)
                    answer = b"".join(iter(lambda: secure.recv(65536), b""))
            except OSError:
                time.sleep(0.002)
                continue
            if answer.startswith(b"HTTP/1.1 200"):
                return time.perf_counter() - self.started, answer.partition(b"\r\n\r\n")[2]
            time.sleep(0.002)
        tail = self.log.read_text()[-2000:]
        raise RuntimeError(f"{self.kind.name} gave no answer in {took:.0f} s; it wrote:\n{tail}")


@contextmanager
def running(kind: Kind, folder: Path) -> Iterator[Server]:
    """Start a server with the certificate in a folder, and stop it at the end."""
    port, spare = free_ports(2)
    values = {"port": port, "spare": spare, "cert": folder / "tls.crt", "key": folder / "tls.key"}
    command = [sys.executable, "-m", *(part.format(**values) for part in kind.arguments)]
    log = folder / f"{port}.log"
    path = os.pathsep.join(filter(None, (kind.path, os.environ.get("PYTHONPATH"))))
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=CHECKOUT,
            env={**os.environ, "PYTHONPATH": path},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield Server(kind, port, spare, process, log)
    finally:
        process.send_signal(signal.SIGINT)  # on SIGTERM, ours would wait before it stops
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_ports(count: int) -> Sequence[int]:
    """Return free ports."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def old_jsonpatch() -> Path:
    """Install jsonpatch 1.33 into the user's cache, unless it is there; return the folder."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "modelcache" / "bench" / "jsonpatch-1.33"
    if not (folder / "jsonpatch.py").exists():
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--require-hashes"]
        options = ["--no-deps", "--upgrade", "--target", str(folder), "-r", str(REQUIREMENTS)]
        subprocess.run([*command, *options], check=True)
    return folder


def write_certificate(folder: Path) -> None:
    """Write a certificate like those of the webhook: ECDSA P-256."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "modelcache.modelcache-system.svc")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=90))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName("modelcache.modelcache-system.svc")]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    (folder / "tls.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (folder / "tls.key").touch(mode=0o600)
    (folder / "tls.key").write_bytes(private)
