"""Write lines of the log in a thread, so that the event loop never waits.

A slow reader of the log does not delay reviews. If it is too slow, lines are dropped, and their
number is logged.
"""

import os
import sys
import threading
from collections import deque
from typing import Final

_MOST_LINES: Final = 20_000
_AT_ONCE: Final = 1000
"""Lines that are copied for one write."""
_SECONDS: Final = 0.05


class Lines:
    """A bounded queue of lines and the thread that writes them to standard error."""

    def __init__(self) -> None:
        self._lines: deque[bytes] = deque()
        self._dropped = 0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()

    def add(self, line: bytes) -> None:
        """Queue one line; never waits."""
        if len(self._lines) < _MOST_LINES:
            self._lines.append(line)
        else:
            self._dropped += 1

    def close(self) -> None:
        """Write the lines that are left, and end the thread."""
        self._stopped.set()
        self._thread.join(timeout=2)

    def _run(self) -> None:
        # sys.stderr has a lock. If a slow reader kept it held, the exit would abort.
        output = sys.stderr.fileno()
        while True:
            stopping = self._stopped.wait(_SECONDS)
            lines = [self._lines.popleft() for _ in range(min(len(self._lines), _AT_ONCE))]
            if self._dropped:
                lines.append(b'{"event":"dropped","lines":%d}' % self._dropped)
                self._dropped = 0
            if lines:
                try:
                    _write(output, b"\n".join(lines) + b"\n")
                except OSError:
                    return
            if stopping and not self._lines:
                return


def _write(output: int, data: bytes) -> None:
    while data:
        data = data[os.write(output, data) :]
