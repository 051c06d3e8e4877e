"""A wait for another loader: told of now and then, and not beyond the deadline."""

import time
from collections.abc import Callable
from typing import Final

from webhook.loading.origins.origin import Unavailable

_TELL_SECONDS: Final = 10.0


class Waiting:
    """One wait, of any length; who waits looks, calls `goes_on`, and sleeps."""

    def __init__(self, deadline: float, say: Callable[[str], None]) -> None:
        """*deadline* is of time.monotonic()."""
        self._deadline, self._say, self._told = deadline, say, 0.0

    def goes_on(self, what: str, other: str, does: str, has_done: str) -> None:
        """Say sometimes what *other* does; Unavailable, with what it has done, at the deadline."""
        now = time.monotonic()
        if now > self._deadline:
            raise Unavailable(f"{what}: {other} {has_done} until the deadline")
        if now - self._told > _TELL_SECONDS:
            self._told = now
            self._say(f"{what}: {other} {does}; waiting")
