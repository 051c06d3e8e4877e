"""Fork a process for each command, from one that has imported the package.

python -m tests.forking SOCKET MODULE ...: tests/forking/process.py starts this server, and sends the
commands over the socket.
"""

import atexit
import contextlib
import ctypes
import gc
import importlib
import io
import json
import os
import runpy
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from tests.forking.reads import reads

PR_SET_PDEATHSIG: Final = 1
ANEW: Final = (
    "kubernetes",
    "webhook.loading.origins.hub",
    "webhook.loading.origins.hub_token",
    "webhook.loading.origins.xet",
)
"""Modules that each process imports itself, and with them all modules that import these: kubernetes and
huggingface_hub then read variables that tests set."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command to run, and the files that become its standard input, output and error."""

    words: list[str]
    """Its module and its arguments."""
    cwd: str
    environment: dict[str, str]
    umask: int
    parent: int
    files: list[int]

    @classmethod
    def received(cls, client: socket.socket) -> Self | None:
        """Return the next command, or None if the client has ended."""
        start, files, _, _ = socket.recv_fds(client, 4, 3)
        if not start:
            return None
        with client.makefile("rb") as stream:
            return cls(**json.loads(stream.read(int.from_bytes(start, "big"))), files=files)


def main() -> None:
    """Import the modules, then fork for each command until the client ends."""
    client = socket.socket(fileno=int(sys.argv[1]))
    before = held()
    with reads() as found, left_to_each_process():
        for name in sys.argv[2:]:
            import_unless_anew(name)
            if held() != before:
                raise RuntimeError(f"{name}: its import starts a thread or opens a file")
    gc.collect()
    gc.freeze()  # a collection would write to these objects, so each process would copy their pages
    client.sendall(json.dumps(sorted(found)).encode() + b"\n")
    while command := Command.received(client):
        if child_of_the_client(client):
            client.close()
            become(command)
            run(command.words[0])
            return
        for file in command.files:
            os.close(file)


@contextlib.contextmanager
def left_to_each_process() -> Iterator[None]:
    """Let each import of a module of ANEW fail, in the way that sys.modules has for that."""
    refused: dict[str, Any] = dict.fromkeys(ANEW)
    sys.modules.update(refused)
    yield
    for name in ANEW:
        del sys.modules[name]


def import_unless_anew(name: str) -> None:
    """Import a module, unless it imports one of ANEW."""
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name not in ANEW:
            raise


def held() -> tuple[int, set[str]]:
    """Return the number of threads and the open files: a fork loses the ones and shares the others."""
    with os.scandir("/proc/self/fd") as entries:
        names = [entry.path for entry in entries]
    files = {str(Path(name).readlink()) for name in names if os.path.lexists(name)}
    return len(os.listdir("/proc/self/task")), files  # noqa: PTH208  # their number


def child_of_the_client(client: socket.socket) -> bool:
    """Fork a process and send its id to the client; True in that process.

    The process becomes the client's child, because the process between them ends at once, and
    the client is a subreaper at this moment (prctl(2)).
    """
    reading, writing = os.pipe()
    server = os.getpid()
    if between := os.fork():
        os.close(writing)
        with os.fdopen(reading, "rb") as pipe:
            child = pipe.read()
        os.waitpid(between, 0)
        client.sendall(child + b"\n")
        return False
    os.close(reading)
    between = os.getpid()
    if forked := os.fork():
        os.write(writing, str(forked).encode())
        os._exit(0)
    os.close(writing)
    while os.getppid() in (between, server):
        time.sleep(0.0005)
    return True


def become(command: Command) -> None:
    """Make this process like one that `python -m` starts. It ends with its parent."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != command.parent:
        os._exit(1)  # the parent ended before
    for number, file in enumerate(command.files):
        os.dup2(file, number)
        os.close(file)
    os.umask(command.umask)
    os.chdir(command.cwd)
    os.environ.clear()
    os.environ.update(command.environment)
    for name in ("stdin", "stdout", "stderr"):
        stream = opened(getattr(sys, name), f"<{name}>")
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    sys.orig_argv = [sys.executable, "-m", *command.words]
    sys.argv = list(command.words)
    sys.path[0] = str(Path.cwd())


def opened(old: Any, name: str) -> Any:
    """Open a standard stream as the interpreter does at its start (create_stdio, pylifecycle.c)."""
    number, reads_it = old.fileno(), name == "<stdin>"
    unbuffered = old.write_through
    mode, buffering = ("rb", -1) if reads_it else ("wb", 0 if unbuffered else -1)
    binary: Any = os.fdopen(number, mode, buffering, closefd=False)
    getattr(binary, "raw", binary).name = name
    lines = not unbuffered and (binary.isatty() or name == "<stderr>")
    text: Any = io.TextIOWrapper(binary, old.encoding, old.errors, "\n", lines, unbuffered)
    text.mode = "r" if reads_it else "w"
    return text


def run(module: str) -> None:
    """Run a module as `python -m` does, and exit with its status.

    The interpreter would also free each module that was imported, which takes longer than most
    commands. It still ends the process after an exception, or if output can't be written.
    """
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
        status = 0
    except SystemExit as end:
        if not isinstance(end.code, int | None):
            raise
        status = end.code or 0
    threading._shutdown()  # type: ignore[attr-defined]  # it waits for threads, as at each end
    atexit._run_exitfuncs()
    try:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
    except (OSError, ValueError):
        raise SystemExit(status) from None
    os._exit(status)


if __name__ == "__main__":
    main()
