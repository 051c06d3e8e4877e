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
        self._began = _since_boot()
        self.started = dt.datetime.now(dt.UTC)
        """When this process started, by the API server's clock once that is known."""

    def heard(self, told: dt.datetime | None) -> None:
        """Take the time that came with an answer, if it has one."""
        if told is None:
            return
        now = _since_boot()
        if self._told is None:
            self.started = told - dt.timedelta(seconds=now - self._began)
        self._told = told, now

    def times(self) -> Times:
        """Return now, by both clocks; ours alone until the API server has answered."""
        ours = dt.datetime.now(dt.UTC)
        if self._told is None:
            return Times(ours, ours)
        told, then = self._told
        return Times(ours, told + dt.timedelta(seconds=_since_boot() - then))


def _since_boot() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)
