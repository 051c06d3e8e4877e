"""Read and write the content of the Secret: the current authority, the next one, retired ones.

| key | holds |
|---|---|
| ca.crt, ca.key | the authority that signs leaves |
| next.crt, next.key | the authority that will sign, once every API server trusts it |
| retired.json | authorities that no longer sign, each trusted until its last leaf has expired |

All replicas read the Secret, and any of them may write it. If several write at once, the API server
accepts one (resourceVersion), and the others read again.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import msgspec
from cryptography import x509

from certs.authority import Authority, pem, private_pem

CERTIFICATE, KEY, NEXT, NEXT_KEY, RETIRED = (
    "ca.crt",
    "ca.key",
    "next.crt",
    "next.key",
    "retired.json",
)
_MOST_RETIRED: Final = 20


class Retired(msgspec.Struct, frozen=True):
    """An authority whose leaves may still be in use."""

    certificate: str
    """PEM."""
    until: dt.datetime


@dataclass(frozen=True, slots=True)
class Authorities:
    """The authorities in the Secret."""

    signing: Authority
    upcoming: Authority | None = None
    retired: tuple[Retired, ...] = ()

    @property
    def number(self) -> int:
        """How many authorities API servers must trust: more than one during a rotation."""
        return 1 + (self.upcoming is not None) + len(self.retired)

    def trusted(self) -> bytes:
        """Return the certificates that API servers must trust: PEM, the signing one first."""
        known = [pem(self.signing.certificate)]
        if self.upcoming:
            known.append(pem(self.upcoming.certificate))
        return b"".join([*known, *(one.certificate.encode() for one in self.retired)])

    def encode(self) -> dict[str, bytes]:
        """Return the data of the Secret."""
        data = {
            CERTIFICATE: pem(self.signing.certificate),
            KEY: private_pem(self.signing.key),
        }
        if self.upcoming:
            data[NEXT] = pem(self.upcoming.certificate)
            data[NEXT_KEY] = private_pem(self.upcoming.key)
        if self.retired:
            data[RETIRED] = msgspec.json.encode(self.retired)
        return data


def decode(data: Mapping[str, bytes]) -> tuple[Authorities, list[str]]:
    """Return the authorities in a Secret, and the faults of entries that can't be used.

    ValueError if no authority can sign.
    """
    if CERTIFICATE not in data or KEY not in data:
        raise ValueError(f"{CERTIFICATE} or {KEY} is missing")
    try:
        found = Authorities(Authority.read(data[CERTIFICATE], data[KEY]))
    except ValueError as error:
        raise ValueError(f"{CERTIFICATE}: {error}") from error
    faults = []
    if NEXT in data or NEXT_KEY in data:
        try:
            upcoming = Authority.read(data.get(NEXT, b""), data.get(NEXT_KEY, b""))
            found = replace(found, upcoming=upcoming)
        except ValueError as error:
            faults.append(f"{NEXT}: {error}")
    if RETIRED in data:
        try:
            found = replace(found, retired=_retired(data[RETIRED]))
        except ValueError as error:
            faults.append(f"{RETIRED}: {error}")
    return found, faults


def _retired(text: bytes) -> tuple[Retired, ...]:
    found = msgspec.json.decode(text, type=tuple[Retired, ...])
    if len(found) > _MOST_RETIRED:
        raise ValueError(f"{len(found)} authorities, at most {_MOST_RETIRED}")
    for one in found:
        x509.load_pem_x509_certificate(one.certificate.encode())
        if one.until.tzinfo is None:
            raise ValueError(f"{one.until} has no time zone")
    return found
