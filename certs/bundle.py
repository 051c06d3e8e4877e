"""Compares bundles of CA certificates: by what they hold, not by how it is written."""

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding


def certificates(bundle: bytes) -> frozenset[bytes]:
    """Return the certificates of a PEM *bundle*, each as DER; none if any of it is garbled."""
    try:
        found = x509.load_pem_x509_certificates(bundle)
    except ValueError:
        return frozenset()
    return frozenset(one.public_bytes(Encoding.DER) for one in found)


def holds(bundle: bytes, wanted: bytes) -> bool:
    """Return whether *bundle* has every certificate of *wanted*."""
    return certificates(wanted) <= certificates(bundle)


def same(bundle: bytes, wanted: bytes) -> bool:
    """Return whether *bundle* has the certificates of *wanted* and no other."""
    return certificates(bundle) == certificates(wanted)
