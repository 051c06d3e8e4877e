"""The registration: its entries, and the certificates in their bundles."""

import datetime as dt
from collections.abc import Iterator

import pytest
from cryptography import x509

from tests.cluster.api_servers.doctor.asking import (
    ERROR,
    OK,
    WARNING,
    found,
    idle_configuration,
    shown,
)
from tests.cluster.api_servers.doctor.certificates import lasting
from tests.kubernetes.api import Object
from tests.kubernetes.control_plane import ControlPlane
from webhook.doctor.finding import Level

NAME = "zz-doctor"
DAY = dt.timedelta(days=1)
VALID = lasting(-DAY, 29 * DAY)
EXPIRED = lasting(-30 * DAY, -DAY)
BROKEN = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
APPLY = "kubectl apply -k deploy"
TRUST = "put the CA that signed the served certificate there"


@pytest.fixture
def registered(cluster: ControlPlane) -> Iterator[Object]:
    obj = idle_configuration(NAME, VALID)
    cluster.api.apply(obj).expect()
    yield obj
    cluster.api.delete(obj).expect(200, 404)


def test_a_valid_bundle_is_shown_with_its_expiry(cluster: ControlPlane, registered: Object) -> None:
    findings = found(cluster, "registration", configuration=NAME)
    assert [one.level for one in findings] == [OK, OK]
    until = x509.load_pem_x509_certificate(VALID).not_valid_after_utc
    shown(findings, OK, f"caBundle of inject.modelcache.io: CN=doctor until {until:%Y-%m-%d}")
    shown(findings, OK, "caBundle of workloads.modelcache.io")


def test_a_configuration_that_does_not_exist_is_to_be_applied(cluster: ControlPlane) -> None:
    (one,) = found(cluster, "registration", configuration="zz-nowhere")
    shown([one], ERROR, "zz-nowhere does not exist: nothing is injected", APPLY)


def test_an_entry_that_is_missing_is_named(cluster: ControlPlane, registered: Object) -> None:
    del registered["webhooks"][1]
    cluster.api.apply(registered).expect()
    findings = found(cluster, "registration", configuration=NAME)
    shown(findings, ERROR, f"{NAME} has no webhook workloads.modelcache.io", APPLY)
    shown(findings, OK, "caBundle of inject.modelcache.io")


@pytest.mark.parametrize(
    ("bundle", "level", "seen"),
    [
        pytest.param(b"", ERROR, "is empty: the API server does not trust the webhook", id="empty"),
        pytest.param(b"garbage", ERROR, "has no readable certificate", id="garbage"),
        pytest.param(
            BROKEN, ERROR, "has no readable certificate", id="garbage in armour"
        ),
        pytest.param(EXPIRED, ERROR, "CN=doctor expired at 20", id="expired"),
        pytest.param(lasting(DAY, 9 * DAY), ERROR, "CN=doctor is not valid yet", id="to come"),
        pytest.param(lasting(-50 * DAY, 9 * DAY), WARNING, "CN=doctor expires at 20", id="soon"),
        pytest.param(BROKEN + VALID, OK, "CN=doctor until", id="next to garbage in armour"),
        pytest.param(EXPIRED + VALID, OK, ", and 1 more", id="next to an expired one"),
    ],
)  # fmt: skip
def test_findings_about_a_bundle_follow_from_its_certificates(
    cluster: ControlPlane, registered: Object, bundle: bytes, level: Level, seen: str
) -> None:
    cluster.api.apply(idle_configuration(NAME, bundle)).expect()
    findings = found(cluster, "registration", configuration=NAME)
    assert [one.level for one in findings] == [level, level]
    for one in findings:
        shown([one], level, seen, "" if level is OK else TRUST)
