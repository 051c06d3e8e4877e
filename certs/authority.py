"""Make a certificate authority, and sign leaves with it.

Keys are ECDSA P-256: a handshake takes two thirds of the time of one with RSA-2048. Validity is
back-dated because clocks differ. Leaves have subjectAltName and serverAuth, which Go requires of a
server. Serial numbers are random; the hash is SHA-256.
"""

import datetime as dt
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from certs.lifetime import BACKDATED, Times, renewal


@dataclass(frozen=True, slots=True)
class Leaf:
    """A certificate and its key, as PEM."""

    certificate: bytes
    key: bytes
    authority: bytes
    """The certificate of the authority that signed it, PEM."""
    begin: dt.datetime
    end: dt.datetime

    def due(self, times: Times, share: float) -> bool:
        """Whether it must be renewed: after *share* of its life, or if a clock was set back."""
        return times.earliest < self.begin or times.latest >= renewal(self.begin, self.end, share)


@dataclass(frozen=True, slots=True)
class Authority:
    """A CA certificate and its private key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @classmethod
    def make(cls, name: str, times: Times, lifetime: dt.timedelta) -> "Authority":
        """Return a new authority."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _name(name)
        usage = x509.KeyUsage(
            digital_signature=True, content_commitment=False, key_encipherment=False,
            data_encipherment=False, key_agreement=False, key_cert_sign=True, crl_sign=True,
            encipher_only=False, decipher_only=False,
        )  # fmt: skip
        certificate = (
            _builder(subject, times, lifetime)
            .subject_name(subject)
            .public_key(key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
            )
            .sign(key, hashes.SHA256())
        )
        return cls(certificate, key)

    @classmethod
    def read(cls, certificate: bytes, key: bytes) -> "Authority":
        """Return the authority in two PEM texts; ValueError says why it can't sign."""
        try:
            found = x509.load_pem_x509_certificate(certificate)
        except ValueError as error:
            raise ValueError("its certificate is not an X.509 certificate in PEM") from error
        try:
            private = serialization.load_pem_private_key(key, None)
        except (ValueError, TypeError) as error:  # TypeError: encrypted
            raise ValueError("its key is not an unencrypted private key in PEM") from error
        if not isinstance(private, ec.EllipticCurvePrivateKey):
            raise ValueError("its key is not an elliptic curve key")  # content
        if private.public_key() != found.public_key():
            raise ValueError("its key does not belong to its certificate")
        if not signs(found):
            raise ValueError("its certificate is not a self-signed CA certificate")
        return cls(found, private)

    def sign(self, hosts: Sequence[str], times: Times, lifetime: dt.timedelta) -> Leaf:
        """Return a leaf for *hosts* (DNS names or addresses) that is valid by all clocks."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            _builder(self.certificate.subject, times, lifetime)
            .subject_name(_name(hosts[0][:64]))  # the longest common name that X.509 allows
            .public_key(key.public_key())
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(
                x509.SubjectAlternativeName([_address(host) for host in hosts]), critical=False
            )
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()),
                critical=False,
            )
            .sign(self.key, hashes.SHA256())
        )
        return Leaf(
            pem(certificate),
            private_pem(key),
            pem(self.certificate),
            certificate.not_valid_before_utc,
            certificate.not_valid_after_utc,
        )


def signs(certificate: x509.Certificate) -> bool:
    """Whether *certificate* is a self-signed CA certificate."""
    try:
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
        certificate.verify_directly_issued_by(certificate)
    except (x509.ExtensionNotFound, ValueError, TypeError, InvalidSignature):
        return False
    return constraints.value.ca


def pem(certificate: x509.Certificate) -> bytes:
    """Return *certificate* as PEM."""
    return certificate.public_bytes(serialization.Encoding.PEM)


def private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return *key* as PEM, without a password."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _builder(issuer: x509.Name, times: Times, lifetime: dt.timedelta) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .issuer_name(issuer)
        .serial_number(x509.random_serial_number())
        .not_valid_before(times.earliest - BACKDATED)
        .not_valid_after(times.latest + lifetime)
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _address(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
