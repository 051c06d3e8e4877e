"""A release whose certificates cert-manager issues, while pods are created.

The connections of reviews end with each answer, so that every creation meets the current
certificate. Each test begins with the release as the test before left it.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography import x509

from tests.docs import manual
from tests.kubernetes import certmanager, helm
from tests.kubernetes.api import Object, url
from tests.kubernetes.callers import served_leaves
from tests.kubernetes.certmanager import INJECTOR, REPLACING, CertManager, secret
from tests.kubernetes.creations import Creations, creations
from tests.kubernetes.installed import CONFIGURATION, NAME, NAMESPACE
from tests.kubernetes.registration import GROUP, wait_until
from tests.kubernetes.release import Release

RATE = 20.0
VALUES = """
shutdown: {preStop: 3, delay: 3, drain: 5}
connectionAge: 0s
"""
LEAF, AUTHORITY = "modelcache-webhook", "modelcache-authority"
"""Certificates of the chart; the authority's Secret has its name."""
LEAF_SECRET = "modelcache-webhook-tls"
Record = Callable[[str, object], None]


@pytest.fixture(scope="module", autouse=True)
def issuer(release: Release) -> Iterator[CertManager]:
    with certmanager.issuing(release.cluster) as found:
        yield found


def line(start: str) -> list[str]:
    """Return the words of the line of the documents with that beginning."""
    return manual.line(start).split()


def issued(release: Release, name: str) -> x509.Certificate:
    """Return the certificate in a Secret."""
    return x509.load_pem_x509_certificate(secret(release.cluster, name, NAMESPACE)["tls.crt"])


def mounted(release: Release, replica: Object) -> Path:
    """Return the path of a replica's copy of the Secret."""
    return Path(f"/proc/{release.processes(replica)['server']}/root", "tls")


def wait_until_served(release: Release, record: Record) -> None:
    """Return once all replicas serve the certificate of the Secret; record how long each part took."""
    wanted = issued(release, LEAF_SECRET)
    replicas = release.installed.replicas()
    files = [mounted(release, replica) / "tls.crt" for replica in replicas]
    parts: dict[str, Callable[[], bool]] = {
        "brought after": lambda: all(
            x509.load_pem_x509_certificate(file.read_bytes()) == wanted for file in files
        ),
        "served after": lambda: served_leaves(release, replicas) == [wanted] * len(replicas),
    }
    for part, holds in parts.items():
        began = time.monotonic()
        while not holds():
            assert time.monotonic() < began + 60, f"not {part} 60 s"
            time.sleep(0.1)
        record(part, round(time.monotonic() - began, 1))


def go_on(found: Creations) -> None:
    """Return after some more pods were created."""
    seen = found.injected
    wait_until(lambda: found.injected > seen + 20, "pods are injected")


def replace(release: Release, name: str) -> None:
    """Delete a Secret as docs/certificates.md says; return when there is another."""
    _, *words = line(f"kubectl delete secret {name} ")
    done = release.cluster.kubectl(*words)
    assert done.returncode == 0, done.stderr
    wait_until(lambda: bool(secret(release.cluster, name, NAMESPACE)), f"another {name}", 60)


# P1 65, P1 91
def test_nothing_is_refused_before_cert_manager_has_written_the_bundle_which_nobody_else_writes(
    release: Release, pod: Object, issuer: CertManager, record_property: Record
) -> None:
    *_, flag, mode = line(r"helm install modelcache .*certManager")
    with creations(release.cluster.api, pod, RATE / 2) as found:
        began = time.monotonic()
        release.change("install", VALUES, flag, mode)
        record_property("installed after", round(time.monotonic() - began, 1))
        wait_until(lambda: "caBundle" in release.installed.concerns(), "a replica misses it", 60)
        seen = found.outcomes.total()
        wait_until(lambda: found.outcomes.total() > seen + 20, "pods are created")
        assert set(found.outcomes) == {"not injected"}
        began = time.monotonic()
        issuer.write_bundles()
        wait_until(lambda: found.injected > 0, "a pod is injected", 60)
        record_property("injected after", round(time.monotonic() - began, 1))
        release.installed.wait_until_strict()
        go_on(found)
    assert found.refusals == []
    assert release.bundle() == [issued(release, AUTHORITY)]
    kind = "MutatingWebhookConfiguration"
    obj = release.cluster.api.get(GROUP, kind, CONFIGURATION).expect().body
    wrote = {one["manager"] for one in obj["metadata"]["managedFields"] if "caBundle" in str(one)}
    assert wrote == {INJECTOR}


# P1 65
def test_the_webhook_may_neither_read_a_secret_nor_write_the_bundle(release: Release) -> None:
    account = f"system:serviceaccount:{NAMESPACE}:{NAME}"
    api = release.cluster.api
    secrets = url("v1", "Secret", NAMESPACE)
    configuration = url(GROUP, "MutatingWebhookConfiguration", name=CONFIGURATION)
    assert api.request("GET", configuration, user=account).ok
    for method, path in (
        ("GET", secrets),
        ("GET", f"{secrets}/{LEAF_SECRET}"),
        ("GET", f"{secrets}/{AUTHORITY}"),
        ("POST", secrets),
        ("PATCH", configuration),
        ("PUT", configuration),
    ):
        answer = api.request(
            method,
            path,
            {},
            dry_run=method != "GET",
            user=account,
            media_type="application/merge-patch+json" if method == "PATCH" else "application/json",
        )
        assert answer.code == 403, (method, path, answer.message)


# P1 65, c38
def test_a_renewed_leaf_is_served_without_a_restart_and_no_creation_fails(
    release: Release, pod: Object, record_property: Record
) -> None:
    replicas = release.installed.replicas()
    before = issued(release, LEAF_SECRET)
    links = [(mounted(release, replica) / "..data").readlink() for replica in replicas]
    with creations(release.cluster.api, pod, RATE) as found:
        replace(release, LEAF_SECRET)
        wait_until_served(release, record_property)
        go_on(found)
    assert issued(release, LEAF_SECRET) != before
    swapped = [(mounted(release, replica) / "..data").readlink() for replica in replicas]
    assert all(one != other for one, other in zip(links, swapped, strict=True))
    after = release.installed.replicas()
    assert [one["metadata"]["uid"] for one in after] == [one["metadata"]["uid"] for one in replicas]
    assert set(release.installed.restarts()) == {0}
    assert set(found.outcomes) == {"injected"}, found.outcomes


# P1 65
def test_no_creation_fails_while_an_authority_is_replaced_because_bundles_grow(
    release: Release, pod: Object, record_property: Record
) -> None:
    before = issued(release, AUTHORITY)
    with creations(release.cluster.api, pod, RATE) as found:
        replace(release, AUTHORITY)
        replace(release, LEAF_SECRET)
        wait_until_served(release, record_property)
        go_on(found)
    after = issued(release, AUTHORITY)
    assert after.public_key() != before.public_key()
    assert set(found.outcomes) == {"injected"}, found.outcomes
    assert release.bundle() == [before, after]


# P1 65
def test_no_creation_fails_while_an_authority_is_renewed_even_if_bundles_are_replaced(
    release: Release, pod: Object, issuer: CertManager, record_property: Record
) -> None:
    issuer.write_bundles(REPLACING)
    before = issued(release, AUTHORITY)
    with creations(release.cluster.api, pod, RATE) as found:
        issuer.issue(AUTHORITY, NAMESPACE)
        issuer.issue(LEAF, NAMESPACE)
        renewed = issued(release, AUTHORITY)
        wait_until(lambda: release.bundle() == [renewed], "the new one alone is trusted", 60)
        wait_until_served(release, record_property)
        go_on(found)
    assert renewed != before
    assert set(found.outcomes) == {"injected"}, found.outcomes


# P1 90
def test_no_pod_is_refused_while_the_release_is_uninstalled(release: Release, pod: Object) -> None:
    with creations(release.cluster.api, pod, RATE) as found:
        wait_until(lambda: found.injected > 50, "pods are injected")
        release.helm("uninstall", helm.RELEASE, "--wait")
        seen = found.outcomes["not injected"]
        wait_until(lambda: found.outcomes["not injected"] > seen + 50, "nobody injects")
    assert found.refusals == []
    for name in (LEAF_SECRET, AUTHORITY):  # cert-manager leaves them
        where = url("v1", "Secret", NAMESPACE, name)
        release.cluster.api.request("DELETE", where).expect()
