"""Owns callers in the network of a cluster: runs calling.py and looking.py, and reads their results."""

import contextlib
import dataclasses
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from cryptography import x509

from tests.kubernetes.api import Object
from tests.kubernetes.calling import Met, Options
from tests.kubernetes.installed import HOST
from tests.kubernetes.release import Release

CALLING: Final = (sys.executable, "-m", "tests.kubernetes.calling")
LOOKING: Final = (sys.executable, "-m", "tests.kubernetes.looking")


@contextlib.contextmanager
def callers(release: Release, folder: Path, **what: Any) -> Iterator[Met]:
    """Let callers do *what* the Options say, until they are done or the block ends.

    The results are there after the block.
    """
    options = Options(
        [f"{pod['status']['podIP']}:8443" for pod in release.installed.replicas()],
        HOST,
        str(write_bundle(release, folder)),
        **what,
    )
    path = folder / "options.json"
    path.write_text(json.dumps(dataclasses.asdict(options)))
    met = Met()
    words = release.cluster.network.command([*CALLING, str(path)])
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
    """Write the CA bundle of the registration to a file, atomically; return its path."""
    path, part = folder / "bundle.pem", folder / "bundle.part"
    part.write_bytes(release.bundle_pem())
    part.rename(path)
    return path


def get(release: Release, url: str) -> str:
    """Return the body of a URL in the network of the cluster. It needs no API server."""
    return _asked(release, "get", url)


def served_leaves(release: Release, replicas: Sequence[Object]) -> list[x509.Certificate]:
    """Return the certificate that each of *replicas* shows to a new connection."""
    text = _asked(release, "leaves", *(replica["status"]["podIP"] for replica in replicas))
    return x509.load_pem_x509_certificates(text.encode())


def _asked(release: Release, *words: str) -> str:
    command = release.cluster.network.command([*LOOKING, *words])
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
