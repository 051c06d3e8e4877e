"""When a certificate is renewed, and the clocks by which it must be valid."""

import datetime as dt
from dataclasses import dataclass
from typing import Final

BACKDATED: Final = dt.timedelta(hours=1)
"""How long before it was made a certificate is already valid, because clocks differ."""
RENEWED: Final = 2 / 3
"""The share of its lifetime after which a certificate is renewed."""
SPREAD: Final = 0.05
"""By how much that share differs among replicas, so that they do not all renew at once."""


@dataclass(frozen=True, slots=True)
class Times:
    """The present time by two clocks: ours, and that of the API server, which verifies."""

    ours: dt.datetime
    cluster: dt.datetime

    @property
    def earliest(self) -> dt.datetime:
        """The time by the clock that is behind."""
        return min(self.ours, self.cluster)

    @property
    def latest(self) -> dt.datetime:
        """The time by the clock that is ahead."""
        return max(self.ours, self.cluster)


@dataclass(frozen=True, slots=True)
class Lives:
    """The lifetimes of certificates; ValueError if they contradict each other."""

    leaf: dt.timedelta = dt.timedelta(days=7)
    authority: dt.timedelta = dt.timedelta(days=365)

    def __post_init__(self) -> None:
        if not dt.timedelta(seconds=3) <= self.leaf <= self.authority / 4:
            raise ValueError(
                f"a leaf lifetime of {self.leaf} with an authority lifetime of {self.authority}:"
                " a leaf must live 3 s or more, and at most a quarter of the authority's lifetime,"
                " so that a new authority is trusted in time"
            )


def renewal(begin: dt.datetime, end: dt.datetime, share: float) -> dt.datetime:
    """Return when *share* of a lifetime has passed; *begin* is back-dated."""
    made = begin + BACKDATED
    return made + (end - made) * share
