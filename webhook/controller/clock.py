"""The time by our clock, and by the clock of the API server, which verifies our certificates."""

import datetime as dt
import time

from certs.lifetime import Times


class Clock:
    """The API server's time, from its last answer and the time that has passed since.

    That is measured by the time since boot, suspension included, which nobody can set.
    """

    def __init__(self) -> None:
        self._heard: tuple[dt.datetime, float] | None = None
        self._began = _since_boot()
        self.started = dt.datetime.now(dt.UTC)
        """When this process started, by the API server's clock once that is known."""

    def heard(self, server_time: dt.datetime | None) -> None:
        """Take the API server's time from an answer; None if the answer has none."""
        if server_time is None:
            return
        now = _since_boot()
        if self._heard is None:
            self.started = server_time - dt.timedelta(seconds=now - self._began)
        self._heard = server_time, now

    def times(self) -> Times:
        """Return the time by both clocks; until the API server has answered, by ours alone."""
        ours = dt.datetime.now(dt.UTC)
        if self._heard is None:
            return Times(ours, ours)
        server_time, then = self._heard
        return Times(ours, server_time + dt.timedelta(seconds=_since_boot() - then))


def _since_boot() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)
