"""Owns the server under test: runs `python -m webhook serve` next to a control plane.

The shipped configuration has one name, so only the latest server is registered with a control plane.
When that one stops, its predecessor is registered again.
"""

import contextlib
import dataclasses
import subprocess
import sys
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, Protocol

import httpx

from tests.kubernetes.api import Object
from tests.kubernetes.certificates import Authority
from tests.kubernetes.control_plane import ControlPlane
from tests.kubernetes.processes import Process
from tests.kubernetes.registration import register, withdraw

ROOT: Final = Path(__file__).parents[2]


def available() -> bool:
    """Whether the product can be started from this checkout."""
    command = [sys.executable, "-m", "webhook", "serve", "--help"]
    return not subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode


@dataclasses.dataclass(eq=False, slots=True)
class Webhook:
    """A running webhook server, registered with a control plane."""

    plane: ControlPlane
    url: str
    health: str
    ca: bytes
    process: Process
    registered: list[Object]

    def metrics(self) -> str:
        """Return its metrics."""
        return httpx.get(f"{self.health}/metrics", trust_env=False).text

    def ready(self) -> str:
        """Return the answer of /readyz."""
        return httpx.get(f"{self.health}/readyz", trust_env=False).text

    def stop(self) -> None:
        """Withdraw the registration, then end the server, so that no pod meets a dead webhook."""
        servers = _servers[self.plane]
        if self not in servers:
            return
        latest = servers[-1] is self
        servers.remove(self)
        if latest and servers:
            # It replaces the registration. Withdrawn first, pods would for a moment meet neither webhook
            # nor policy.
            servers[-1].registered = register(self.plane, servers[-1].url, servers[-1].ca)
        elif latest:
            withdraw(self.plane, self.registered)
        self.process.kill()


class WebhookFactory(Protocol):
    """Starts `modelcache serve` with *flags* and registers it on *plane* for one test."""

    def __call__(self, plane: ControlPlane, kube_version: str = "", *flags: str) -> Webhook: ...


_servers: "weakref.WeakKeyDictionary[ControlPlane, list[Webhook]]" = weakref.WeakKeyDictionary()


@contextlib.contextmanager
def standing_aside(plane: ControlPlane) -> Iterator[None]:
    """Withdraw the registration for the time of a `with` block; then register the latest server again."""
    servers = _servers.setdefault(plane, [])
    if servers:
        withdraw(plane, servers[-1].registered)
    try:
        yield
    finally:
        if servers:
            servers[-1].registered = register(plane, servers[-1].url, servers[-1].ca)


def kubernetes_version(plane: ControlPlane) -> str:
    """Return the server's version as major.minor, for --kube-version."""
    return ".".join(plane.version().removeprefix("v").split(".")[:2])


def serve(plane: ControlPlane, *flags: str, kube_version: str = "") -> Webhook:
    """Start the server, wait until it is ready, and register it as deploy/ does."""
    host = plane.host
    port, health = host.free_port(), host.free_port()
    authority = Authority(plane.run.folder / f"webhook-{port}", "webhook")
    pair = authority.sign("replica", hosts=[host.address])
    process = plane.run.start(
        host,
        f"webhook-{port}",
        [
            *(sys.executable, "-m", "webhook", "serve"),
            f"--port={port}",
            f"--health-port={health}",
            f"--cert={pair.certificate}",
            f"--key={pair.key}",
            f"--kube-version={kube_version or kubernetes_version(plane)}",
            *flags,
        ],
        env={"PYTHONPATH": str(ROOT), "KUBECONFIG": str(plane.kubeconfig)},
    )
    probe = f"http://{host.address}:{health}"
    process.wait_until(_ready(probe))
    url = f"https://{host.address}:{port}"
    registered = register(plane, url, authority.pem)
    server = Webhook(plane, url, probe, authority.pem, process, registered)
    _servers.setdefault(plane, []).append(server)
    return server


def _ready(probe: str) -> Callable[[], bool]:
    def ready() -> bool:
        try:
            return httpx.get(f"{probe}/readyz", trust_env=False).is_success
        except httpx.TransportError:
            return False

    return ready
