"""The answers of the admission port to reviews of pods."""

import json
from typing import Any

import pytest

from tests.server.harness import Server
from tests.server.reviews import OPT_IN, body, patched, pod, review


def test_an_annotated_pod_is_answered_with_a_patch_that_mounts_the_model(server: Server) -> None:
    # P0 1
    answer = server.post(body())
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.response["allowed"] is True
    assert answer.response["patchType"] == "JSONPatch"
    found = patched(answer.response, pod())
    (volume,) = [v for v in found["spec"]["volumes"] if "persistentVolumeClaim" in v]
    mounts = found["spec"]["containers"][0]["volumeMounts"]
    assert [m["readOnly"] for m in mounts if m["name"] == volume["name"]] == [True, True]


@pytest.mark.parametrize("version", ["v1", "v1beta1"])
@pytest.mark.parametrize(
    "uid", ["1", "705ab4f5-6393-11e8-b7cc-42010a800002", 'a"\\\u00e9\n', "x" * 256]
)
def test_uid_version_and_kind_are_echoed(server: Server, version: str, uid: str) -> None:
    # P0 2, P1 43
    sent = review(uid=uid) | {"apiVersion": f"admission.k8s.io/{version}"}
    answer = server.post(json.dumps(sent))
    assert answer.status == 200
    assert answer.json["apiVersion"] == f"admission.k8s.io/{version}"
    assert answer.json["kind"] == "AdmissionReview"
    assert answer.response["uid"] == uid
    assert "patch" in answer.response


@pytest.mark.parametrize("annotations", [{}, {"example.org/x": "y"}])
def test_a_pod_that_requests_nothing_is_allowed_without_patch(
    server: Server, annotations: dict[str, str]
) -> None:
    # P0 3
    answer = server.post(body(pod(annotations)))
    assert (answer.status, answer.response) == (
        200,
        {"uid": review()["request"]["uid"], "allowed": True},
    )


def test_an_injected_pod_comes_back_without_operations(server: Server) -> None:
    # P0 6, P1 45a
    first = server.post(body())
    assert server.post(body()).response == first.response
    second = server.post(body(patched(first.response, pod()), uid="second"))
    assert second.response == {"uid": "second", "allowed": True}


def test_mistakes_are_denied_with_a_message_that_names_each(server: Server) -> None:
    # P0 11
    answer = server.post(
        body(pod(OPT_IN | {"modelcache.io/shm-size": "much", "modelcache.io/memory": "more"}))
    )
    assert answer.status == 200
    response = answer.response
    assert response["allowed"] is False
    assert "patch" not in response
    assert "patchType" not in response
    assert (response["status"]["code"], response["status"]["reason"]) == (422, "Invalid")
    assert "modelcache.io/shm-size" in response["status"]["message"]
    assert "modelcache.io/memory" in response["status"]["message"]


FOREIGN: list[dict[str, Any]] = [
    {"operation": "UPDATE"},
    {"operation": "DELETE", "object": None, "oldObject": pod()},
    {"operation": "CONNECT", "object": {"kind": "PodExecOptions"}, "subResource": "exec"},
    {"operation": "PATCH"},
    {"subResource": "ephemeralcontainers", "operation": "UPDATE"},
    {"subResource": "resize", "operation": "UPDATE"},
    {"subResource": "eviction"},
    {"subResource": "binding"},
    {"subResource": "status"},
    {
        "kind": {"group": "apps", "version": "v1", "kind": "Deployment"},
        "resource": {"group": "apps", "version": "v1", "resource": "deployments"},
    },
    {"resource": {"group": "", "version": "v1", "resource": "services"}},
    {"resource": {"group": "", "version": "v1", "resource": "Pods"}},
    {"resource": {"group": "example.org", "version": "v1", "resource": "pods"}},
    {
        "resource": {"group": "example.org", "version": "v1", "resource": "things"},
        "object": ["no", "pod"],
    },
]


@pytest.mark.parametrize("request_fields", FOREIGN, ids=str)
def test_a_request_that_does_not_create_a_pod_is_allowed_without_patch(
    server: Server, request_fields: dict[str, Any]
) -> None:
    # P0 35, c17, c18
    name, reason = "modelcache_admission_requests_total", "unexpected_resource"
    before = server.metric(name, reason=reason)
    answer = server.post(body(**request_fields))
    assert (answer.status, answer.response) == (
        200,
        {"uid": review()["request"]["uid"], "allowed": True},
    )
    assert server.metric(name, reason=reason) == before + 1


@pytest.mark.parametrize(
    "namespace", ["kube-system", "kube-public", "kube-node-lease", "modelcache-system"]
)
def test_pods_of_the_system_and_of_the_webhook_are_left_alone(
    server: Server, namespace: str
) -> None:
    # P0 21
    name = "modelcache_admission_requests_total"
    before = server.metric(name, reason="excluded_namespace", result="skipped")
    assert set(server.post(body(namespace=namespace)).response) == {"uid", "allowed"}
    assert server.metric(name, reason="excluded_namespace", result="skipped") == before + 1


def test_mirror_pods_are_left_alone(server: Server) -> None:
    # P0 22
    answer = server.post(body(pod(OPT_IN | {"kubernetes.io/config.mirror": "0123"})))
    assert set(answer.response) == {"uid", "allowed"}
    assert answer.response["allowed"] is True


def test_the_namespace_of_the_request_wins(server: Server) -> None:
    # P1 55
    inside = server.post(body(pod(namespace="kube-system"), namespace="inference"))
    assert "patch" in inside.response
    outside = server.post(body(pod(namespace="inference"), namespace="kube-system"))
    assert "patch" not in outside.response


def test_a_dry_run_gets_the_same_answer_and_its_own_label(server: Server) -> None:
    # P0 18
    name = "modelcache_admission_requests_total"
    dry = server.metric(name, dry_run="true", result="injected")
    real = server.metric(name, dry_run="false", result="injected")
    assert server.post(body(dryRun=True)).response == server.post(body()).response
    assert server.metric(name, dry_run="true", result="injected") == dry + 1
    assert server.metric(name, dry_run="false", result="injected") == real + 1
