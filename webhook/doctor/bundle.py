"""Read the certificates of a CA bundle, and how long they last."""

import contextlib
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Self

from cryptography import x509

_BLOCK: Final = re.compile(rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Lifetime:
    """Subject, issuer and validity of a certificate."""

    subject: str
    issuer: str
    begins: datetime
    ends: datetime

    @classmethod
    def of(cls, certificate: x509.Certificate) -> Self:
        """Return the lifetime of *certificate*."""
        return cls(
            certificate.subject.rfc4514_string() or _names(certificate),
            certificate.issuer.rfc4514_string(),
            certificate.not_valid_before_utc,
            certificate.not_valid_after_utc,
        )

    def expired(self, now: datetime) -> bool:
        """Whether it has expired."""
        return now > self.ends

    def pending(self, now: datetime) -> bool:
        """Whether it is not valid yet."""
        return now < self.begins

    def ends_soon(self, now: datetime) -> bool:
        """Whether less than a sixth of it is left: it should have been renewed by then."""
        left: timedelta = self.ends - now
        return left < (self.ends - self.begins) / 6

    @property
    def until(self) -> str:
        """Its end, for people."""
        return f"{self.ends:%Y-%m-%d %H:%M} UTC"


def _names(certificate: x509.Certificate) -> str:
    """Return its DNS names: a leaf needs no subject (RFC 5280 section 4.1.2.6)."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return "a certificate without a name"
    return ", ".join(names.get_values_for_type(x509.DNSName))


def certificates(pem: bytes) -> list[x509.Certificate]:
    """Return the readable ones of a bundle, as Go does (x509 CertPool.AppendCertsFromPEM)."""
    found = []
    for block in _BLOCK.findall(pem):
        with contextlib.suppress(ValueError):
            found.append(x509.load_pem_x509_certificate(block))
    return found


def lifetime(der: bytes) -> Lifetime:
    """Return the lifetime of one certificate."""
    return Lifetime.of(x509.load_der_x509_certificate(der))
