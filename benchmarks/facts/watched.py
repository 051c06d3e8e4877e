"""An API server with our kinds, and the servers that watch it."""

import base64
import os
import re
import time
from pathlib import Path
from typing import Final

import httpx

from benchmarks.servers import OURS, Kind, Server
from tests.kubernetes.api import Object
from tests.kubernetes.certificates import Authority
from tests.kubernetes.control_plane import ControlPlane
from tests.kubernetes.creations import asking
from tests.kubernetes.registration import create_namespace, mutating, wait_until, webhook

WITHOUT: Final = Kind("without facts", OURS.arguments)
WITH: Final = Kind("with facts", (*OURS.arguments, "--facts"))
PAGE: Final = os.sysconf("SC_PAGE_SIZE")
LIVE: Final = re.compile(r"^modelcache_facts_live\{.*\} (\S+)$", re.MULTILINE)


def memory(server: Server) -> list[float]:
    """Return the resident memory of the server and of its controller, in MiB."""
    statm = [Path(f"/proc/{pid}/statm").read_text().split() for pid in server.pids]
    return [int(fields[1]) * PAGE / 2**20 for fields in statm]


def ready(server: Server) -> float:
    """Return the seconds from a server's start until it knows the cluster."""

    def asked() -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{server.spare}/readyz", trust_env=False).is_success
        except httpx.TransportError:
            return False

    wait_until(asked, "the server is ready", 120)
    return time.perf_counter() - server.started


def certificate(folder: Path) -> bytes:
    """Write a certificate that API servers accept for this machine; return its authority."""
    authority = Authority(folder, "bench")
    authority.sign("tls", hosts=["127.0.0.1"])
    return authority.pem


def register(plane: ControlPlane, server: Server, authority: bytes) -> Object:
    """Let the API server ask *server* about pods; return a pod that requests a model."""
    create_namespace(plane, "bench")
    url = f"https://127.0.0.1:{server.port}/mutate"
    client = {"url": url, "caBundle": base64.b64encode(authority).decode()}
    plane.api.create(mutating("bench", webhook("inject.modelcache.io", client))).expect(201)
    return asking("bench")


def live(server: Server) -> list[float]:
    """Return for each kind whether its facts are live, as the metrics say."""
    text = httpx.get(f"http://127.0.0.1:{server.spare}/metrics", trust_env=False).text
    return [
        float(value)
        for value in re.findall(r"^modelcache_facts_live\{.*\} (\S+)$", text, re.MULTILINE)
    ]
