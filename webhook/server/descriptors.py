"""Raise the limit of open files, and share it among the kinds of connections.

Without a free descriptor no connection is accepted, not even a probe. So the limit is raised to
what the system allows, and no kind of connection can use up the share of another.
"""

import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

MOST_CONNECTIONS: Final = 2000
"""To the admission port, with a complete handshake."""
MOST_HANDSHAKES: Final = 1200
"""To the admission port, with a handshake under way: enough for 1,000 callers at once."""
MOST_PROBES: Final = 50
"""To the health port."""
_OTHERS: Final = 128
"""Other files, such as the log and certificates, and connections that are about to close."""
_SECONDS_BETWEEN_LINES: Final = 60


@dataclass(frozen=True, slots=True)
class Shares:
    """How many connections of each kind may be open."""

    connections: int
    handshakes: int
    probes: int


def needed() -> int:
    """Return the number of open files that full shares need."""
    return MOST_CONNECTIONS + MOST_HANDSHAKES + MOST_PROBES + _OTHERS


def raised_limit() -> int:
    """Raise the limit of open files as far as the system allows, and return the new limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (OSError, ValueError):  # above fs.nr_open, which may be lowered later
        return soft
    return hard if hard != resource.RLIM_INFINITY else needed()


def shares(limit: int) -> Shares:
    """Return the shares for a limit of open files, all reduced in proportion if it is too low."""
    free = max(limit - _OTHERS, 0)
    part = min(1.0, free / (needed() - _OTHERS))
    return Shares(
        *(max(1, int(most * part)) for most in (MOST_CONNECTIONS, MOST_HANDSHAKES, MOST_PROBES))
    )


class Shortage:
    """Counts connections that can't be accepted, and calls *log* at most once a minute."""

    def __init__(self, log: Callable[..., None]) -> None:
        self._log = log
        self._times = 0
        self._silent_until = 0.0

    def met(self, error: OSError) -> None:
        """Count *error*, which accept(2) returned, and log it if the last line is a minute old."""
        self._times += 1
        now = time.monotonic()
        if now >= self._silent_until:
            self._silent_until = now + _SECONDS_BETWEEN_LINES
            self._log("accept_failed", reason=error.strerror, times=self._times)
