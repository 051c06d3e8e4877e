"""Taking connections, no more at once than can be held, and none while there are no descriptors.

The loop's own servers know no limit of handshakes that never complete, and nothing outside them
can end one. Out of descriptors libuv accepts with one that it holds in reserve, only to close at
once (uv__emfile_trick): who is connected and idle stays, and probes are turned away.
"""

import asyncio
import fcntl
import socket
import termios
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Final, TypeAlias

Begin: TypeAlias = Callable[[socket.socket], Coroutine[None, None, None]]
_AT_ONCE: Final = 32
"""Taken before those that are here have their turn."""
_PAUSE: Final = 0.25
"""Seconds until it is tried again."""


def _untold(*_: object) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How many connections a port has at once, and who is told of those beyond."""

    connections: int
    handshakes: int
    dropped: Callable[[], object] = _untold
    """Called for each connection that is ended to make room for others."""
    failed: Callable[[OSError], object] = _untold
    """Called where the system has no descriptor or no memory for one more."""


def unread(descriptor: int) -> bool:
    """Whether bytes wait to be read from the socket *descriptor*: it is our turn, not the peer's.

    False for a descriptor that is closed. Bytes that TLS has decrypted already do not count.
    """
    count = bytearray(4)
    try:
        fcntl.ioctl(descriptor, termios.FIONREAD, count)
    except (OSError, ValueError):  # ValueError: -1, a socket that is closed
        return False
    return any(count)


class Acceptor:
    """Hands each connection of *listening* to *begin*, which ends once the handshake has."""

    def __init__(self, listening: socket.socket, begin: Begin, limits: Limits) -> None:
        self._loop = asyncio.get_running_loop()
        self._socket = listening
        self._begin = begin
        self._limits = limits
        self._beginning: dict[asyncio.Task[None], tuple[float, socket.socket]] = {}
        """Handshakes under way, the oldest first: since when, and the socket."""
        self._waiting: asyncio.TimerHandle | None = None
        self._start()

    @property
    def beginning(self) -> int:
        """How many handshakes go on."""
        return len(self._beginning)

    def abort(self, number: int, seconds: float = 0) -> int:
        """End the oldest *number* whose handshake takes longer than *seconds*; return how many.

        With *seconds*, a peer whose next message is here already is not slow: we are.
        """
        before = self._loop.time() - seconds
        slow = (
            task
            for task, (began, accepted) in self._beginning.items()
            if began <= before and not (seconds and unread(accepted.fileno()))
        )
        oldest = islice(slow, number)
        for task in (ended := list(oldest)):
            del self._beginning[task]
            task.cancel()
            self._limits.dropped()
        return len(ended)

    def abort_all(self) -> None:
        """End every handshake that goes on."""
        self.abort(len(self._beginning))

    def close(self) -> None:
        """Take no more; what has begun goes on."""
        if self._waiting:
            self._waiting.cancel()
        self._loop.remove_reader(self._socket)
        self._socket.close()

    def _start(self) -> None:
        self._waiting = None
        self._loop.add_reader(self._socket, self._accept)

    def _accept(self) -> None:
        for _ in range(_AT_ONCE):
            try:
                accepted, _ = self._socket.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:  # EMFILE, ENFILE, ENOBUFS, ENOMEM: accept(2)
                self._loop.remove_reader(self._socket)
                self._waiting = self._loop.call_later(_PAUSE, self._start)
                self._limits.failed(error)
                return
            if len(self._beginning) >= self._limits.handshakes:
                self.abort(1)
            task = self._loop.create_task(self._begin(accepted))
            self._beginning[task] = self._loop.time(), accepted
            task.add_done_callback(partial(self._begun, accepted))

    def _begun(self, accepted: socket.socket, task: asyncio.Task[None]) -> None:
        self._beginning.pop(task, None)
        if task.cancelled():
            accepted.close()  # the task may not have run at all
