"""Shut down in phases: stop, hurry, cut.

1. On SIGTERM readiness turns false and answers carry Connection: close. New connections are still
   accepted for --shutdown-delay, because endpoints lag behind.
2. The listeners close. Running requests may finish within --drain.
3. The remaining connections are cut.

Each further signal ends the current phase. SIGINT skips the delay.
"""

import asyncio
import contextlib
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final

SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


class Shutdown:
    """The phases that signals have started."""

    def __init__(self) -> None:
        self.stop, self.hurry, self.cut = asyncio.Event(), asyncio.Event(), asyncio.Event()
        for number in SIGNALS:
            asyncio.get_running_loop().add_signal_handler(number, self._signalled, number)
        # A joined thread lives on for a moment. No signal may reach it then.
        executor = ThreadPoolExecutor(initializer=ignore_signals)
        asyncio.get_running_loop().set_default_executor(executor)

    async def delayed(self, seconds: float) -> None:
        """Wait for *seconds*, or until another signal ends the phase."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.hurry.wait(), seconds)

    def _signalled(self, number: int) -> None:
        if not self.stop.is_set():
            self.stop.set()
            if number == signal.SIGTERM:
                return
        if self.hurry.is_set():
            self.cut.set()
        self.hurry.set()


def ignore_signals() -> None:
    """Block signals, so that a late one does not break the exit."""
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)


@contextlib.contextmanager
def without_signals() -> Iterator[None]:
    """Block signals in the threads that are started in this context.

    After the loop has closed, nothing handles signals any more. A late one would then kill the
    process while it exits.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
