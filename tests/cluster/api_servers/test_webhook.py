"""The webhook behind a real API server, registered with the files that users apply."""

import pytest

from tests.kubernetes.api import Object
from tests.kubernetes.control_plane import ControlPlane
from tests.kubernetes.server import Webhook, WebhookFactory, standing_aside


def pod(**annotations: str) -> Object:
    asked = {f"modelcache.io/{key.replace('_', '-')}": value for key, value in annotations.items()}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"generateName": "p-", "annotations": asked},
        "spec": {"containers": [{"name": "c", "image": "vllm/vllm-openai:v0.11.0"}]},
    }


ASKING = pod(model="example-org/llama", strategy="pvc", claim="models")


def test_a_pod_that_requests_a_model_gets_it(cluster: ControlPlane, webhook: Webhook) -> None:
    answer = webhook.plane.api.create(ASKING, dry_run=True).expect(201)
    (volume,) = [
        v for v in answer.body["spec"]["volumes"] if v["name"].startswith("modelcache-model")
    ]
    assert volume["persistentVolumeClaim"] == {"claimName": "models", "readOnly": True}
    mounts = answer.body["spec"]["containers"][0]["volumeMounts"]
    assert [m["readOnly"] for m in mounts if m["name"] == volume["name"]] == [True]


def test_a_misspelt_annotation_reaches_the_webhook(webhook: Webhook) -> None:
    answer = webhook.plane.api.create(pod(modle="example-org/llama"), dry_run=True).expect(201)
    assert any("modelcache.io/model" in warning for warning in answer.warnings), answer


def test_a_mistake_is_a_refusal_with_its_code(webhook: Webhook) -> None:
    wrong = pod(model="example-org/llama", strategy="telepathy")
    answer = webhook.plane.api.create(wrong, dry_run=True).expect(422)
    assert 'admission webhook "inject.modelcache.io" denied the request' in answer.message
    assert "MC0" in answer.message


@pytest.mark.parametrize(
    ("group", "kind"),
    [("apps/v1", "Deployment"), ("apps/v1", "StatefulSet"), ("apps/v1", "DaemonSet"),
     ("apps/v1", "ReplicaSet"), ("batch/v1", "Job"), ("batch/v1", "CronJob")],
)  # fmt: skip
def test_annotations_of_a_workload_reach_its_pods(webhook: Webhook, group: str, kind: str) -> None:
    template: Object = {"metadata": {"labels": {"a": "b"}}, "spec": dict(ASKING["spec"])}
    if group == "batch/v1":
        template["spec"]["restartPolicy"] = "Never"
    spec: Object = {"template": template}
    if group == "apps/v1":
        spec["selector"] = {"matchLabels": {"a": "b"}}
    if kind == "StatefulSet":
        spec["serviceName"] = "s"
    if kind == "CronJob":
        spec = {"schedule": "@daily", "jobTemplate": {"spec": spec}}
    annotations = ASKING["metadata"]["annotations"]
    metadata = {"name": "w", "annotations": annotations}
    workload = {"apiVersion": group, "kind": kind, "metadata": metadata, "spec": spec}
    body = webhook.plane.api.create(workload, dry_run=True).expect(201).body
    spec = body["spec"]["jobTemplate"]["spec"] if kind == "CronJob" else body["spec"]
    assert annotations.items() <= spec["template"]["metadata"]["annotations"].items()


def test_workloads_without_our_annotations_do_not_reach_the_webhook(webhook: Webhook) -> None:
    before = served(webhook)
    spec: Object = {
        "selector": {"matchLabels": {"a": "b"}},
        "template": {"metadata": {"labels": {"a": "b"}}, "spec": ASKING["spec"]},
    }
    plain = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "w"}}
    webhook.plane.api.create({**plain, "spec": spec}, dry_run=True).expect(201)
    owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "w", "uid": "1"}
    metadata = {
        "name": "w",
        "annotations": ASKING["metadata"]["annotations"],
        "ownerReferences": [{**owner, "controller": True}],
    }
    owned = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": metadata, "spec": spec}
    body = webhook.plane.api.create(owned, dry_run=True).expect(201).body
    assert "annotations" not in body["spec"]["template"]["metadata"]
    assert served(webhook) == before
    metadata["ownerReferences"] = [owner]
    webhook.plane.api.create(owned, dry_run=True).expect(201)
    assert served(webhook) == before + 1


def served(webhook: Webhook) -> float:
    """Return how many reviews the server has answered."""
    lines = webhook.metrics().splitlines()
    counts = [line for line in lines if line.startswith("modelcache_admission_requests_total{")]
    return sum(float(line.rpartition(" ")[2]) for line in counts)


def test_while_the_webhook_is_down_the_policy_refuses_pods_that_request_a_model(
    cluster: ControlPlane, webhook_on: WebhookFactory
) -> None:
    server = webhook_on(cluster)
    cluster.api.create(ASKING, dry_run=True).expect(201)
    server.process.kill()
    refused = cluster.api.create(ASKING, dry_run=True).expect(422)
    assert "the modelcache webhook did not inject the model" in refused.message
    plain = pod()
    assert cluster.api.create(plain, dry_run=True).code == 201


def test_the_latest_server_is_registered_and_its_predecessor_after_it(
    webhook: Webhook, webhook_on: WebhookFactory
) -> None:
    later = webhook_on(webhook.plane)
    before = served(webhook)
    webhook.plane.api.create(ASKING, dry_run=True).expect(201)
    assert served(webhook) == before
    later.stop()
    webhook.plane.api.create(ASKING, dry_run=True).expect(201)
    assert served(webhook) > before


def test_on_an_old_server_the_image_strategy_is_refused_in_time(
    old_cluster: ControlPlane, webhook_on: WebhookFactory
) -> None:
    webhook_on(old_cluster, "1.34")
    image = pod(
        model="example-org/llama", strategy="image", image="r.example.com/m@sha256:" + "0" * 64
    )
    answer = old_cluster.api.create(image, dry_run=True).expect(422, 403)
    assert 'admission webhook "inject.modelcache.io" denied the request' in answer.message
    old_cluster.api.create(ASKING, dry_run=True).expect(201)


def test_the_policy_refuses_image_volumes_that_an_old_server_would_drop(
    old_cluster: ControlPlane, webhook_on: WebhookFactory
) -> None:
    webhook_on(old_cluster, "1.37")
    image = pod(
        model="example-org/llama", strategy="image", image="r.example.com/m@sha256:" + "0" * 64
    )
    answer = old_cluster.api.create(image, dry_run=True).expect(422)
    assert "this API server drops image volumes" in answer.message


def test_the_webhook_stands_aside_only_within_the_block(webhook: Webhook) -> None:
    with standing_aside(webhook.plane):
        body = webhook.plane.api.create(ASKING, dry_run=True).expect(201).body
        assert not [v for v in body["spec"]["volumes"] if v["name"].startswith("modelcache")]
    body = webhook.plane.api.create(ASKING, dry_run=True).expect(201).body
    assert [v for v in body["spec"]["volumes"] if v["name"].startswith("modelcache")]
