"""How many files the process may have open, and how many of them connections may be.

Where descriptors are used up nobody is accepted, probes included. So the limit is raised to what
the system allows, and each kind of connection has a share of it that leaves the others theirs.
"""

import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

MOST_CONNECTIONS: Final = 2000
"""To the admission port, their handshake complete."""
MOST_HANDSHAKES: Final = 1200
"""Those whose handshake is not complete: more than a thousand callers at once."""
MOST_PROBES: Final = 50
"""To the health port."""
_OTHERS: Final = 128
"""What is no connection, such as the log and files of certificates; connections about to close."""
_SECONDS_BETWEEN_LINES: Final = 60


@dataclass(frozen=True, slots=True)
class Shares:
    """How many connections of each kind there may be."""

    connections: int
    handshakes: int
    probes: int


def needed() -> int:
    """Return the number of open files with which no share is cut."""
    return MOST_CONNECTIONS + MOST_HANDSHAKES + MOST_PROBES + _OTHERS


def raised_limit() -> int:
    """Raise the limit of open files as far as the system lets us, and return what it is now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (OSError, ValueError):  # above fs.nr_open, which may be lowered later
        return soft
    return hard if hard != resource.RLIM_INFINITY else needed()


def shares(limit: int) -> Shares:
    """Return the shares of a process that may have *limit* files open, cut alike if need be."""
    free = max(limit - _OTHERS, 0)
    part = min(1.0, free / (needed() - _OTHERS))
    return Shares(
        *(max(1, int(most * part)) for most in (MOST_CONNECTIONS, MOST_HANDSHAKES, MOST_PROBES))
    )


class Shortage:
    """Connections that can't be accepted, told to *log* at most once a minute."""

    def __init__(self, log: Callable[..., None]) -> None:
        self._log = log
        self._times = 0
        self._silent_until = 0.0

    def met(self, error: OSError) -> None:
        """Count *error*, which accept gave, and tell it unless that was done a moment ago."""
        self._times += 1
        now = time.monotonic()
        if now >= self._silent_until:
            self._silent_until = now + _SECONDS_BETWEEN_LINES
            self._log("accept_failed", reason=error.strerror, times=self._times)
