"""Send a body, at the pace of a fault or only in part."""

import fcntl
import socket
import struct
import termios
import threading
import time
from collections.abc import Iterator
from typing import Final

from tests.hub.answer import Content
from tests.hub.fault import Fault
from tests.hub.journal import Entry
from tests.hub.ranges import Span

STEPS: Final = 20
"""Pieces per second, to keep a limited rate."""
ARRIVAL_SECONDS: Final = 5.0


class Sending:
    """Sends one body."""

    def __init__(self, connection: socket.socket, entry: Entry, stopping: threading.Event) -> None:
        self._connection = connection
        self._entry = entry
        self._stopping = stopping

    def send(self, content: Content, part: Span, fault: Fault | None) -> bool:
        """Send *part*; return whether all was sent. After a cut, closing resets the connection."""
        rate = fault.rate if fault else None
        places = (fault.cut_after, fault.end_after, fault.stall_after) if fault else ()
        place = next((place for place in places if place is not None), None)
        if fault is None or place is None:
            self._pieces(content.pieces(part.start, part.end), rate)
            return True
        self._pieces(content.pieces(part.start, part.start + place), rate)
        if fault.stall_after is not None:
            with self._entry.waiting():
                self._stopping.wait(fault.seconds)
            self._pieces(content.pieces(part.start + place, part.end), rate)
            return True
        if fault.cut_after is not None:
            self._wait_for_arrival()
            # No lingering: close sends a reset, and drops unsent bytes.
            self._connection.setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
            )
        return False

    def _pieces(self, pieces: Iterator[bytes], rate: float | None) -> None:
        began, sent = time.monotonic(), 0
        for piece in pieces:
            step = max(1, int(rate / STEPS)) if rate else len(piece)
            for at in range(0, len(piece), step):
                some = piece[at : at + step]
                self._connection.sendall(some)
                sent += len(some)
                self._entry.request.sent += len(some)
                if rate:
                    with self._entry.waiting():
                        self._stopping.wait(max(0.0, began + sent / rate - time.monotonic()))

    def _wait_for_arrival(self) -> None:
        """Wait until the client's kernel has all bytes: a reset would overtake them."""
        deadline = time.monotonic() + ARRIVAL_SECONDS
        while time.monotonic() < deadline and not self._stopping.is_set():
            (left,) = struct.unpack(
                "i", fcntl.ioctl(self._connection, termios.TIOCOUTQ, struct.pack("i", 0))
            )
            if not left:
                return
            time.sleep(0.001)
