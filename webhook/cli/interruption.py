"""End a command within a second of Ctrl-C or SIGTERM, whatever it waits for."""

import os
import signal
import socket
import threading
from collections.abc import Callable
from typing import Final

_NUMBERS: Final = (signal.SIGINT, signal.SIGTERM)
_LEAVE_SECONDS: Final = 0.5


def end_when_interrupted(leave: Callable[[], None]) -> None:
    """Let SIGINT and SIGTERM end this process, with 128 and the signal's number as exit status.

    *leave* is called first, and has half a second.

    Python calls a handler in the main thread, once that is not in a call of C code: a look-up of a
    name may take half a minute. So another thread reads what set_wakeup_fd lets C code write.
    """
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
    for number in _NUMBERS:
        # A shell lets its background jobs ignore SIGINT. Process 1 of a container gets neither
        # signal without a handler.
        if signal.getsignal(number) is not signal.SIG_IGN:
            # The main thread goes no further.
            signal.signal(number, lambda *_: threading.Event().wait())
    # The thread keeps both sockets open.
    threading.Thread(target=_end, args=(ours, theirs, leave), daemon=True).start()


def _end(ours: socket.socket, _theirs: socket.socket, leave: Callable[[], None]) -> None:
    while (number := ours.recv(1)[0]) not in _NUMBERS:
        pass
    leaving = threading.Thread(target=leave, daemon=True)
    leaving.start()
    leaving.join(_LEAVE_SECONDS)
    os._exit(128 + number)
