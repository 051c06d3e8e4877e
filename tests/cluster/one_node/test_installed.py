"""The webhook as users install it: deploy/ applied, two replicas of the image, one Service."""

import contextlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.api_servers.doctor.asking import (
    WARNING,
    found,
    idle_configuration,
    physician,
    shown,
)
from tests.cluster.api_servers.doctor.certificates import DAY, lasting
from tests.cluster.api_servers.doctor.command import assert_golden, doctor
from tests.kubernetes.cluster import Cluster
from tests.kubernetes.creations import asking, creations
from tests.kubernetes.installed import CONFIGURATION, NAME, NAMESPACE, Installed, installed
from tests.kubernetes.registration import GROUP, NamespaceFactory, configured, settle, wait_until
from webhook import __version__
from webhook.doctor import replicas

USER = 65532


@pytest.fixture(scope="module")
def webhook(node_cluster: Cluster) -> Iterator[Installed]:
    with installed(node_cluster) as webhook:
        yield webhook


def decided(webhook: Installed) -> float:
    """Return how many reviews the replicas have answered."""
    counted = r"^modelcache_admission_requests_total\{.*\} (\S+)$"
    texts = [webhook.metrics(replica) for replica in webhook.replicas()]
    return sum(float(n) for text in texts for n in re.findall(counted, text, re.MULTILINE))


def test_a_pod_gets_its_model_from_a_replica_behind_the_service(
    webhook: Installed, namespace: NamespaceFactory
) -> None:
    where = namespace(on=webhook.cluster.plane)
    before = decided(webhook)
    answer = webhook.cluster.api.create(asking(where), dry_run=True).expect(201)
    claims = [v.get("persistentVolumeClaim") for v in answer.body["spec"]["volumes"]]
    assert {"claimName": "models", "readOnly": True} in claims
    assert decided(webhook) > before


# c53
def test_replicas_run_as_nobody_with_a_read_only_root_and_no_key_on_disk(
    webhook: Installed,
) -> None:
    replicas = webhook.replicas()
    assert len(replicas) == 2
    for replica in replicas:
        node = webhook.cluster.node_of(replica)
        mounts = node.mounts(replica, "webhook")
        assert mounts["/"][3].split(",")[0] == "ro"
        assert [volume for volume in replica["spec"]["volumes"] if "projected" not in volume] == []
        assert mounts["/run/secrets/kubernetes.io/serviceaccount"][3].split(",")[0] == "ro"
        server, controller = node.container_cgroup(replica, "webhook").processes()
        for pid in (server, controller):
            text = Path(f"/proc/{pid}/status").read_text()
            status = dict(re.findall(r"^(\w+):\t(.*)$", text, re.MULTILINE))
            assert status["Uid"].split() == [str(USER)] * 4
            rights = int(status["CapBnd"], 16), status["NoNewPrivs"], status["Seccomp"]
            assert rights == (0, "1", "2")


def test_replicas_stay_below_the_memory_they_request(webhook: Installed) -> None:
    for replica in webhook.replicas():
        (container,) = replica["spec"]["containers"]
        assert container["resources"]["requests"]["memory"] == "128Mi"
        peak = webhook.cluster.node_of(replica).pod_cgroup(replica).peak()
        assert 16 * 2**20 < peak < 128 * 2**20


def test_the_doctor_finds_it_healthy(webhook: Installed, update: bool) -> None:
    assert_golden("healthy", doctor(physician(webhook.cluster.plane)), update)


def test_the_doctor_finds_replicas_that_the_bundle_does_not_trust(webhook: Installed) -> None:
    plane = webhook.cluster.plane
    strange = idle_configuration("zz-strange", lasting(-DAY, 29 * DAY))
    with configured(plane, [strange]):
        ran = doctor(plane.kubeconfig, "-o", "json", "--configuration", "zz-strange")
    found = [one for one in json.loads(ran.out) if one["check"] == "certificate"]
    assert (ran.status, len(found)) == (1, 2)
    for one in found:
        assert one["level"] == "error"
        assert ", which inject.modelcache.io and workloads.modelcache.io would" in one["seen"]
        assert "not trust: unable to get local issuer certificate" in one["seen"]
        assert "kubectl rollout restart -n modelcache-system deployment/modelcache" in one["fix"]


def test_the_doctor_finds_replicas_of_another_version(
    webhook: Installed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replicas, "__version__", "9.9.9")
    (one,) = found(webhook.cluster.plane, "replicas")
    seen = f"replicas run {__version__}, and this command is 9.9.9"
    shown([one], WARNING, seen, "use the command of the replicas' version")


def test_every_pod_gets_its_model_while_a_replica_is_replaced(
    webhook: Installed, namespace: NamespaceFactory
) -> None:
    where = namespace(on=webhook.cluster.plane)
    api = webhook.cluster.api
    leaving, _ = webhook.replicas()
    with creations(api, asking(where), 50) as found:
        path = f"/api/v1/namespaces/modelcache-system/pods/{leaving['metadata']['name']}"
        api.request("DELETE", path).expect()  # with the time that it asks for
        wait_until(lambda: api.request("GET", path).code == 404, "the replica has gone", 60)
        wait_until(webhook.available, "another has taken its place", 60)
    assert found.refusals == []
    assert found.outcomes.total() > 50


@contextlib.contextmanager
def failing(webhook: Installed) -> Iterator[None]:
    """Put failurePolicy Fail in force, as other tools may."""
    _fail_as(webhook, "Fail")
    try:
        yield
    finally:
        _fail_as(webhook, "Ignore")


def _fail_as(webhook: Installed, policy: str) -> None:
    api = webhook.cluster.api
    registered = api.get(GROUP, "MutatingWebhookConfiguration", CONFIGURATION).expect(200).body
    for hook in registered["webhooks"]:
        hook["failurePolicy"] = policy
    api.replace(registered).expect(200)
    settle(webhook.cluster.plane, ["MutatingWebhookConfiguration"])


def scale(webhook: Installed, replicas: int) -> None:
    """Scale the Deployment, as an administrator does."""
    words = ("scale", f"--replicas={replicas}", "--namespace", NAMESPACE, f"deployment/{NAME}")
    done = webhook.cluster.kubectl(*words)
    assert done.returncode == 0, done.stderr


# P0 25
def test_with_every_replica_down_our_own_pods_are_created_again(
    webhook: Installed, namespace: NamespaceFactory
) -> None:
    where = namespace(on=webhook.cluster.plane)
    api = webhook.cluster.api
    with failing(webhook):
        scale(webhook, 0)
        for replica in api.list("v1", "Pod", NAMESPACE):  # without the time that it asks for
            api.delete({"apiVersion": "v1", "kind": "Pod", **replica}).expect(200, 404)

        def unanswered() -> bool:
            answer = api.create(asking(where), dry_run=True)
            return "failed calling webhook" in answer.message

        wait_until(unanswered, "no replica answers", 30)
        # Pods in the webhook's namespace are not sent to it, even if they request a model.
        template = webhook.deployment()["spec"]["template"]
        metadata = asking(NAMESPACE)["metadata"]
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}
        assert api.create(pod, dry_run=True).expect(201)
        scale(webhook, 2)
        wait_until(webhook.available, "both replicas are available again", 60)
        wait_until(lambda: api.create(asking(where), dry_run=True).ok, "they are reached", 60)
