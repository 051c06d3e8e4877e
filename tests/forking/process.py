"""Start Python modules in processes that have imported the package already.

Forked is a subprocess.Popen whose process is forked by a server (tests/forking/__main__.py). That
costs a tenth of a start. It happens only if the command can't tell the difference: the command is
`python -m MODULE`, and each variable that the interpreter or an import reads has the same value as
in the server. Any other process is started as usual.
"""

import atexit
import contextlib
import ctypes
import fnmatch
import functools
import json
import os
import pkgutil
import re
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import certs
import webhook

ROOT: Final = Path(__file__).parents[2]
_HOME: Final = tempfile.TemporaryDirectory(prefix="modelcache-home-")
atexit.register(_HOME.cleanup)
ENVIRONMENT: Final = {
    "PYTHONPATH": str(ROOT),
    "COLUMNS": "100",
    "HOME": _HOME.name,
    "NO_GCE_CHECK": "true",
}
"""Variables for the commands of tests: an empty home, and no search for a metadata server."""
LATER: Final = (
    "dateutil.parser",
    "durationpy",
    "fastapi",
    "gcsfs",
    "google.oauth2.service_account",
    "httpx2",
    "jsonpatch",
    "multiprocessing.pool",
    "requests_oauthlib",
    "s3fs",
    "tests.hub.server",
    "tqdm.auto",
    "websocket",
    "yaml",
)
"""Modules that commands import while they run, or that the modules of ANEW import (__main__.py)."""
AT_START: Final = ("PYTHON*", "LANG*", "LC_*", "TZ*", "LD_*", "MALLOC_*", "GLIBC_*", "OPENSSL_*")
"""Patterns of variables that are read before Python code runs."""
KNOWN: Final = frozenset({"stdin", "stdout", "stderr", "text", "cwd", "env"})
"""Options of Popen with which a process may be forked."""
PR_SET_CHILD_SUBREAPER: Final = 36


class Forked(subprocess.Popen[Any]):
    """A process like any other, forked if it may be."""

    def __init__(self, args: Sequence[str | Path], **options: Any) -> None:
        self.forked = False
        """Whether the server forked it."""
        self._may = options.keys() <= KNOWN
        super().__init__(args, **options)

    def _execute_child(self, *given: Any) -> None:
        """Start the process. This private method of Popen does only that; the others are unchanged."""
        args, _, _, _, _, cwd, env, *_ = given
        words = [os.fspath(word) for word in args]
        environment = dict(os.environ if env is None else env)
        pipes = given[10:16]
        child_ends = (pipes[0], pipes[3], pipes[5])
        if self._may and words[:2] == [sys.executable, "-m"] and server().serves(environment):
            files = [own if end < 0 else end for own, end in enumerate(child_ends)]
            self.pid = server().start(
                words[2:], str(Path(cwd or ".").absolute()), environment, files
            )
            self.forked = self._child_created = True
            self._close_pipe_fds(*pipes)  # type: ignore[attr-defined]  # private, as above
        else:
            super()._execute_child(*given)  # type: ignore[misc]


def run(
    args: Sequence[str | Path], *, given: str | bytes | None = None, seconds: float, **options: Any
) -> subprocess.CompletedProcess[Any]:
    """Run a process to its end, as subprocess.run does: input is *given*, output is captured."""
    pipe = subprocess.PIPE
    with Forked(args, stdin=pipe, stdout=pipe, stderr=pipe, **options) as process:
        try:
            out, err = process.communicate(given, timeout=seconds)
        except BaseException:
            process.kill()
            raise
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


class Server:
    """A server that has imported *modules*. It ends with this process."""

    def __init__(self, modules: Sequence[str]) -> None:
        self._environment = {**os.environ, **ENVIRONMENT}
        self._lock = threading.Lock()
        self._socket, theirs = socket.socketpair()
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  # closed in stop()
        number = theirs.fileno()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.forking", str(number), *modules],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=self._log,
            cwd=ROOT, env=self._environment, pass_fds=[number],
        )  # fmt: skip
        theirs.close()
        self._answers = self._socket.makefile("rb")
        try:
            patterns = (*AT_START, *json.loads(self._answer()))
            if self._log.seek(0, os.SEEK_END):
                raise RuntimeError(self._said())
        except RuntimeError:
            self.stop()
            raise
        self._read = re.compile("|".join(map(fnmatch.translate, patterns)))

    def serves(self, environment: Mapping[str, str]) -> bool:
        """Whether a process that has *environment* may be forked."""
        changed = {
            name
            for name in environment.keys() | self._environment.keys()
            if environment.get(name) != self._environment.get(name)
        }
        return not any(map(self._read.match, changed))

    def start(
        self, words: list[str], cwd: str, environment: Mapping[str, str], files: list[int]
    ) -> int:
        """Fork a child of this process that runs *words*, a module and its arguments; return its id."""
        command = {
            "words": words, "cwd": cwd, "environment": environment, "umask": _umask(),
            "parent": os.getpid(),
        }  # fmt: skip
        message = json.dumps(command).encode()
        with self._lock, adopting():
            socket.send_fds(self._socket, [len(message).to_bytes(4, "big")], files)
            self._socket.sendall(message)
            return int(self._answer())

    def stop(self) -> None:
        """End the server; processes that it forked continue."""
        self._answers.close()
        self._socket.close()
        self._process.wait()
        self._log.close()

    def _answer(self) -> bytes:
        if answer := self._answers.readline():
            return answer
        self._process.wait()
        raise RuntimeError(self._said())

    def _said(self) -> str:
        self._log.seek(0)
        return f"the server that forks commands: {self._log.read().decode()}"


@functools.cache
def server() -> Server:
    """Return the server of this process."""
    found = Server((*names(webhook, certs), *LATER))
    atexit.register(found.stop)
    return found


@contextlib.contextmanager
def adopting() -> Any:
    """Let this process become the parent of orphaned descendants, until the block ends."""
    prctl = ctypes.CDLL(None).prctl
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        yield
    finally:
        prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


def _umask() -> int:
    """Read the umask from proc(5): umask(2) would change it for other threads."""
    (found,) = (
        line.split()[1]
        for line in Path("/proc/self/status").read_text().splitlines()
        if line.startswith("Umask:")
    )
    return int(found, 8)


def names(*packages: ModuleType) -> list[str]:
    """Return the names of the modules of packages that the server may import."""
    return [
        module.name
        for package in packages
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
        if not module.name.endswith("__main__")
    ]
