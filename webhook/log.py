"""The log: one structured line per event, written beside the event loop.

Lines are collected and a thread writes them, so that a slow reader of our
output never holds up an admission. When it is too slow, lines are dropped and
their number is logged.
"""

import json
import logging
import os
import sys
import threading
from collections import deque
from collections.abc import Callable, MutableMapping
from typing import Any, Final, TypeAlias

import msgspec

# structlog imports rich for tracebacks in colour, which a server never shows: 4 MiB.
_RICH: Final = sys.modules.get("rich")
sys.modules["rich"] = None  # type: ignore[assignment]
import structlog  # noqa: E402

if _RICH is None:
    del sys.modules["rich"]
else:
    sys.modules["rich"] = _RICH

Logger: TypeAlias = structlog.typing.FilteringBoundLogger
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
        # Not through sys.stderr: its lock, held while a reader is slow, would abort the exit.
        output = sys.stderr.fileno()
        while True:
            stopping = self._stopped.wait(_SECONDS)
            lines = [self._lines.popleft() for _ in range(len(self._lines))]
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


class _Libraries(logging.Handler):
    """Takes what libraries log: the first line and the type, for a trace may hold an object."""

    def __init__(self, logger: Logger) -> None:
        super().__init__(logging.WARNING)
        self._logger = logger

    def emit(self, record: logging.LogRecord) -> None:
        """Log one event of a library."""
        error = record.exc_info[0] if record.exc_info else None
        text = str(record.msg).partition("\n")[0][:200]
        self._logger.warning(
            "library", source=record.name, text=text, type=error.__name__ if error else ""
        )


def _json(_logger: object, _method: str, event: MutableMapping[str, Any]) -> bytes:
    line = msgspec.json.encode(event)
    # Terminals obey some characters beyond ASCII as well.
    return line if line.isascii() else json.dumps(event).encode()


def _text(_logger: object, _method: str, event: MutableMapping[str, Any]) -> bytes:
    name = event.pop("event")
    time = event.pop("time")
    rest = " ".join(f"{k}={v!r}" for k, v in event.items() if v not in ("", [], None))
    return f"{time} {name} {rest}".encode("ascii", "backslashreplace")


def open_log(form: str) -> tuple[Logger, Lines]:
    """Return a logger that writes *form* (json or text) lines, and the lines to close."""
    lines = Lines()
    stamp = structlog.processors.TimeStamper(fmt="iso", utc=True, key="time")
    logger: Logger = structlog.wrap_logger(
        lines,
        processors=[stamp, _json if form == "json" else _text],
        wrapper_class=structlog.make_filtering_bound_logger(20),
        cache_logger_on_first_use=True,
    )
    bound: Logger = logger.bind()
    logging.getLogger().handlers = [_Libraries(bound)]
    # Anyone may send what is not HTTP: that is worth no line.
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    return bound, lines


def line_log(lines: Lines, form: str) -> Callable[[msgspec.Struct], None]:
    """Return what logs a struct as one line, as the logger of *form* would log its fields.

    Every review logs a decision; a chain of processors would take an eighth of its time.
    """
    encode = msgspec.json.Encoder().encode

    def log_json(line: msgspec.Struct) -> None:
        encoded = encode(line)
        lines.msg(encoded if encoded.isascii() else _json(None, "", msgspec.to_builtins(line)))

    def log_text(line: msgspec.Struct) -> None:
        lines.msg(_text(None, "", msgspec.to_builtins(line)))

    return log_json if form == "json" else log_text
