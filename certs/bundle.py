"""Compare bundles of CA certificates by the certificates in them, not by their text."""

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding


def certificates(bundle: bytes) -> frozenset[bytes]:
    """Return the certificates of a PEM *bundle*, each as DER; none if any of them is malformed."""
    try:
        found = x509.load_pem_x509_certificates(bundle)
    except ValueError:
        return frozenset()
    return frozenset(one.public_bytes(Encoding.DER) for one in found)


def holds(bundle: bytes, wanted: bytes) -> bool:
    """Whether *bundle* has every certificate of *wanted*."""
    return certificates(wanted) <= certificates(bundle)


def same(bundle: bytes, wanted: bytes) -> bool:
    """Whether *bundle* has exactly the certificates of *wanted*."""
    return certificates(bundle) == certificates(wanted)
