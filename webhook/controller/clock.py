"""The time by our clock and by that of the API server, which verifies our certificates."""

import datetime as dt
import time

from certs.lifetime import Times


class Clock:
    """Knows the API server's time from its answers, and carries it on when there are none.

    It goes on with the time since boot, suspension included, which nobody can set.
    """

    def __init__(self) -> None:
        self._told: tuple[dt.datetime, float] | None = None

    def heard(self, told: dt.datetime | None) -> None:
        """Take the time that came with an answer, if it has one."""
        if told:
            self._told = told, _since_boot()

    def times(self) -> Times:
        """Return now, by both clocks; ours alone until the API server has answered."""
        ours = dt.datetime.now(dt.UTC)
        if self._told is None:
            return Times(ours, ours)
        told, then = self._told
        return Times(ours, told + dt.timedelta(seconds=_since_boot() - then))


def _since_boot() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)
