"""Try again, and wait for another loader: never beyond the deadline.

A source is tried again with back-off, for as long as bytes arrive now and then.
"""

import random
import time
from collections.abc import Callable
from typing import Final, TypeVar

from webhook.loading.origins.origin import Changed, Interrupted, Unavailable

Found = TypeVar("Found")
FRUITLESS: Final = 8
"""Attempts in a row in which nothing arrived; the waits between them are a minute at most."""
CHANGES: Final = 2
"""Times that other bytes arrived than were announced."""
_LONGEST_SECONDS: Final = 60.0
_SHOW_SECONDS: Final = 10.0
"""Between two lines about a wait."""


class Patience:
    """Attempts at one file or one question, with the waits between them."""

    def __init__(self, deadline: float, say: Callable[[str], None]) -> None:
        """*deadline* is of time.monotonic(); *say* gets a line before each wait."""
        self._deadline, self._say = deadline, say
        self._fruitless = self._changes = 0

    def progressed(self) -> None:
        """Count anew: something has arrived."""
        self._fruitless = 0

    def call(self, function: Callable[[], Found]) -> Found:
        """Return what *function* returns; Unavailable if it keeps failing."""
        while True:
            try:
                return function()
            except (Interrupted, Changed) as error:
                seconds = self._seconds(error)
                if isinstance(error, Changed):
                    self._changes += 1
                else:
                    self._fruitless += 1
                if why := self._over(seconds):
                    raise Unavailable(f"{error}: {why}") from error
                self._say(f"{error}; again in {seconds:.0f} s")
                time.sleep(seconds)

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
        return "the deadline has passed (--deadline)"


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
