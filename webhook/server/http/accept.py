"""Accept connections, within limits.

The event loop's own servers do not limit handshakes that never complete, and nothing outside them
can end such a handshake. When descriptors run out, libuv accepts each connection with a reserved
descriptor and closes it at once (uv__emfile_trick): idle connections stay open while probes are
refused.
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
"""Connections accepted before open connections get their turn."""
_PAUSE: Final = 0.25
"""Seconds until accepting is tried again after a failure."""


def _ignore(*_: object) -> None:
    """Do nothing."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How many connections a port may have at once, and what is called beyond that."""

    connections: int
    handshakes: int
    dropped: Callable[[], object] = _ignore
    """Called for each connection that is ended to make room for others."""
    failed: Callable[[OSError], object] = _ignore
    """Called when the system has no descriptor or no memory for a new connection."""


def unread(descriptor: int) -> bool:
    """Whether bytes are waiting to be read from the socket *descriptor*.

    If so, the peer waits for us. False for a closed descriptor. Bytes that TLS has already
    decrypted do not count.
    """
    count = bytearray(4)
    try:
        fcntl.ioctl(descriptor, termios.FIONREAD, count)
    except (OSError, ValueError):  # ValueError: -1, a socket that is closed
        return False
    return any(count)


class Acceptor:
    """Hands each connection of *listening* to *begin*, which returns after the handshake."""

    def __init__(self, listening: socket.socket, begin: Begin, limits: Limits) -> None:
        self._loop = asyncio.get_running_loop()
        self._socket = listening
        self._begin = begin
        self._limits = limits
        self._beginning: dict[asyncio.Task[None], tuple[float, socket.socket]] = {}
        """Handshakes under way, the oldest first: when each began, and its socket."""
        self._waiting: asyncio.TimerHandle | None = None
        self._start()

    @property
    def beginning(self) -> int:
        """How many handshakes are under way."""
        return len(self._beginning)

    def abort(self, number: int, seconds: float = 0) -> int:
        """End up to *number* handshakes older than *seconds*, the oldest first; return how many.

        With *seconds*, a handshake whose next message has arrived is kept: we are slow, not the
        peer.
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
        """End every handshake that is under way."""
        self.abort(len(self._beginning))

    def close(self) -> None:
        """Accept no more connections; handshakes under way continue."""
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
            accepted.close()  # the task may never have started
