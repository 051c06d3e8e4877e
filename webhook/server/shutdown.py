"""The phases of an end: stop, hurry, cut.

On SIGTERM readiness turns false and answers carry Connection: close, while new
connections are still taken for --shutdown-delay (endpoints lag behind); then
the listeners close, what runs may finish within --drain, and the rest is cut.
Each further signal ends the phase it comes in; SIGINT knows no delay.
"""

import asyncio
import contextlib
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final

SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


class Shutdown:
    """What signals have told the process."""

    def __init__(self) -> None:
        self.stop, self.hurry, self.cut = asyncio.Event(), asyncio.Event(), asyncio.Event()
        for number in SIGNALS:
            asyncio.get_running_loop().add_signal_handler(number, self._told, number)
        # A thread that is joined lives on for a moment, in which no signal may meet it.
        executor = ThreadPoolExecutor(initializer=ignore_signals)
        asyncio.get_running_loop().set_default_executor(executor)

    async def delayed(self, seconds: float) -> None:
        """Wait for *seconds*, or until there is hurry."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.hurry.wait(), seconds)

    def _told(self, number: int) -> None:
        if not self.stop.is_set():
            self.stop.set()
            if number == signal.SIGTERM:
                return
        if self.hurry.is_set():
            self.cut.set()
        self.hurry.set()


def ignore_signals() -> None:
    """Let no late signal break the exit."""
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)


@contextlib.contextmanager
def without_signals() -> Iterator[None]:
    """Start threads that take no signal.

    One that comes after the loop has closed, when nothing handles it any more, then meets
    threads that block it instead of killing the exit.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
