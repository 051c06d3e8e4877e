"""Show the progress of a long command: a bar on a terminal, lines in a log, JSON for programs."""

import functools
import json
import math
import sys
import time
from collections.abc import Callable
from typing import Final

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from webhook.terminal.hiding import without_hidden

_SECONDS_BETWEEN_LINES: Final = 5
_SECONDS_BETWEEN_OBJECTS: Final = 1


class Lines:
    """Progress as a line every few seconds, for logs."""

    def __init__(self, _console: Console, what: object, total: int) -> None:
        self._what, self._total = what, total
        self._began = self._last = time.monotonic()

    def __enter__(self) -> Callable[[int], None]:
        return self._report

    def __exit__(self, *_: object) -> None:
        pass

    def _report(self, done: int) -> None:
        if time.monotonic() - self._last > _SECONDS_BETWEEN_LINES:
            self._last = time.monotonic()
            say(_line(self._what, done, self._total, self._last - self._began))


class Bar:
    """Progress as a bar, for a terminal."""

    def __init__(self, console: Console, what: object, total: int) -> None:
        self._progress = Progress(
            TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(),
            TransferSpeedColumn(), TimeRemainingColumn(), console=console, transient=True,
        )  # fmt: skip
        self._task = self._progress.add_task(str(what), total=total or None)

    def __enter__(self) -> Callable[[int], None]:
        self._progress.start()
        return self._report

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def _report(self, done: int) -> None:
        self._progress.update(self._task, completed=done)


class Json:
    """Progress as JSON, a line every few seconds, for programs."""

    def __init__(self, _console: Console, what: object, total: int) -> None:
        self._what, self._total = what, total
        self._began = time.monotonic()
        self._last = -math.inf

    def __enter__(self) -> Callable[[int], None]:
        return self._report

    def __exit__(self, *_: object) -> None:
        pass

    def _report(self, done: int) -> None:
        now = time.monotonic()
        if now - self._last > _SECONDS_BETWEEN_OBJECTS:
            self._last = now
            tell(model=str(self._what), bytes=done, total=self._total or None,
                 seconds=round(now - self._began, 1))  # fmt: skip


def shown(form: str) -> Callable[[object, int], "Bar | Lines | Json"]:
    """Return a maker of progress displays; *form* is auto, lines or json."""
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    kind = Json if form == "json" else Bar if form == "auto" and console.is_terminal else Lines
    return functools.partial(kind, console)


def tell(**fields: object) -> None:
    """Print one JSON object as one line on standard output, and flush it."""
    sys.stdout.write(json.dumps(fields) + "\n")
    sys.stdout.flush()


def abandon(line: str) -> None:
    """Print one line below a bar that is still shown, for a process that ends in the middle."""
    console = Console(stderr=True)
    if console.is_terminal:
        sys.stderr.write("\n")
        console.show_cursor()
    say(line)


def _line(what: object, done: int, total: int, seconds: float) -> str:
    """Return one line for a log: the share that is done, the rate, the time that is left."""
    rate = done / max(seconds, 0.001)
    if not total:
        return f"{what}: {done} bytes, {rate / 1e6:.1f} MB/s"
    left = max(total - done, 0) / rate if rate else math.inf
    still = f"{left:.0f} s left" if left < math.inf else "waiting"
    return f"{what}: {done * 100 // total} % of {total} bytes, {rate / 1e6:.1f} MB/s, {still}"


def say(line: str) -> None:
    """Print one line on standard error, and flush it."""
    sys.stderr.write(f"modelcache: {without_hidden(line)}\n")
    sys.stderr.flush()
