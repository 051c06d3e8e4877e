"""Schedule requests as a Poisson process, more exactly than an event loop's timers do."""

import asyncio
import os
import random
import threading
import time
from collections import deque
from collections.abc import Callable


class Clock:
    """Calls back in the loop when a thread's sleep ends, with the moment in nanoseconds."""

    def __init__(self, rate: float, due: Callable[[int], None]) -> None:
        self._rate = rate
        self._due = due
        self._moments: deque[int] = deque()
        self._ended = threading.Event()
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begin."""
        asyncio.get_running_loop().add_reader(self._wake, self._drain)
        self._thread.start()

    def stop(self) -> None:
        """End, and wait for the thread."""
        self._ended.set()
        self._thread.join()
        asyncio.get_running_loop().remove_reader(self._wake)
        os.close(self._wake)

    def _run(self) -> None:
        source = random.Random(self._rate)
        moment = time.perf_counter_ns()
        while not self._ended.is_set():
            moment += int(source.expovariate(self._rate) * 1e9)
            pause = (moment - time.perf_counter_ns()) / 1e9
            if pause > 0:
                time.sleep(pause)
            self._moments.append(moment)
            os.eventfd_write(self._wake, 1)

    def _drain(self) -> None:
        os.eventfd_read(self._wake)
        while self._moments:
            self._due(self._moments.popleft())
