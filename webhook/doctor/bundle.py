"""Certificates of a bundle, and how long they last."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from cryptography import x509


@dataclass(frozen=True, slots=True)
class Lifetime:
    """From when until when a certificate is valid, and whose it is."""

    subject: str
    issuer: str
    begins: datetime
    ends: datetime

    @classmethod
    def of(cls, certificate: x509.Certificate) -> Self:
        """Return that of *certificate*."""
        return cls(
            certificate.subject.rfc4514_string(),
            certificate.issuer.rfc4514_string(),
            certificate.not_valid_before_utc,
            certificate.not_valid_after_utc,
        )

    def expired(self, now: datetime) -> bool:
        """Whether it has ended."""
        return now > self.ends

    def pending(self, now: datetime) -> bool:
        """Whether it has not begun."""
        return now < self.begins

    def ends_soon(self, now: datetime) -> bool:
        """Whether less than a sixth is left: whoever renews it should have done so."""
        left: timedelta = self.ends - now
        return left < (self.ends - self.begins) / 6

    @property
    def until(self) -> str:
        """Its last second, for people."""
        return f"{self.ends:%Y-%m-%d %H:%M} UTC"


def lifetimes(pem: bytes) -> list[Lifetime]:
    """Return those of the certificates of a bundle; ValueError if it holds none."""
    return [Lifetime.of(one) for one in x509.load_pem_x509_certificates(pem)]


def lifetime(der: bytes) -> Lifetime:
    """Return that of one certificate."""
    return Lifetime.of(x509.load_der_x509_certificate(der))
