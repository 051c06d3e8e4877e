"""Policies and webhook in one cluster: the policies come first, and the webhook does the rest."""

from collections.abc import Iterator

import pytest
import yaml

from tests.admission.admitting import Json, pod_of
from tests.cluster.without_server.compared import Comparison
from tests.cluster.without_server.conftest import PLATFORM
from tests.cluster.without_server.test_refusals import ASKED, workload
from tests.kubernetes.api import Object
from tests.kubernetes.control_plane import ControlPlane
from tests.kubernetes.server import Webhook, WebhookFactory, serve


@pytest.fixture(scope="module")
def webhook(
    comparison: Comparison, cluster: ControlPlane, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Webhook]:
    """The product, which knows the same models."""
    documents = yaml.safe_load_all(PLATFORM.read_text())
    file = tmp_path_factory.mktemp("policy") / "models.yaml"
    file.write_text(yaml.safe_dump_all([d for d in documents if d["kind"] == "CachedModel"]))
    server = serve(cluster, f"--policy={file}")
    yield server
    server.stop()


def skipped(webhook: Webhook) -> float:
    """Return how many pods the webhook found injected already."""
    found = [
        float(line.rpartition(" ")[2])
        for line in webhook.metrics().splitlines()
        if line.startswith("modelcache_admission_requests_total{") and "already_injected" in line
    ]
    return sum(found)


@pytest.mark.parametrize(
    "pod",
    [
        pod_of(limit="8Gi"),
        pod_of({"model": "on-nodes"}),
        pod_of({"model": "packed", "shm_size": "0"}),
        pod_of({"model": "chat", "directory": "chat", "mount_path": "/w"}),
    ],
    ids=["pvc", "hostPath", "image", "by hand"],
)
def test_the_webhook_adds_nothing_to_what_the_policies_did(
    comparison: Comparison, webhook: Webhook, pod: Json
) -> None:
    before = skipped(webhook)
    found = comparison.judged(pod)
    assert found.by_policies == found.by_webhook
    assert skipped(webhook) == before + 1


def test_the_webhook_does_what_the_policies_can_not(
    comparison: Comparison, webhook: Webhook
) -> None:
    for pod in (
        pod_of(container={"args": ["--model", "acme/coder"]}),
        pod_of({"strategy": "emptyDir", "size": "1Gi"}),
        pod_of({"verify": "true"}),
    ):
        found = comparison.judged(pod)
        assert found.by_policies == found.by_webhook


def test_while_the_webhook_is_down_the_policies_do_what_they_can(
    comparison: Comparison, webhook: Webhook, webhook_on: WebhookFactory
) -> None:
    webhook_on(comparison.cluster).process.kill()
    assert comparison.answer(pod_of()).ok
    refused = comparison.answer(pod_of(container={"args": ["--model", "acme/coder"]}))
    assert "ValidatingAdmissionPolicy 'modelcache-" in refused.message


def test_the_webhook_copies_annotations_into_templates_and_the_policies_agree(
    comparison: Comparison, webhook: Webhook, cluster: ControlPlane
) -> None:
    obj: Object = workload("Deployment", comparison.place({}).seen, ASKED, {})
    answer = cluster.api.create(obj, dry_run=True).expect(201)
    template = answer.body["spec"]["template"]["metadata"]["annotations"]
    assert ASKED.items() <= template.items()
