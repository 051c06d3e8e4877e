"""Write the log: one structured line per event, as JSON or as text."""

import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

import msgspec

from webhook.server.telemetry.log_lines import Lines

_Encode: TypeAlias = Callable[[dict[str, Any]], bytes]


class Logger:
    """Writes an event and its fields as one line; the line does not hold the level."""

    def __init__(self, lines: Lines, encode: _Encode) -> None:
        self._lines, self._encode = lines, encode

    def _log(self, event: str, **fields: object) -> None:
        fields["event"] = event
        fields["time"] = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        self._lines.add(self._encode(fields))

    info = warning = error = _log


class _Libraries(logging.Handler):
    """Logs warnings of libraries: first line and type only, since a trace may hold an object."""

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


def _json(event: dict[str, Any]) -> bytes:
    line = msgspec.json.encode(event)
    # Terminals also obey some characters beyond ASCII.
    return line if line.isascii() else json.dumps(event).encode()


def _text(event: dict[str, Any]) -> bytes:
    name = event.pop("event")
    time = event.pop("time")
    rest = " ".join(f"{k}={v!r}" for k, v in event.items() if v not in ("", [], None))
    return f"{time} {name} {rest}".encode("ascii", "backslashreplace")


def open_log(form: str) -> tuple[Logger, Lines]:
    """Return a logger of *form* (json or text), and the lines, which the caller closes."""
    lines = Lines()
    logger = Logger(lines, _json if form == "json" else _text)
    logging.getLogger().handlers = [_Libraries(logger)]
    # Anyone can send bytes that are not HTTP. That is not worth a line.
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    return logger, lines


def line_log(lines: Lines, form: str) -> Callable[[msgspec.Struct], None]:
    """Return a function that logs a struct as the logger of *form* would log its fields.

    It is for decisions, which every review logs: a struct is encoded in one call.
    """
    encode = msgspec.json.Encoder().encode

    def log_json(line: msgspec.Struct) -> None:
        encoded = encode(line)
        lines.add(encoded if encoded.isascii() else _json(msgspec.to_builtins(line)))

    def log_text(line: msgspec.Struct) -> None:
        lines.add(_text(msgspec.to_builtins(line)))

    return log_json if form == "json" else log_text


def fault_log(logger: Logger) -> Callable[[Exception], None]:
    """Return a function that logs a fault by type and place; its text may quote an object."""

    def log(error: Exception) -> None:
        logger.error("fault", type=type(error).__name__, at=_place(error))

    return log


def _place(error: Exception) -> str:
    """Return the file and line of the innermost frame of *error*."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return ""
    return f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
