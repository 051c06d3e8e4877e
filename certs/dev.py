"""Make a CA and a leaf in memory, for `modelcache serve --dev`."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from certs.authority import Authority, pem
from certs.lifetime import Times

LIFETIME: Final = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Pair:
    """A CA certificate and a leaf that it signed, as PEM."""

    ca: bytes
    certificate: bytes
    key: bytes
    end: dt.datetime


def make_pair(hosts: Sequence[str]) -> Pair:
    """Return a new CA and a leaf for *hosts* (DNS names or addresses), valid for a day."""
    now = dt.datetime.now(dt.UTC)
    times = Times(now, now)
    authority = Authority.make("modelcache development CA", times, LIFETIME)
    leaf = authority.sign(hosts, times, LIFETIME)
    return Pair(pem(authority.certificate), leaf.certificate, leaf.key, leaf.end)
