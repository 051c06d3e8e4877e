"""Decide which authorities the Secret should hold.

An authority is replaced with an overlap:

1. The next authority is added to those that API servers trust.
2. Once all API servers trust it, it signs.
3. The previous authority stays trusted until its last leaf has expired.

This order avoids failures. Measured: if the leaf is replaced one second after its CA, reviews fail
for that second.
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
"""A replica that has not read the Secret yet may still sign with the previous authority."""


@dataclass(frozen=True, slots=True)
class Rotation:
    """When one replica renews; *spread*, from 0 to 1, differs between replicas."""

    lives: Lives
    spread: float

    @property
    def share(self) -> float:
        """The share of a lifetime after which this replica renews."""
        return RENEWED - SPREAD * self.spread

    def wanted(
        self,
        found: Authorities | None,
        known: Authorities | None,
        times: Times,
        *,
        settled: Callable[[Authority], bool],
    ) -> Authorities:
        """Return the authorities that the Secret should hold.

        *found* are those that it holds, None if none of them can sign. *known* are those that it
        held last. *settled* returns whether API servers have trusted an authority long enough.
        """
        now = times.cluster
        if found is None:
            if known is None:
                return Authorities(self._new(times))
            # Someone deleted the Secret to get a new authority. The known ones stay in use until
            # API servers trust it.
            found = replace(known, upcoming=self._new(times))
        retired = tuple(one for one in found.retired if one.until > now)
        signing, upcoming = found.signing, found.upcoming
        if upcoming and not _holds(upcoming, now):
            upcoming = None
        if not _holds(signing, now):
            # API servers accept no leaf of it, so an overlap is pointless.
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
