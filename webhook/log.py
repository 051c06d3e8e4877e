"""The log: one structured line per event, written beside the event loop.

Lines are collected and a thread writes them, so that a slow reader of our
output never holds up an admission. When it is too slow, lines are dropped and
their number is logged.
"""

import sys
import threading
from collections import deque
from collections.abc import MutableMapping
from typing import Any, Final

import msgspec
import structlog

_MOST_LINES: Final = 20_000
_SECONDS: Final = 0.05


class Lines:
    """A bounded queue of lines and the thread that writes them to standard error."""

    def __init__(self) -> None:
        self._lines: deque[bytes] = deque()
        self._dropped = 0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()

    def msg(self, line: bytes) -> None:
        """Take one line."""
        if len(self._lines) < _MOST_LINES:
            self._lines.append(line)
        else:
            self._dropped += 1

    log = debug = info = warning = error = critical = msg

    def close(self) -> None:
        """Write what is left, and end the thread."""
        self._stopped.set()
        self._thread.join(timeout=2)

    def _run(self) -> None:
        output = sys.stderr.buffer
        while True:
            stopping = self._stopped.wait(_SECONDS)
            lines = [self._lines.popleft() for _ in range(len(self._lines))]
            if self._dropped:
                lines.append(b'{"event":"dropped","lines":%d}' % self._dropped)
                self._dropped = 0
            if lines:
                try:
                    output.write(b"\n".join(lines) + b"\n")
                    output.flush()
                except OSError:
                    return
            if stopping and not self._lines:
                return


def _json(_logger: object, _method: str, event: MutableMapping[str, Any]) -> bytes:
    return msgspec.json.encode(event)


def _text(_logger: object, _method: str, event: MutableMapping[str, Any]) -> bytes:
    name = event.pop("event")
    time = event.pop("time")
    rest = " ".join(f"{k}={v!r}" for k, v in event.items() if v not in ("", [], None))
    return f"{time} {name} {rest}".encode("ascii", "backslashreplace")


def open_log(form: str) -> tuple[structlog.typing.FilteringBoundLogger, Lines]:
    """Return a logger that writes *form* (json or text) lines, and the lines to close."""
    lines = Lines()
    stamp = structlog.processors.TimeStamper(fmt="iso", utc=True, key="time")
    logger: structlog.typing.FilteringBoundLogger = structlog.wrap_logger(
        lines,
        processors=[stamp, _json if form == "json" else _text],
        wrapper_class=structlog.make_filtering_bound_logger(20),
        cache_logger_on_first_use=True,
    )
    return logger.bind(), lines
