"""Workloads: annotations reach the template, and nothing else does."""

from typing import Any

import pytest

from tests.admission.admitting import PREFIX, Answer, Json, Webhook
from webhook.admission.strategies import STRATEGIES

PATHS = {
    "Deployment": ("spec", "template"),
    "StatefulSet": ("spec", "template"),
    "DaemonSet": ("spec", "template"),
    "ReplicaSet": ("spec", "template"),
    "Job": ("spec", "template"),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
}
OWN = {"model": "acme/coder", "strategy": "pvc"}
ABSENT: Any = object()


def prefixed(annotations: Json) -> Json:
    return {PREFIX + key: value for key, value in annotations.items()}


def workload(kind: str, own: Any = ABSENT, metadata: Any = ABSENT, **fields: Any) -> Json:
    """Return a workload with annotations *own* and a template with *metadata*."""
    template: Json = {"spec": {"containers": [{"name": "vllm", "image": "vllm/vllm-openai"}]}}
    if metadata is not ABSENT:
        template["metadata"] = metadata
    document: Json = template
    for key in reversed(PATHS[kind]):
        document = {key: document}
    own_metadata: Json = {"name": "vllm", **fields}
    if own is not ABSENT:
        own_metadata["annotations"] = None if own is None else prefixed(own)
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": own_metadata, **document}


def template_annotations(answer: Answer, kind: str = "Deployment") -> Any:
    found = answer.admitted
    for key in PATHS[kind]:
        found = found[key]
    return (found.get("metadata") or {}).get("annotations")


@pytest.mark.parametrize("kind", PATHS)
def test_t74_annotations_reach_the_template_and_are_remembered(kind: str, webhook: Webhook) -> None:
    answer = webhook.admit(workload(kind, OWN))
    assert template_annotations(answer, kind) == prefixed(OWN)
    assert answer.annotations[PREFIX + "copied-keys"] == "model,strategy"
    assert answer.warnings == [
        "MC108 metadata: copied modelcache.io/model, modelcache.io/strategy into the pod template"
    ]


@pytest.mark.parametrize(
    "metadata",
    [ABSENT, None, {}, {"annotations": None}, {"annotations": {}}, {"annotations": {"a/b~c": "x"}},
     {"labels": {"app": "vllm"}}],
)  # fmt: skip
def test_t74_template_keeps_what_it_has(metadata: Any, webhook: Webhook) -> None:
    answer = webhook.admit(workload("Deployment", OWN, metadata))
    kept = ((None if metadata is ABSENT else metadata) or {}).get("annotations") or {}
    assert template_annotations(answer) == {**kept, **prefixed(OWN)}
    assert "containers" in answer.spec["template"]["spec"]


def test_t75_another_value_in_the_template_wins(webhook: Webhook) -> None:
    there = {"annotations": prefixed({"model": "acme/other"})}
    answer = webhook.admit(workload("Deployment", OWN, there))
    assert template_annotations(answer) == prefixed({"model": "acme/other", "strategy": "pvc"})
    assert answer.annotations[PREFIX + "copied-keys"] == "strategy"
    assert answer.codes == ["MC108", "MC109"]


def test_the_same_value_in_the_template_is_no_copy(webhook: Webhook) -> None:
    answer = webhook.admit(workload("Deployment", OWN, {"annotations": prefixed(OWN)}))
    assert (answer.operations, answer.warnings) == ([], [])


def test_a_changed_or_removed_annotation_is_copied_to_the_template(webhook: Webhook) -> None:
    own = {"model": "acme/other", "copied-keys": "model,strategy"}
    answer = webhook.admit(
        workload("Deployment", own, {"annotations": prefixed(OWN)}), operation="UPDATE"
    )
    assert template_annotations(answer) == prefixed({"model": "acme/other"})
    assert answer.annotations[PREFIX + "copied-keys"] == "model"
    assert answer.codes == ["MC108", "MC113"]


def test_a_removal_of_everything_removes_the_list(webhook: Webhook) -> None:
    own = {"copied-keys": "model,strategy"}
    answer = webhook.admit(workload("Deployment", own, {"annotations": prefixed(OWN)}))
    assert template_annotations(answer) == {}
    assert answer.annotations == {}


def test_a_listed_key_that_the_author_took_out_is_forgotten(webhook: Webhook) -> None:
    answer = webhook.admit(workload("Deployment", {"copied-keys": "model"}, {"annotations": {}}))
    assert answer.annotations == {}
    assert template_annotations(answer) == {}


@pytest.mark.parametrize("own", [ABSENT, None, {}])
def test_a_workload_without_annotations_is_left(own: Any, webhook: Webhook) -> None:
    answer = webhook.admit(workload("Deployment", own))
    assert (answer.operations, answer.warnings, answer.reason) == ([], [], "nothing_to_copy")


def test_our_own_records_are_never_copied_to_the_template(webhook: Webhook) -> None:
    own = {**OWN, "injected": "{}", "copied-keys": "injected,copied-keys"}
    answer = webhook.admit(workload("Deployment", own))
    assert template_annotations(answer) == prefixed(OWN)


def test_other_peoples_keys_are_never_touched_by_a_forged_list(webhook: Webhook) -> None:
    own = {"copied-keys": "prometheus.io/scrape,../x,a~b"}
    there = {"annotations": {"prometheus.io/scrape": "true"}}
    answer = webhook.admit(workload("Deployment", own, there))
    assert template_annotations(answer) == {"prometheus.io/scrape": "true"}


@pytest.mark.parametrize(("controller", "copied"), [(True, False), (False, True), (None, True)])
def test_replicaset_of_a_deployment_is_untouched(
    controller: bool | None, copied: bool, webhook: Webhook
) -> None:
    owners = [{"kind": "Deployment", "name": "vllm", "controller": controller}]
    answer = webhook.admit(workload("ReplicaSet", OWN, ownerReferences=owners))
    assert bool(answer.operations) is copied


@pytest.mark.parametrize(("operation", "copied"), [("CREATE", True), ("UPDATE", False)])
def test_t77_template_of_a_job_is_immutable(operation: str, copied: bool, webhook: Webhook) -> None:
    answer = webhook.admit(workload("Job", OWN), operation=operation)
    assert bool(answer.operations) is copied


@pytest.mark.parametrize("request_", [{"operation": "DELETE"}, {"subResource": "scale"}])
def test_other_requests_are_left(request_: Json, webhook: Webhook) -> None:
    answer = webhook.admit(workload("Deployment", OWN), **request_)
    assert answer.reason == "unexpected_resource"


def test_a_workload_of_the_system_is_left(webhook: Webhook) -> None:
    answer = webhook.admit(workload("Deployment", OWN), namespace="kube-system")
    assert answer.reason == "excluded_namespace"


@pytest.mark.parametrize("spec", [None, {}, {"template": None}])
def test_a_workload_without_template_is_left(spec: Any, webhook: Webhook) -> None:
    document = {**workload("Deployment", OWN), "spec": spec}
    assert webhook.admit(document).reason == "nothing_to_copy"


def test_a_workload_whose_pods_will_be_refused_is_admitted_with_a_warning(webhook: Webhook) -> None:
    answer = webhook.admit(workload("Deployment", {"model": "acme/coder", "strategy": "nfs"}))
    assert answer.allowed
    assert answer.codes == ["MC108", "MC110"]
    assert answer.warnings[1] == (
        "MC110 modelcache.io/strategy: pods will be refused: MC001 "
        f'must be one of {", ".join(STRATEGIES)}, auto, not "nfs"'
    )


def test_t74_pods_of_the_template_are_injected(webhook: Webhook) -> None:
    template = webhook.admit(workload("Deployment", OWN)).spec["template"]
    pod = {"apiVersion": "v1", "kind": "Pod", **template}
    assert webhook.admit(pod).volume()["persistentVolumeClaim"]["readOnly"] is True
