"""Run the stand-in for inference servers as a process of this machine."""

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

from tests.images.recipe import ROOT

WORDS: Final = (sys.executable, "-S", "-m", "tests.images.inference_server")
HUB_WORDS: Final = (sys.executable, "-m", "tests.images.inference_server")
"""The stand-in with the libraries that find models by name."""


@dataclass(frozen=True, slots=True)
class Served:
    """A server that listens."""

    process: subprocess.Popen[str]
    client: httpx.Client

    def get(self, path: str) -> Any:
        """Return the decoded JSON answer of *path*."""
        return self.client.get(path).raise_for_status().json()

    def post(self, path: str, **content: int) -> Any:
        """Send JSON to *path*, and return the decoded JSON answer."""
        return self.client.post(path, json=content).raise_for_status().json()


def start(
    *args: str | Path,
    words: Sequence[str] = WORDS,
    env: Mapping[str, str] | None = None,
    before: str = "true",
) -> subprocess.Popen[str]:
    """Start the server with *args*, after the shell commands *before* in their own mounts."""
    clean = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **(env or {})}
    private = ["unshare", "--mount", "--propagation=private", "sh", "-ec", f'{before}; exec "$@"']
    return subprocess.Popen(
        [*private, "sh", *words, *map(str, args)],
        env=clean,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextlib.contextmanager
def serving(*args: str | Path, **more: Any) -> Iterator[Served]:
    """Yield a server that has read its model and listens."""
    with start(*args, "--port", "0", **more) as process:
        try:
            assert process.stdout
            assert process.stderr
            line = process.stdout.readline()
            found = re.fullmatch(r"serving .* on port (\d+)\n", line)
            assert found, process.stderr.read()
            url = f"http://127.0.0.1:{found[1]}"
            with httpx.Client(base_url=url, trust_env=False) as client:
                yield Served(process, client)
        finally:
            process.kill()


def refused(log: Path, *args: str | Path, **more: Any) -> str:
    """Return why a server does not start, as a kubelet would read it from *log*."""
    with start(*args, "--port", "0", "--termination-log", log, **more) as process:
        try:
            out, err = process.communicate(timeout=60)
        finally:
            process.kill()
    assert (process.returncode, out) == (1, "")
    reason = log.read_text()
    assert err == f"{reason}\n"
    return reason
