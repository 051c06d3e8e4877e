"""Run a server program of a third party for a `with` block."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.kubernetes.hosts import Loopback
from tests.kubernetes.processes import GUARD

HOST = Loopback()


@contextmanager
def program(
    argv: Sequence[str | Path], url: str, log: Path, environment: Mapping[str, str] | None = None
) -> Iterator[None]:
    """Run a server until the block ends; it is ready once *url* gives any answer."""
    guarded = [sys.executable, str(GUARD), str(os.getpid()), *map(str, argv)]
    with (
        log.open("wb") as out,
        subprocess.Popen(
            guarded, stdout=out, stderr=out, env={**os.environ, **(environment or {})}
        ) as process,
    ):
        try:
            while not _answers(url):
                if process.poll() is not None:
                    raise RuntimeError(f"{argv[0]} ended:\n{log.read_text()[-2000:]}")
                time.sleep(0.05)
            yield
        finally:
            process.terminate()
            try:
                process.wait(10)
            finally:
                process.kill()


def _answers(url: str) -> bool:
    try:
        httpx.get(url, trust_env=False, timeout=5, verify=False)
    except httpx.TransportError:
        return False
    return True
