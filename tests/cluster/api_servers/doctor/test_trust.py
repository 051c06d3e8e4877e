"""Which certificates the doctor trusts, in real handshakes: those that the API server trusts."""

import datetime as dt
import socket
import ssl
from pathlib import Path

import pytest
from cryptography import x509

from tests.cluster.api_servers.doctor.asking import ERROR, OK, WARNING, installation, shown
from tests.cluster.api_servers.doctor.certificates import DAY, Signer, serving
from tests.kubernetes.control_plane import ControlPlane
from webhook.doctor.bundle import Lifetime, lifetime
from webhook.doctor.certificate import _lasting
from webhook.doctor.finding import Level
from webhook.doctor.replica import trusting

HOST = "modelcache-webhook.modelcache-system.svc"
CA = Signer("ca")
OTHER = Signer("other")
LEAF = Signer("leaf", CA, hosts=[HOST])


def shaken(leaf: Signer, bundle: bytes | None, folder: Path) -> bytes:
    """Return the certificate that a server with *leaf* presents to a client that trusts *bundle*."""
    with serving(leaf.files(folder)) as port:
        raw = socket.create_connection(("127.0.0.1", port), timeout=20)
        with trusting(bundle).wrap_socket(raw, server_hostname=HOST) as tls:
            return tls.getpeercert(binary_form=True) or b""


@pytest.mark.parametrize(
    ("leaf", "bundle"),
    [
        pytest.param(LEAF, CA.pem, id="signed by it"),
        pytest.param(LEAF, OTHER.pem + CA.pem, id="signed by one of two"),
        pytest.param(LEAF, CA.pem.replace(b"MII", b"?", 1) + CA.pem, id="signed, next to garbage"),
        pytest.param(LEAF, LEAF.pem, id="itself in the bundle, as Go allows"),
        pytest.param(OTHER, None, id="anything, if there is no bundle"),
    ],
)
def test_a_certificate_is_trusted(leaf: Signer, bundle: bytes | None, tmp_path: Path) -> None:
    assert lifetime(shaken(leaf, bundle, tmp_path)).until


@pytest.mark.parametrize(
    ("leaf", "said"),
    [
        pytest.param(Signer("leaf", OTHER, hosts=[HOST]), "unable to get local issuer", id="other"),
        pytest.param(Signer("leaf", CA, hosts=["a.svc"]), "Hostname mismatch", id="another name"),
        pytest.param(Signer(HOST, CA), "Hostname mismatch", id="named as its subject alone"),
        pytest.param(Signer("leaf", CA, hosts=[HOST], ends=-DAY / 2), "expired", id="expired"),
        pytest.param(Signer("leaf", CA, hosts=[HOST], begins=DAY), "not yet valid", id="to come"),
        pytest.param(Signer("leaf", CA, hosts=[HOST], client=True), "purpose", id="of a client"),
    ],
)
def test_a_certificate_is_not_trusted(leaf: Signer, said: str, tmp_path: Path) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match=said):
        shaken(leaf, CA.pem, tmp_path)


def test_a_certificate_without_a_subject_is_shown_by_its_dns_names() -> None:
    # cert-manager's have none
    nameless = Signer("", CA, hosts=[HOST, f"{HOST}.cluster.local"])
    named = Lifetime.of(x509.load_pem_x509_certificate(nameless.pem))
    assert named.subject == f"{HOST}, {HOST}.cluster.local"


@pytest.mark.parametrize(
    ("ahead", "level", "seen"),
    [
        pytest.param(0 * DAY, OK, "replica serves CN=leaf, signed by CN=ca, until", id="valid"),
        pytest.param(25 * DAY, WARNING, "replica: CN=leaf expires at", id="soon"),
        pytest.param(30 * DAY, ERROR, "CN=leaf has expired by the API server's clock", id="fast"),
        pytest.param(-2 * DAY, ERROR, "CN=leaf is not valid yet by the API", id="slow"),
    ],
)
def test_the_validity_of_a_certificate_is_checked_against_the_api_servers_clock(
    cluster: ControlPlane, ahead: dt.timedelta, level: Level, seen: str, tmp_path: Path
) -> None:
    asked = installation(cluster, configuration="zz-nowhere")
    served: Lifetime = lifetime(shaken(LEAF, None, tmp_path))
    answer = asked.version
    object.__setattr__(answer, "server_time", answer.our_time + ahead)
    one = _lasting(asked, "replica", served)
    shown([one], level, seen, "" if level is OK else HOST)
