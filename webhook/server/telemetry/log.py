"""The log: one structured line per event, as JSON or as text."""

import json
import logging
import sys
from collections.abc import Callable, MutableMapping
from pathlib import Path
from typing import Any, Final, TypeAlias

import msgspec

from webhook.server.telemetry.log_lines import Lines

# structlog imports rich for tracebacks in colour, which a server never shows: 4 MiB.
_RICH: Final = sys.modules.get("rich")
sys.modules["rich"] = None  # type: ignore[assignment]
import structlog  # noqa: E402

if _RICH is None:
    del sys.modules["rich"]
else:
    sys.modules["rich"] = _RICH

Logger: TypeAlias = structlog.typing.FilteringBoundLogger


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


def fault_log(logger: Logger) -> Callable[[Exception], None]:
    """Return what logs a fault by its type and place: its text may hold a part of the object."""

    def log(error: Exception) -> None:
        logger.error("fault", type=type(error).__name__, at=_place(error))

    return log


def _place(error: Exception) -> str:
    """Return file and line of the innermost frame of *error*."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return ""
    return f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
