"""The answers of the admission port to reviews of workloads."""

import json
from typing import Any

import pytest

from tests.server.harness import Server
from tests.server.reviews import OPT_IN, patched, pod, review


def deployment(**request: Any) -> Any:
    """Return the review of a Deployment with the annotations on its own metadata."""
    template = pod({}, generateName=None, ownerReferences=None)
    obj = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "llm", "annotations": OPT_IN},
        "spec": {"template": {"metadata": template["metadata"], "spec": template["spec"]}},
    }
    return review(
        obj,
        **{
            "kind": {"group": "apps", "version": "v1", "kind": "Deployment"},
            "resource": {"group": "apps", "version": "v1", "resource": "deployments"},
            **request,
        },
    )


@pytest.mark.parametrize("operation", ["CREATE", "UPDATE"])
def test_the_annotations_of_a_workload_are_copied_into_its_template(
    server: Server, operation: str
) -> None:
    # P0 1, P0 2
    sent = deployment(operation=operation)
    answer = server.post(json.dumps(sent), "/mutate-workload")
    assert answer.status == 200
    assert answer.response["warnings"]
    found = patched(answer.response, sent["request"]["object"])
    copied = found["spec"]["template"]["metadata"]["annotations"]
    assert copied.items() >= OPT_IN.items()


@pytest.mark.parametrize(
    "request_fields",
    [
        {"operation": "DELETE", "object": None},
        {"operation": "CONNECT"},
        {"subResource": "scale"},
        {"subResource": "status", "operation": "UPDATE"},
        {"namespace": "kube-system"},
        {"resource": {"group": "", "version": "v1", "resource": "pods"}, "object": pod()},
    ],
    ids=str,
)
def test_a_request_that_does_not_change_a_workload_is_allowed_without_patch(
    server: Server, request_fields: dict[str, Any]
) -> None:
    # P0 21, P0 35
    answer = server.post(json.dumps(deployment(**request_fields)), "/mutate-workload")
    assert answer.status == 200
    assert answer.response == {"uid": review()["request"]["uid"], "allowed": True}


@pytest.mark.parametrize("obj", [None, [], "x", {"spec": []}, {"spec": {"template": []}}], ids=str)
def test_an_object_that_is_not_a_workload_is_refused(server: Server, obj: Any) -> None:
    # c16
    answer = server.post(json.dumps(deployment(object=obj)), "/mutate-workload")
    assert answer.status == 400
    assert "not a workload" in answer.json["error"]


@pytest.mark.parametrize(
    "obj", [{}, {"spec": None}, {"metadata": None, "spec": {"template": None}}], ids=str
)
def test_a_workload_without_a_template_passes(server: Server, obj: Any) -> None:
    # c16
    answer = server.post(json.dumps(deployment(object=obj)), "/mutate-workload")
    assert (answer.status, answer.response["allowed"]) == (200, True)
    assert "patch" not in answer.response


def test_an_object_of_another_kind_that_looks_like_a_workload_is_treated_as_one(
    server: Server,
) -> None:
    kind = {"group": "example.org", "version": "v1", "kind": "Thing"}
    resource = {"group": "example.org", "version": "v1", "resource": "things"}
    sent = deployment(kind=kind, resource=resource)
    answer = server.post(json.dumps(sent), "/mutate-workload")
    assert answer.status == 200
    assert any(line.startswith("MC121 spec.template: ") for line in answer.response["warnings"])
    found = patched(answer.response, sent["request"]["object"])
    assert found["spec"]["template"]["metadata"]["annotations"].items() >= OPT_IN.items()


@pytest.mark.parametrize(
    "template", [[], "x", {"spec": []}, {"metadata": {"annotations": {"a": 1}}}]
)
def test_a_part_of_a_custom_resource_that_is_no_pod_template_is_left_alone(
    server: Server, template: Any
) -> None:
    kind = {"group": "argoproj.io", "version": "v1alpha1", "kind": "Rollout"}
    resource = {"group": "argoproj.io", "version": "v1alpha1", "resource": "rollouts"}
    obj = {"metadata": {"annotations": OPT_IN}, "spec": {"template": template}}
    sent = deployment(kind=kind, resource=resource, object=obj)
    answer = server.post(json.dumps(sent), "/mutate-workload")
    assert (answer.status, answer.response["allowed"]) == (200, True)
    assert "patch" not in answer.response
