"""A release changes while pods are created: certificates, replicas, versions, uninstallation.

The connections of reviews end with each answer, so that every creation meets the current
certificate. Each test begins with the release as the test before left it.
"""

import re
import time
from collections.abc import Callable

from tests.kubernetes import helm
from tests.kubernetes.api import Object
from tests.kubernetes.creations import Creations, creations
from tests.kubernetes.installed import NAME, NAMESPACE
from tests.kubernetes.registration import wait_until
from tests.kubernetes.release import Release

RATE = 25.0
LEAF = 15
"""Seconds; renewed every ten."""
VALUES = f"""
replicas: 3
timeoutSeconds: 20  # a machine that starts four clusters may stand still for five
certificates: {{leafLifetime: {LEAF}s, authorityLifetime: 1h, settle: 2s}}
shutdown: {{preStop: 3, delay: 3, drain: 5}}
connectionAge: 0s
"""


def nothing_failed(release: Release, found: Creations, least: int) -> None:
    """Assert that every pod got its model, and that there were enough of them."""
    why = f"{found.outcomes}, slowest {found.slowest:.1f} s\n{release.said()}"
    assert set(found.outcomes) == {"injected"}, why
    assert found.injected >= least


def test_the_first_pod_after_an_installation_gets_its_model(
    release: Release, pod: Object, record_property: Callable[[str, object], None]
) -> None:
    # P1 91, c47: this cluster has no DNS
    with creations(release.cluster.api, pod, 10) as found:
        began = time.monotonic()
        release.change("install", VALUES)
        record_property("installed after", round(time.monotonic() - began, 1))
        wait_until(lambda: found.injected > 0, "a pod is injected")
        release.installed.wait_until_strict()
        record_property("first pod after", round(found.first - began, 1))
        strict = time.monotonic()
        record_property("strict after", round(strict - began, 1))
        seen = found.injected
        wait_until(lambda: found.injected > seen + 20, "pods are injected")
    # Before that nothing was required of pods, so none was refused.
    when = [round(moment - strict, 1) for moment in found.refused]
    assert when == [], release.said()


def test_no_creation_fails_while_leaves_are_renewed_every_ten_seconds(
    release: Release, pod: Object
) -> None:
    # P0 27
    served = 'modelcache_certificate_reloads_total{result="ok"}'
    before = release.metric(re.escape(served))
    with creations(release.cluster.api, pod, RATE) as found:
        wait_until(lambda: sum(found.outcomes.values()) >= 1000, "1000 creations", 120)
    after = release.metric(re.escape(served))
    assert len(after) == 3
    assert all(b - a >= 3 for a, b in zip(before, after, strict=True)), (before, after)
    nothing_failed(release, found, 1000)


def test_no_creation_fails_while_the_authority_is_replaced(release: Release, pod: Object) -> None:
    # P0 28
    (first,) = release.bundle()
    seen = set()
    with creations(release.cluster.api, pod, RATE) as found:
        path = f"/api/v1/namespaces/{NAMESPACE}/secrets/modelcache-webhook-ca"
        release.cluster.api.request("DELETE", path).expect()

        def replaced() -> bool:
            bundle = release.bundle()
            seen.add(len(bundle))
            return first not in bundle

        wait_until(replaced, "the first authority is trusted no more", 90)
    assert seen == {1, 2}
    nothing_failed(release, found, 250)


def test_no_creation_fails_while_replicas_are_restarted_upgraded_and_rolled_back(
    release: Release, pod: Object
) -> None:
    # P0 30
    with creations(release.cluster.api, pod, RATE) as found:
        where = ("--namespace", NAMESPACE, f"deployment/{NAME}")
        for words in (("restart",), ("status", "--timeout=120s")):
            done = release.cluster.kubectl("rollout", *words, *where)
            assert done.returncode == 0, done.stderr
        release.change("upgrade", VALUES + "logFormat: text\n")
        release.helm("rollback", helm.RELEASE, "--wait")
    nothing_failed(release, found, 400)


def test_no_pod_is_refused_while_the_release_is_uninstalled(release: Release, pod: Object) -> None:
    # P1 90
    with creations(release.cluster.api, pod, RATE) as found:
        wait_until(lambda: found.injected > 100, "pods are injected")
        release.helm("uninstall", helm.RELEASE, "--wait")
        seen = found.outcomes["not injected"]
        wait_until(lambda: found.outcomes["not injected"] > seen + 50, "nobody injects")
    assert found.refusals == []


def test_no_pod_is_refused_where_nodes_route_late_to_an_installation(
    release: Release, pod: Object
) -> None:
    # P1 91: a connection that finds no route is tried again after 1, 3, 7, 15 s
    with creations(release.cluster.api, pod, 10) as found:
        with release.cluster.without_kube_proxy():
            release.change("install", VALUES)
            assert found.outcomes["injected"] == 0
            time.sleep(10)
        release.installed.wait_until_strict()
        seen = found.injected
        wait_until(lambda: found.injected > seen + 20, "pods are injected")
    release.helm("uninstall", helm.RELEASE, "--wait")
    assert found.refused == [], release.said()
    assert found.slowest > 7
