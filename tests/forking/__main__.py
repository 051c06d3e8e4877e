"""Fork a process for each command, from one that has imported the package.

python -m tests.forking SOCKET MODULE ...: tests/forking/process.py starts it, and says over the
socket what to run.
"""

import atexit
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
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from tests.forking.reads import reads

PR_SET_PDEATHSIG: Final = 1


@dataclass(frozen=True, slots=True)
class Order:
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
        """Return the next one; None: the client has ended."""
        start, files, _, _ = socket.recv_fds(client, 4, 3)
        if not start:
            return None
        with client.makefile("rb") as stream:
            return cls(**json.loads(stream.read(int.from_bytes(start, "big"))), files=files)


def main() -> None:
    """Import, then fork until the client ends; a process that is forked runs its command."""
    client = socket.socket(fileno=int(sys.argv[1]))
    before = held()
    with reads() as found:
        for name in sys.argv[2:]:
            importlib.import_module(name)
            if held() != before:
                raise RuntimeError(f"{name}: its import starts a thread or opens a file")
    gc.collect()
    gc.freeze()  # a collection writes to what it looks at, and each page written to is copied
    client.sendall(json.dumps(sorted(found)).encode() + b"\n")
    while order := Order.received(client):
        if child_of_the_client(client):
            client.close()
            become(order)
            run(order.words[0])
            return
        for file in order.files:
            os.close(file)


def held() -> tuple[int, set[str]]:
    """Return the number of threads, and what is open: neither is the same after a fork."""
    with os.scandir("/proc/self/fd") as entries:
        names = [entry.path for entry in entries]
    files = {str(Path(name).readlink()) for name in names if os.path.lexists(name)}
    return len(os.listdir("/proc/self/task")), files  # noqa: PTH208  # their number


def child_of_the_client(client: socket.socket) -> bool:
    """Fork a process and send its id to the client; True in that process.

    The client is a subreaper at this moment (prctl(2)). The process becomes its child, because
    the process between them ends at once.
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


def become(order: Order) -> None:
    """Make of this process what `python -m` starts; it ends when its parent does."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != order.parent:
        os._exit(1)  # it has ended already
    for number, file in enumerate(order.files):
        os.dup2(file, number)
        os.close(file)
    os.umask(order.umask)
    os.chdir(order.cwd)
    os.environ.clear()
    os.environ.update(order.environment)
    for name in ("stdin", "stdout", "stderr"):
        stream = opened(getattr(sys, name), f"<{name}>")
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    sys.orig_argv = [sys.executable, "-m", *order.words]
    sys.argv = list(order.words)
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
    """Run a module as `python -m` does, and end with its status.

    What was imported is not taken apart, which the interpreter does at its end. It has to end
    this process itself where there is more to do than to exit with a number.
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
