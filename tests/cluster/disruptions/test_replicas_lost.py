"""Replicas are killed, frozen, drained or crowded while pods are created."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kubernetes import helm
from tests.kubernetes.api import Object
from tests.kubernetes.callers import callers, served_leaves
from tests.kubernetes.creations import Creations, creations, outcome
from tests.kubernetes.installed import CONFIGURATION, NAMESPACE
from tests.kubernetes.registration import GROUP, PLUGINS, settle, wait_until
from tests.kubernetes.release import Release
from webhook.server.descriptors import needed

RATE = 25.0
RATE_IN_A_CROWD = 10.0
"""More than usual, because the machine also runs the crowd."""
OURS = "the modelcache webhook did not inject the model"
"""The policy's message about a pod that the webhook missed."""
FROZEN_SECONDS = 30.0
FEW_FILES = 40
"""A replica that only the API server calls has about 20 files open."""
TIMEOUT_SECONDS = 5.0
"""timeoutSeconds of the registration."""


@pytest.fixture(scope="module", autouse=True)
def installed(release: Release) -> Iterator[None]:
    release.change("install", "")
    in_force(release)
    yield
    release.helm("uninstall", helm.RELEASE, "--wait")


def in_force(release: Release) -> None:
    """Wait until the policies deny, and the API server has taken that up."""
    release.installed.wait_until_strict()
    settle(release.cluster.plane, PLUGINS)


def failure_policy(release: Release) -> set[str]:
    kind = "MutatingWebhookConfiguration"
    obj = release.cluster.api.get(GROUP, kind, CONFIGURATION).expect().body
    return {hook["failurePolicy"] for hook in obj["webhooks"]}


def well(release: Release, found: Creations) -> None:
    """Wait until all replicas are ready and several pods in a row get their model."""
    wait_until(release.installed.available, "all replicas are available", 120)

    def steady() -> bool:
        before = found.outcomes.copy()
        time.sleep(2)
        return set(found.outcomes - before) == {"injected"}

    wait_until(steady, "every pod is injected", 60)


def while_one_is_killed(release: Release, pod: Object) -> Creations:
    """Return the results of creations from before a replica is killed until all is well again."""
    with creations(release.cluster.api, pod, RATE) as found:
        wait_until(lambda: found.injected > 10, "pods are injected")
        os.kill(release.processes(release.asked())["server"], signal.SIGKILL)
        well(release, found)
    return found


def test_no_pod_silently_lacks_its_model_after_a_replica_is_killed(
    release: Release, pod: Object
) -> None:
    # c28, c46, c48
    found = while_one_is_killed(release, pod)
    assert found.outcomes["not injected"] == 0
    assert all(OURS in text for text in found.refusals), found.refusals


def has_to_end(pid: int) -> bool:
    """Whether a SIGTERM is pending for a stopped process."""
    status = Path(f"/proc/{pid}/status").read_text()
    pending = [line.split()[1] for line in status.splitlines() if line.startswith("ShdPnd:")]
    return bool(int(pending[0], 16) & 1 << (signal.SIGTERM - 1))


def test_no_pod_silently_lacks_its_model_while_a_replica_is_frozen(
    release: Release, pod: Object
) -> None:
    # c45, P2 98
    with creations(release.cluster.api, pod, RATE) as found:
        frozen = release.processes(release.asked())["server"]
        os.kill(frozen, signal.SIGSTOP)
        try:
            time.sleep(FROZEN_SECONDS)
            # Otherwise it may become ready once more before it ends.
            wait_until(lambda: has_to_end(frozen), "the kubelet starts it again", 60)
        finally:
            if Path(f"/proc/{frozen}").exists():
                os.kill(frozen, signal.SIGCONT)
        well(release, found)
    assert found.outcomes["not injected"] == 0
    assert all(OURS in text for text in found.refusals), found.refusals
    assert found.injected > found.outcomes.total() / 2
    assert found.slowest < 2 * TIMEOUT_SECONDS + 2, "two rounds may wait for it"


def test_no_creation_fails_while_the_node_of_a_replica_is_drained(
    release: Release, pod: Object
) -> None:
    # P0 30
    with creations(release.cluster.api, pod, RATE) as found:
        node = release.asked()["spec"]["nodeName"]
        try:
            done = release.cluster.kubectl("drain", node, "--ignore-daemonsets", "--timeout=120s")
            assert done.returncode == 0, done.stderr
        finally:
            release.cluster.kubectl("uncordon", node)
        well(release, found)
    assert set(found.outcomes) == {"injected"}, f"{found.outcomes}\n{release.said()}"


def test_an_emptied_bundle_is_restored_before_a_creation_fails(
    release: Release, pod: Object
) -> None:
    # P0 29
    with creations(release.cluster.api, pod, RATE) as found:
        for _ in range(3):
            kind = "MutatingWebhookConfiguration"
            obj = release.cluster.api.get(GROUP, kind, CONFIGURATION).expect().body
            wanted = release.bundle()
            for hook in obj["webhooks"]:
                hook["clientConfig"]["caBundle"] = ""
            release.cluster.api.replace(obj).expect()
            wait_until(lambda before=wanted: release.bundle() == before, "repaired", 5)  # type: ignore[misc]
        well(release, found)
    assert found.outcomes["not injected"] == 0
    assert all(OURS in text for text in found.refusals), found.refusals


def test_no_creation_fails_while_idle_slow_and_useless_callers_crowd_the_webhook(
    release: Release, pod: Object, tmp_path: Path
) -> None:
    # P1 47, P1 48, c31
    before = release.installed.restarts()
    dropped = "modelcache_http_connections_dropped_total"
    crowd = {"idle": 500, "slow headers": 100, "slow bodies": 100, "flood": 5000}
    with creations(release.cluster.api, pod, RATE_IN_A_CROWD) as found:
        with callers(release, tmp_path, crowd=crowd) as met:
            wait_until(lambda: min(release.metric(dropped)) > 10, "the least useful make room", 60)
            seen = found.injected
            wait_until(lambda: found.injected >= seen + 50, "pods are injected", 60)
        well(release, found)
    assert set(found.outcomes) == {"injected"}, f"{found.outcomes}\n{release.said()}"
    assert met.answered["flood"] > 0, "some were ended"
    assert release.installed.restarts() == before


def files(pid: int) -> int:
    """Return how many descriptors a process has open."""
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())


def limit_files(pid: int, number: str) -> None:
    """Set how many descriptors a process may open, as its user; other users may not do that everywhere."""
    who = ["setpriv", "--reuid=65532", "--regid=65532", "--clear-groups"]
    subprocess.run([*who, "prlimit", f"--pid={pid}", f"--nofile={number}"], check=True)


def test_no_creation_fails_while_descriptors_are_used_up(
    release: Release, pod: Object, tmp_path: Path
) -> None:
    # P1 47
    failures = "modelcache_http_accept_failures_total"
    servers = [release.processes(replica)["server"] for replica in release.installed.replicas()]
    with creations(release.cluster.api, pod, RATE_IN_A_CROWD) as found:
        for pid in servers:
            wait_until(lambda pid=pid: files(pid) < FEW_FILES, "the crowd has gone", 60)  # type: ignore[misc]
            limit_files(pid, f"{files(pid) + 20}:")
        with callers(release, tmp_path, crowd={"idle": 200}):
            wait_until(lambda: all(release.metric(failures)), "nobody can be accepted", 60)
            seen = found.injected
            wait_until(lambda: found.injected >= seen + 50, "pods are injected", 60)
        for pid in servers:
            limit_files(pid, f"{needed()}:")
        well(release, found)
    assert set(found.outcomes) == {"injected"}, f"{found.outcomes}\n{release.said()}"


def test_under_fail_creations_that_a_killed_replica_delays_last_no_longer_than_the_timeout(
    release: Release, pod: Object
) -> None:
    # c28
    release.change("upgrade", "failurePolicy: Fail\n")

    wait_until(lambda: failure_policy(release) == {"Fail"}, "failurePolicy is Fail", 60)
    found = while_one_is_killed(release, pod)
    assert found.outcomes["not injected"] == 0
    assert all("failed calling webhook" in text for text in found.refusals), found.refusals
    assert found.slowest < 2 * TIMEOUT_SECONDS + 2


def test_with_all_replicas_down_plain_pods_are_created_and_replicas_return(
    release: Release, pod: Object
) -> None:
    # P0 23, P0 25
    release.change("upgrade", "")
    wait_until(lambda: failure_policy(release) == {"Ignore"}, "failurePolicy is Ignore", 60)
    in_force(release)
    api = release.cluster.api
    plain = {**pod, "metadata": {"generateName": "p-", "namespace": pod["metadata"]["namespace"]}}
    with creations(api, plain, RATE) as found:
        where = ("--namespace", NAMESPACE, "deployment/modelcache-webhook")
        assert release.cluster.kubectl("scale", "--replicas=0", *where).returncode == 0
        wait_until(lambda: not release.installed.replicas(), "no replica is left", 60)
        said = [""]

        def refused() -> bool:
            said[0] = outcome(api.create(pod, dry_run=True))
            return OURS in said[0]

        try:
            wait_until(refused, "refused with our text")
        except AssertionError as error:
            raise AssertionError(said[0]) from error
        # Replicas that are about to end still know the authority, and would keep it trusted.
        wait_until(lambda: not api.list("v1", "Pod", NAMESPACE), "all have ended", 60)
        path = f"/api/v1/namespaces/{NAMESPACE}/secrets/modelcache-webhook-ca"
        api.request("DELETE", path).expect()
        assert release.cluster.kubectl("scale", "--replicas=5", *where).returncode == 0
        wait_until(release.installed.available, "replicas are back", 120)
        wait_until(lambda: api.create(pod, dry_run=True).ok, "pods are injected again", 60)
    assert set(found.outcomes) == {"not injected"}


def test_five_replicas_started_at_once_without_a_secret_serve_leaves_of_one_authority(
    release: Release,
) -> None:
    # P1 59
    wait_until(lambda: len(release.bundle()) == 1, "one authority is trusted", 60)
    (authority,) = release.bundle()
    leaves = served_leaves(release, release.installed.replicas())
    assert len({leaf.serial_number for leaf in leaves}) == 5
    for leaf in leaves:
        leaf.verify_directly_issued_by(authority)
