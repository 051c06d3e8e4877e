"""When something with a life is renewed, and by which clocks a certificate must hold."""

import datetime as dt
from dataclasses import dataclass
from typing import Final

BACKDATED: Final = dt.timedelta(hours=1)
"""How far a validity begins before its certificate is made: clocks differ."""
RENEWED: Final = 2 / 3
"""The share of a life after which it is renewed."""
SPREAD: Final = 0.05
"""By how much replicas differ in that, so that they don't all come at once."""


@dataclass(frozen=True, slots=True)
class Times:
    """Now, by the clocks that matter: ours, and that of the API server, which verifies."""

    ours: dt.datetime
    cluster: dt.datetime

    @property
    def earliest(self) -> dt.datetime:
        """The clock that is behind."""
        return min(self.ours, self.cluster)

    @property
    def latest(self) -> dt.datetime:
        """The clock that is ahead."""
        return max(self.ours, self.cluster)


@dataclass(frozen=True, slots=True)
class Lives:
    """How long certificates hold."""

    leaf: dt.timedelta = dt.timedelta(days=7)
    authority: dt.timedelta = dt.timedelta(days=365)

    def __post_init__(self) -> None:
        if not dt.timedelta(seconds=3) <= self.leaf <= self.authority / 4:
            raise ValueError(
                f"a leaf of {self.leaf} under an authority of {self.authority}: must be 3 s or"
                " more, and at most a quarter of it, so that a new authority is known in time"
            )


def renewal(begin: dt.datetime, end: dt.datetime, share: float) -> dt.datetime:
    """Return when *share* of a life has passed; *begin* is that of a back-dated validity."""
    made = begin + BACKDATED
    return made + (end - made) * share
