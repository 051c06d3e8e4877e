"""Try again, and wait for another loader: never beyond the deadline.

A source is tried again with back-off, for as long as bytes arrive now and then.
"""

import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import wait
from typing import Final, TypeVar

from webhook.loading.origins.origin import Changed, Interrupted, Unavailable
from webhook.loading.threads import started

Found = TypeVar("Found")
FRUITLESS: Final = 8
"""Attempts in a row in which nothing arrived; the waits between them are a minute at most."""
CHANGES: Final = 2
"""Times that other bytes arrived than were announced."""
_LONGEST_SECONDS: Final = 60.0
_SHOW_SECONDS: Final = 10.0
"""Between two lines about a wait."""
_LATE: Final = "the deadline has passed (--deadline)"


class Stopped(Exception):
    """Another file failed, so this one is not wanted any more."""


class Patience:
    """Attempts at one file or one question, with the waits between them."""

    def __init__(
        self,
        deadline: float,
        say: Callable[[str], None],
        *,
        asked: str = "",
        stop: threading.Event | None = None,
    ) -> None:
        """*deadline* is of time.monotonic(); *say* gets a line before each wait.

        *asked*: what is asked, if functions are called whose errors name it. Once *stop* is set,
        there is no further attempt.
        """
        self._deadline, self._say = deadline, say
        self._stop = stop or threading.Event()
        self._fruitless = self._changes = 0
        self._last = f"{asked}: there is no answer" if asked else "there is no answer"

    def progressed(self, text: str = "") -> None:
        """Count anew: something has arrived. *text* says how much, should the deadline pass."""
        self._fruitless = 0
        self._last = text or self._last

    def call(self, function: Callable[[], Found]) -> Found:
        """Return what *function* returns; Unavailable if it keeps failing, or at the deadline.

        *function* runs in a thread of its own. At the deadline that is abandoned: a silent or slow
        connection can't be interrupted. Raises Stopped if another file failed.
        """
        while True:
            try:
                return self._in_time(function)
            except (Interrupted, Changed) as error:
                seconds = self._seconds(error)
                if isinstance(error, Changed):
                    self._changes += 1
                else:
                    self._fruitless += 1
                if why := self._over(seconds):
                    raise Unavailable(f"{error}: {why}") from error
                self._last = str(error)
                self._say(f"{error}; again in {seconds:.0f} s")
                if self._stop.wait(seconds):
                    raise Stopped from error

    def _in_time(self, function: Callable[[], Found]) -> Found:
        (attempt,) = started(lambda _: function(), [None])
        wait([attempt], max(0.0, self._deadline - time.monotonic()))
        if not attempt.done():
            raise Unavailable(f"{self._last}: {_LATE}")
        return attempt.result()

    def _seconds(self, error: Interrupted | Changed) -> float:
        """Return how long to wait: random, so that replicas cut off together come back apart."""
        longest = min(2.0 ** (self._fruitless + self._changes - 1), _LONGEST_SECONDS)
        asked = error.after if isinstance(error, Interrupted) else 0.0
        return max(asked, random.uniform(0, longest))  # noqa: S311  # spread

    def _over(self, seconds: float) -> str:
        """Return why there is no further attempt after *seconds*; empty if there is one."""
        late = time.monotonic() + seconds >= self._deadline
        if self._fruitless < FRUITLESS and self._changes <= CHANGES and not late:
            return ""
        if self._changes > CHANGES:
            return f"{self._changes} times"
        if self._fruitless >= FRUITLESS:
            return f"nothing arrived in {FRUITLESS} attempts"
        return _LATE


class Waiting:
    """A wait for another loader: check it, call `report`, sleep, and check again."""

    def __init__(self, deadline: float, say: Callable[[str], None]) -> None:
        """*deadline* is of time.monotonic()."""
        self._deadline, self._say, self._shown = deadline, say, 0.0

    def report(self, what: str, other: str, does: str, did: str) -> None:
        """Report now and then what *other* does; Unavailable with what it did at the deadline."""
        now = time.monotonic()
        if now > self._deadline:
            raise Unavailable(f"{what}: {other} {did} until the deadline")
        if now - self._shown > _SHOW_SECONDS:
            self._shown = now
            self._say(f"{what}: {other} {does}; waiting")
