"""Owns callers in the network of a cluster: calling.py as a process, and what it has met."""

import contextlib
import dataclasses
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from cryptography import x509

from tests.cluster.api import Object
from tests.cluster.installed import HOST
from tests.cluster.release.calling import Order
from tests.cluster.release.release import Release

PROGRAM: Final = (sys.executable, "-m", "tests.cluster.release.calling")


@dataclasses.dataclass(slots=True)
class Met:
    """What became of their calls; nothing before they have ended."""

    answered: Counter[str] = dataclasses.field(default_factory=Counter)
    faults: Counter[str] = dataclasses.field(default_factory=Counter)


@contextlib.contextmanager
def callers(release: Release, folder: Path, **what: Any) -> Iterator[Met]:
    """Let callers do *what* an Order says, until the block ends or they are through."""
    order = Order(
        [f"{pod['status']['podIP']}:8443" for pod in release.installed.replicas()],
        HOST,
        str(write_bundle(release, folder)),
        **what,
    )
    path = folder / "order.json"
    path.write_text(json.dumps(dataclasses.asdict(order)))
    met = Met()
    words = release.cluster.network.command([*PROGRAM, str(path)])
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            yield met
            said, _ = process.communicate(timeout=180)
            assert process.returncode == 0
        finally:
            process.kill()
    answered, faults = json.loads(said)
    met.answered.update(answered)
    met.faults.update(faults)


def write_bundle(release: Release, folder: Path) -> Path:
    """Write what the registration trusts to a file, whole or not at all; return its path."""
    path, part = folder / "bundle.pem", folder / "bundle.part"
    part.write_bytes(release.bundle_pem())
    part.rename(path)
    return path


def get(release: Release, url: str) -> str:
    """Return what a URL in the network of the cluster yields, also without an API server."""
    return _asked(release, "get", url)


def served_leaf(release: Release, replica: Object) -> x509.Certificate:
    """Return the certificate that a replica shows."""
    text = _asked(release, "leaf", replica["status"]["podIP"])
    return x509.load_pem_x509_certificate(text.encode())


def _asked(release: Release, *words: str) -> str:
    command = release.cluster.network.command([*PROGRAM, *words])
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
