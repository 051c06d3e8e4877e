"""End at a signal, but only between blocks, so that nothing is left half done."""

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType
from typing import Final

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


class Interrupted(Exception):
    """A signal has asked the command to end."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(f"ended by {signal.Signals(number).name}")


class Interruption:
    """Whether a signal has asked the command to end."""

    def __init__(self) -> None:
        self._number = 0

    def check(self) -> None:
        """Raise Interrupted if a signal has come; any thread may call it."""
        if self._number:
            raise Interrupted(self._number)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self._number = self._number or number

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Note SIGINT and SIGTERM; raise Interrupted at the end at the latest if one has come."""
        before = {number: signal.signal(number, self._note) for number in _SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        self.check()
