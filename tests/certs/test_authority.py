"""Certificate authorities: what they sign, and which files are accepted as one."""

import datetime as dt
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from certs.authority import Authority, pem, private_pem
from certs.context import server_context
from certs.lifetime import Times

NOW = dt.datetime(2026, 11, 25, 12, tzinfo=dt.UTC)
TIMES = Times(NOW, NOW)
HOUR, DAY, WEEK = dt.timedelta(hours=1), dt.timedelta(days=1), dt.timedelta(days=7)
HOSTS = ("modelcache-webhook.modelcache-system.svc", "10.0.0.1")


def made(times: Times = TIMES, lifetime: dt.timedelta = 52 * WEEK) -> Authority:
    return Authority.make("test", times, lifetime)


def test_a_leaf_is_what_go_requires_of_a_server() -> None:
    # P1 60
    authority = made()
    leaf = x509.load_pem_x509_certificate(authority.sign(HOSTS, TIMES, WEEK).certificate)
    leaf.verify_directly_issued_by(authority.certificate)
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == [HOSTS[0]]
    assert [str(one) for one in names.get_values_for_type(x509.IPAddress)] == [HOSTS[1]]
    usage = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.SERVER_AUTH]
    assert isinstance(leaf.signature_hash_algorithm, hashes.SHA256)
    assert isinstance(leaf.public_key(), ec.EllipticCurvePublicKey)
    assert leaf.not_valid_before_utc == NOW - HOUR
    assert leaf.not_valid_after_utc == NOW + WEEK


def test_serial_numbers_and_keys_are_random() -> None:
    authority = made()
    leaves = [authority.sign(HOSTS, TIMES, WEEK) for _ in range(20)]
    serials = {x509.load_pem_x509_certificate(leaf.certificate).serial_number for leaf in leaves}
    assert len(serials) == len({leaf.key for leaf in leaves}) == 20
    assert min(serial.bit_length() for serial in serials) > 64


def test_a_long_service_name_is_whole_in_the_certificate() -> None:
    host = f"{'s' * 63}.{'n' * 63}.svc"
    leaf = made().sign([host], TIMES, WEEK)
    names = (
        x509.load_pem_x509_certificate(leaf.certificate)
        .extensions.get_extension_for_class(x509.SubjectAlternativeName)
        .value
    )
    assert names.get_values_for_type(x509.DNSName) == [host]


@pytest.mark.parametrize("ahead", [-30 * DAY, -DAY, DAY, 30 * DAY], ids=str)
def test_certificates_are_valid_by_our_clock_and_by_the_api_servers(ahead: dt.timedelta) -> None:
    # c35, P2 97
    times = Times(ours=NOW + ahead, cluster=NOW)
    authority = made(times)
    leaf = authority.sign(HOSTS, times, WEEK)
    for one in (authority.certificate, x509.load_pem_x509_certificate(leaf.certificate)):
        for clock in (times.ours, times.cluster):
            assert one.not_valid_before_utc < clock < one.not_valid_after_utc


@pytest.mark.parametrize(
    ("later", "due"),
    [
        (dt.timedelta(0), False),
        (WEEK * 0.6, False),
        (WEEK * 0.67, True),
        (2 * WEEK, True),
        (-HOUR * 0.9, False),
        (-HOUR * 1.1, True),
        (-DAY, True),
    ],
    ids=str,
)
def test_a_leaf_is_due_at_two_thirds_of_its_life_or_when_a_clock_is_set_back(
    later: dt.timedelta, due: bool
) -> None:
    # c35, P2 97
    leaf = made().sign(HOSTS, TIMES, WEEK)
    assert leaf.due(Times(NOW + later, NOW), 2 / 3) is due
    assert leaf.due(Times(NOW, NOW + later), 2 / 3) is due


def test_an_authority_that_was_written_is_read_back() -> None:
    authority = made()
    found = Authority.read(pem(authority.certificate), private_pem(authority.key))
    assert found.certificate == authority.certificate
    assert private_pem(found.key) == private_pem(authority.key)


def _leaf_pair() -> tuple[bytes, bytes]:
    leaf = made().sign(HOSTS, TIMES, WEEK)
    return leaf.certificate, leaf.key


def _with_key(key: bytes) -> tuple[bytes, bytes]:
    return pem(made().certificate), key


def _encrypted() -> bytes:
    return made().key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"secret"),
    )


def _rsa() -> bytes:
    return rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


@pytest.mark.parametrize(
    ("pair", "why"),
    [
        ((b"", b""), "certificate is not an X.509 certificate in PEM"),
        (
            (b"-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----", b""),
            "not an X.509 certificate in PEM",
        ),
        (_with_key(b""), "key is not an unencrypted private key in PEM"),
        (_with_key(_encrypted()), "key is not an unencrypted private key in PEM"),
        (_with_key(_rsa()), "not an elliptic curve key"),
        (_with_key(private_pem(made().key)), "key does not belong to its certificate"),
        (_leaf_pair(), "is not a self-signed CA certificate"),
    ],
    ids=["nothing", "garbage", "no key", "encrypted", "rsa", "key of another", "leaf"],
)
def test_a_pair_that_cannot_sign_is_refused_with_the_reason(
    pair: tuple[bytes, bytes], why: str
) -> None:
    # P1 58
    with pytest.raises(ValueError, match=why):
        Authority.read(*pair)


def test_openssl_accepts_a_leaf_as_a_server_certificate() -> None:
    now = dt.datetime.now(dt.UTC)
    times = Times(now, now)
    authority = made(times)
    leaf = authority.sign(["localhost"], times, WEEK)
    server, client = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.create_default_context(cadata=pem(authority.certificate).decode())
    ours = server_context(leaf.certificate, leaf.key).wrap_bio(client, server, server_side=True)
    theirs = context.wrap_bio(server, client, server_hostname="localhost")
    for _ in range(4):
        for side in (theirs, ours):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    assert theirs.getpeercert()
