"""How far a copy is: a bar on a terminal, lines in a log."""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

_SECONDS_BETWEEN_LINES: Final = 5


class Lines:
    """Progress as a line every few seconds, for logs."""

    def __init__(self, _console: Console, source: Path, total: int) -> None:
        self._source, self._total = source, total
        self._last = time.monotonic()

    def __enter__(self) -> Callable[[int], None]:
        return self._report

    def __exit__(self, *_: object) -> None:
        pass

    def _report(self, done: int) -> None:
        if time.monotonic() - self._last > _SECONDS_BETWEEN_LINES:
            self._last = time.monotonic()
            say(f"{self._source}: {done * 100 // max(self._total, 1)} % of {self._total} bytes")


class Bar:
    """Progress as a bar, for a terminal."""

    def __init__(self, console: Console, source: Path, total: int) -> None:
        self._progress = Progress(
            TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(),
            TransferSpeedColumn(), console=console, transient=True,
        )  # fmt: skip
        self._task = self._progress.add_task(str(source), total=total)

    def __enter__(self) -> Callable[[int], None]:
        self._progress.start()
        return self._report

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def _report(self, done: int) -> None:
        self._progress.update(self._task, completed=done)


def say(line: str) -> None:
    """Print one line on standard error, at once."""
    sys.stderr.write(f"modelcache: {line}\n")
    sys.stderr.flush()
