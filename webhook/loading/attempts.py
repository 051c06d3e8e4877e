"""Trying again: with back-off, as long as something arrives, and not beyond the deadline."""

import time
from collections.abc import Callable
from typing import Final, NoReturn, TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception_type, wait_random_exponential

from webhook.loading.origins.origin import Changed, Interrupted, Unavailable

Found = TypeVar("Found")
FRUITLESS: Final = 8
"""Attempts in a row in which nothing arrived; with the waits below, about two minutes."""
CHANGES: Final = 2
"""Times that what arrived was not what was announced."""
_WAIT: Final = wait_random_exponential(multiplier=1, max=60)
"""Seconds at most; all replicas that were cut off at once come back at moments of their own."""


class Patience:
    """How long is tried, for one file or one question."""

    def __init__(self, deadline: float, say: Callable[[str], None]) -> None:
        """*deadline* is of time.monotonic(); *say* is told before each wait."""
        self._deadline, self._say = deadline, say
        self._fruitless = self._changes = 0

    def progressed(self) -> None:
        """Count anew: something has arrived."""
        self._fruitless = 0

    def call(self, function: Callable[[], Found]) -> Found:
        """Return what *function* returns; Unavailable if it goes on to fail."""
        retrying = Retrying(
            retry=retry_if_exception_type((Interrupted, Changed)),
            wait=self._seconds,
            stop=self._over,
            before_sleep=self._before,
            retry_error_callback=self._given_up,
        )
        return retrying(function)

    def _seconds(self, state: RetryCallState) -> float:
        error = _error(state)
        asked = error.after if isinstance(error, Interrupted) else 0.0
        # Attempts that brought something don't count, so tenacity's number is not the exponent.
        tried, state.attempt_number = state.attempt_number, self._fruitless + self._changes
        try:
            return max(asked, _WAIT(state))
        finally:
            state.attempt_number = tried

    def _over(self, state: RetryCallState) -> bool:
        if isinstance(_error(state), Changed):
            self._changes += 1
        else:
            self._fruitless += 1
        waited = time.monotonic() + state.upcoming_sleep
        return self._fruitless >= FRUITLESS or self._changes > CHANGES or waited >= self._deadline

    def _before(self, state: RetryCallState) -> None:
        self._say(f"{_error(state)}; again in {state.upcoming_sleep:.0f} s")

    def _given_up(self, state: RetryCallState) -> NoReturn:
        error = _error(state)
        if isinstance(error, Changed):
            why = f"{self._changes} times"
        elif self._fruitless >= FRUITLESS:
            why = f"nothing arrived in {FRUITLESS} attempts"
        else:
            why = "the deadline is over (--deadline)"
        raise Unavailable(f"{error}: {why}") from error


def _error(state: RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None
