"""The ValidatingAdmissionPolicy for workloads: a template must have the annotations of its owner."""

import copy
import re
from collections.abc import Iterable, Iterator
from typing import Final

import pytest

from tests.kubernetes.api import Answer, Object
from tests.kubernetes.control_plane import ControlPlane
from tests.kubernetes.registration import NamespaceFactory, configured, shipped, wait_until
from tests.kubernetes.server import standing_aside

KINDS: Final = ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding")
NAME: Final = "modelcache-copied"
ASKED: Final = {"modelcache.io/model": "phi-2", "modelcache.io/strategy": "pvc"}
WORKLOADS: Final = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob")


@pytest.fixture(scope="module")
def current(cluster: ControlPlane) -> Iterator[ControlPlane]:
    with standing_aside(cluster), configured(cluster, shipped(*KINDS)):
        yield cluster


@pytest.fixture(scope="module")
def old(old_cluster: ControlPlane) -> Iterator[ControlPlane]:
    with standing_aside(old_cluster), configured(old_cluster, shipped(*KINDS)):
        yield old_cluster


@pytest.fixture(scope="module", params=["1.37", "1.34"])
def plane(request: pytest.FixtureRequest) -> ControlPlane:
    """Each server in turn, with the policies in force and no webhook."""
    found: ControlPlane = request.getfixturevalue("old" if request.param == "1.34" else "current")
    return found


def workload(
    kind: str = "Deployment",
    annotations: Object = ASKED,
    template: Object | None = None,
    where: str = "default",
) -> Object:
    labels = {"app": kind.lower()}
    pod: Object = {"containers": [{"name": "vllm", "image": "vllm"}], "restartPolicy": "Always"}
    spec: Object = {"template": {"metadata": {"labels": labels}, "spec": pod}}
    if template:
        spec["template"]["metadata"]["annotations"] = dict(template)
    if kind in ("Job", "CronJob"):
        pod["restartPolicy"] = "Never"
    else:
        spec["selector"] = {"matchLabels": labels}
    if kind == "CronJob":
        spec = {"schedule": "0 0 1 1 *", "jobTemplate": {"spec": spec}}
    metadata = {"name": kind.lower(), "namespace": where, "annotations": dict(annotations)}
    group = "batch/v1" if kind in ("Job", "CronJob") else "apps/v1"
    return {"apiVersion": group, "kind": kind, "metadata": metadata, "spec": spec}


def refused(answer: Answer, keys: Iterable[str] = ASKED) -> bool:
    """Whether the policy reports that *keys*, in any order, were not copied."""
    assert (answer.code, answer.reason) == (422, "Invalid"), answer.message
    found = re.search(r"did not copy (.*) into the pod template", answer.message)
    assert found
    assert f"ValidatingAdmissionPolicy '{NAME}'" in answer.message
    return {*found[1].split(", ")} == {*keys}


def test_its_expressions_compile_without_a_warning(current: ControlPlane) -> None:
    def status() -> Object:
        api = "admissionregistration.k8s.io/v1"
        answer = current.api.get(api, "ValidatingAdmissionPolicy", NAME)
        found: Object = answer.body.get("status", {})
        return found

    wait_until(lambda: "typeChecking" in status(), "the controller has checked the types")
    assert status()["typeChecking"] == {}
    assert "conditions" not in status()


@pytest.mark.parametrize("kind", WORKLOADS)
def test_a_workload_whose_annotation_was_not_copied_is_refused(
    plane: ControlPlane, kind: str
) -> None:
    assert refused(plane.api.create(workload(kind), dry_run=True))
    assert plane.api.create(workload(kind, template=ASKED), dry_run=True).expect(201)
    assert plane.api.create(workload(kind, annotations={"team": "a"}), dry_run=True).expect(201)


def test_a_workload_that_opted_out_is_accepted(plane: ControlPlane) -> None:
    out = {**ASKED, "modelcache.io/inject": "false"}
    assert plane.api.create(workload(annotations=out), dry_run=True).expect(201)


@pytest.mark.parametrize(
    ("change", "behind"),
    [
        ({}, ()),
        ({"modelcache.io/strategy": "hostPath"}, ["modelcache.io/strategy"]),
        ({"modelcache.io/claim": "other"}, ["modelcache.io/claim"]),
        ({"modelcache.io/injected": "{}", "team": "a"}, ()),
        # This key was not copied: the template's value wins.
        ({"modelcache.io/model": "other"}, ()),
    ],
    ids=["same", "followed", "added", "not ours", "the template's own"],
)
def test_a_template_with_older_annotations_than_its_workload_is_refused(
    plane: ControlPlane, change: Object, behind: Iterable[str]
) -> None:
    remembered = {"modelcache.io/copied-keys": "strategy"}
    answer = plane.api.create(
        workload("Deployment", {**ASKED, **remembered, **change}, ASKED), dry_run=True
    )
    assert refused(answer, behind) if behind else answer.expect(201)


@pytest.mark.parametrize("where", ["kube-system", "kube-public", "kube-node-lease"])
def test_workloads_of_the_system_are_left_alone(plane: ControlPlane, where: str) -> None:
    assert plane.api.create(workload(where=where), dry_run=True).expect(201)


def test_a_change_that_takes_the_annotation_out_of_the_template_is_refused(
    current: ControlPlane, namespace: NamespaceFactory
) -> None:
    obj = workload(template=ASKED, where=namespace())
    obj["spec"]["replicas"] = 0
    current.api.create(obj).expect(201)
    changed = copy.deepcopy(obj)
    del changed["spec"]["template"]["metadata"]["annotations"]
    assert refused(current.api.replace(changed))
    scale = f"/apis/apps/v1/namespaces/{obj['metadata']['namespace']}/deployments/deployment/scale"
    patch = {"spec": {"replicas": 1}}
    kind = "application/merge-patch+json"
    assert current.api.request("PATCH", scale, patch, media_type=kind).expect(200)


def test_existing_workloads_can_be_deleted_and_jobs_changed(
    current: ControlPlane, namespace: NamespaceFactory
) -> None:
    where = namespace()
    before = [workload("Deployment", {}, where=where), workload("Job", {}, where=where)]
    before[0]["metadata"]["finalizers"] = ["example.com/kept"]
    for obj in before:
        current.api.create(obj).expect(201)
    deployment, job = before
    asking = {"metadata": {"annotations": ASKED}}
    assert current.api.merge(job, asking).expect(200)
    assert refused(current.api.merge(deployment, asking))
    out = {"metadata": {"annotations": {**ASKED, "modelcache.io/inject": "false"}}}
    assert current.api.merge(deployment, out).expect(200)
    current.api.delete(deployment).expect(200)
    going = {"metadata": {"annotations": {"modelcache.io/inject": None}, "finalizers": None}}
    assert current.api.merge(deployment, going).expect(200)


def test_the_replicasets_of_a_deployment_bear_its_annotations_and_are_accepted(
    current: ControlPlane, namespace: NamespaceFactory
) -> None:
    where = namespace()
    obj = workload(annotations={}, where=where)
    obj["spec"]["replicas"] = 0
    created = current.api.create(obj).expect(201).body
    owner = {"apiVersion": "apps/v1", "kind": "Deployment", "controller": True}
    owner |= {key: created["metadata"][key] for key in ("name", "uid")}
    owned = workload("ReplicaSet", where=where)
    owned["metadata"]["ownerReferences"] = [owner]
    assert current.api.create(owned, dry_run=True).expect(201)


def test_policy_and_webhook_select_the_same_workloads() -> None:
    (hooks,) = shipped("MutatingWebhookConfiguration")
    (hook,) = [one for one in hooks["webhooks"] if one["name"] == "workloads.modelcache.io"]
    (policy,) = [
        one for one in shipped("ValidatingAdmissionPolicy") if one["metadata"]["name"] == NAME
    ]
    constraints = policy["spec"]["matchConstraints"]
    assert constraints["resourceRules"] == hook["rules"]
    assert constraints["namespaceSelector"] == hook["namespaceSelector"]
