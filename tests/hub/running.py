"""Run a Hub as a process, and control it."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self

import httpx
import msgspec

from tests.forking.process import ENVIRONMENT, Forked
from tests.hub.control import PATH, Closed, Committed, Tagged
from tests.hub.fault import Fault
from tests.hub.journal import Request
from tests.hub.repositories import Blob
from tests.kubernetes.processes import GUARD

__all__ = ["Fault", "Hub", "Request", "hub_server"]
ROOT: Final = Path(__file__).parents[2]


class Hub:
    """A running Hub; ValueError if it refuses a call."""

    def __init__(self, url: str) -> None:
        self.url = url
        """The value for HF_ENDPOINT."""
        self._client = httpx.Client(base_url=url, trust_env=False, timeout=60)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def commit(self, repo: str, files: Mapping[str, bytes | Path], ref: str = "main") -> str:
        """Commit exactly *files*, let *ref* name the commit, and return its 40 hex digits."""
        blobs = {name: self._upload(content) for name, content in files.items()}
        return self._call("commit", Committed(repo, blobs, ref)).decode()

    def tag(self, repo: str, name: str, commit: str) -> None:
        """Let a tag name a commit."""
        self._call("tag", Tagged(repo, name, commit))

    def private(self, repo: str, token: str) -> None:
        """Hide a repository from everyone without *token*."""
        self._call("close", Closed(repo, private=token))

    def gated(self, repo: str, token: str) -> None:
        """Require *token* for files; their descriptions in the API stay public."""
        self._call("close", Closed(repo, gated=token))

    def fault(self, fault: Fault) -> None:
        """Add a fault."""
        self._call("fault", fault)

    def heal(self) -> None:
        """Remove all faults."""
        self._call("heal")

    def requests(self) -> list[Request]:
        """Return all requests so far, in the order in which they arrived."""
        return msgspec.json.decode(self._call("requests"), type=list[Request])

    def _upload(self, content: bytes | Path) -> Blob:
        with contextlib.ExitStack() as stack:
            body = (
                content if isinstance(content, bytes) else stack.enter_context(content.open("rb"))
            )
            answer = self._client.put(f"{PATH}blobs", content=body)
        return msgspec.json.decode(_accepted(answer), type=Blob)

    def _call(self, name: str, content: Any = None) -> bytes:
        return _accepted(self._client.post(PATH + name, content=msgspec.json.encode(content)))


@contextlib.contextmanager
def hub_server(
    folder: Path,
    *options: str,
    address: str = "127.0.0.1",
    command: Callable[[Sequence[str]], Sequence[str]] = list,
) -> Iterator[Hub]:
    """Yield a Hub that keeps its repositories in *folder*, and ends with the block.

    *command* may start the process elsewhere, for example in a network namespace.
    """
    serve = [sys.executable, "-m", "tests.hub", "--folder", str(folder.absolute())]
    serve += ["--address", address, *options]
    if command is not list:
        serve = list(command([sys.executable, str(GUARD), str(os.getpid()), *serve]))
    environment = {**os.environ, **ENVIRONMENT}
    process = Forked(serve, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=environment)
    with process:
        try:
            assert process.stdout
            if not (url := process.stdout.readline().strip()):
                raise RuntimeError("the Hub did not start: its output says why")
            with Hub(url) as hub:
                yield hub
        finally:
            process.terminate()
            try:
                status = process.wait(10)
            finally:
                process.kill()
    if status == 1:
        raise RuntimeError("the Hub failed to answer a request: its output says why")


def _accepted(answer: httpx.Response) -> bytes:
    if answer.status_code != 200:
        raise ValueError(answer.text)
    return answer.content
