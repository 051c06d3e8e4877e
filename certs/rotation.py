"""Decides what the Secret should hold.

An authority is replaced with overlap: the next one is added to what API servers trust, stays
there until they all have it, then signs; the one before is trusted until its last leaf has
expired. The order is what makes it free of failures: measured, a leaf that is swapped a second
after its CA fails for that second.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from certs.authorities import Authorities, Retired
from certs.authority import Authority, pem
from certs.lifetime import RENEWED, SPREAD, Lives, Times, renewal

NAME: Final = "modelcache webhook CA"
_SLACK: Final = dt.timedelta(seconds=5)
"""A replica that has not heard yet may sign with the one before."""


@dataclass(frozen=True, slots=True)
class Rotation:
    """How one replica renews; *spread*, from 0 to 1, tells it from the others."""

    lives: Lives
    spread: float

    @property
    def share(self) -> float:
        """The share of a life after which this replica renews."""
        return RENEWED - SPREAD * self.spread

    def wanted(
        self,
        found: Authorities | None,
        known: Authorities | None,
        times: Times,
        *,
        settled: Callable[[Authority], bool],
    ) -> Authorities:
        """Return what the Secret should hold.

        *found* is what it holds, None if nothing that can sign; *known* what we last knew of it;
        *settled* tells whether API servers have trusted an authority long enough.
        """
        now = times.cluster
        if found is None:
            if known is None:
                return Authorities(self._new(times))
            # Who deletes the Secret wants another authority. Ours go on until it is trusted.
            found = replace(known, upcoming=self._new(times))
        retired = tuple(one for one in found.retired if one.until > now)
        signing, upcoming = found.signing, found.upcoming
        if upcoming and not _holds(upcoming, now):
            upcoming = None
        if not _holds(signing, now):
            # No leaf of it is accepted: there is nothing to overlap with.
            return Authorities(upcoming or self._new(times), None, retired)
        if upcoming is None:
            if now >= _renewal(signing, self.share):
                upcoming = self._new(times)
        elif settled(upcoming):
            until = times.latest + self.lives.leaf + _SLACK
            last = Retired(pem(signing.certificate).decode(), until)
            return Authorities(upcoming, None, (*retired, last))
        return Authorities(signing, upcoming, retired)

    def _new(self, times: Times) -> Authority:
        return Authority.make(NAME, times, self.lives.authority)


def _holds(authority: Authority, now: dt.datetime) -> bool:
    certificate = authority.certificate
    return certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc


def _renewal(authority: Authority, share: float) -> dt.datetime:
    certificate = authority.certificate
    return renewal(certificate.not_valid_before_utc, certificate.not_valid_after_utc, share)
