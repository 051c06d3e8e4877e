"""Faults of the webhook: the answer leaves the decision to failurePolicy."""

from typing import Any

import pytest

from tests.server.conftest import Start
from tests.server.harness import Server, eventually
from tests.server.reviews import body, pod

TEXT = "a part of the object"
QUICK = ("--shutdown-delay", "0")


def fault_is_answered(server: Server, *, kind: str) -> None:
    answer = server.post(body())
    assert answer.status == 500
    assert answer.json == {"error": "internal error; see the log of the webhook"}
    assert server.metric("modelcache_admission_panics_total") == 1
    assert server.metric("modelcache_http_requests_total", code="500") == 1
    eventually(lambda: server.events("fault"))
    (line,) = server.events("fault")
    assert line["type"] == kind
    assert line["at"].partition(".py:")[2].isdigit()
    assert TEXT not in str(server.lines)
    assert "allowed" not in answer.json


def test_an_exception_is_500_and_never_a_denial(start: Start) -> None:
    # P0 10, c52
    server = start(*QUICK, changes={"webhook.server.reviews.kept_answers.admit": {"raises": TEXT}})
    fault_is_answered(server, kind="RuntimeError")
    # The connection stays open, and other requests are answered.
    assert server.post(body(namespace="kube-system")).status == 200
    assert server.health("/livez").status == 200
    assert server.health("/readyz").status == 200


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "add", "path": "/spec/containers/7/env", "value": []},
        {"op": "add", "path": "/spec/containers/0/volumeMounts/-", "value": {}},
        {"op": "replace", "path": "/spec/affinity", "value": {}},
        {"op": "remove", "path": "/spec/volumes"},
        {"op": "add", "path": "/metadata/name", "value": "x"},
        {"op": "add", "path": "/spec/nodeName", "value": "x"},
        {"op": "move", "path": "/spec/volumes", "from": "/spec/containers"},
    ],
    ids=str,
)
def test_a_patch_that_does_not_apply_is_never_sent(start: Start, operation: dict[str, Any]) -> None:
    # P0 9, 39d
    broken = {"webhook.server.reviews.kept_answers.admit": {"operations": [operation]}}
    server = start(*QUICK, "--self-check", changes=broken)
    fault_is_answered(server, kind="BrokenPatch")
    assert server.metric("modelcache_self_check_failures_total") == 1
    # A kept answer is checked again, because the next pod may differ.
    assert server.post(body()).status == 500


def test_without_the_check_the_patch_is_sent_as_it_is(start: Start) -> None:
    # P0 9: shows that it is the check which stops the patch
    broken = {"op": "remove", "path": "/spec/volumes"}
    server = start(
        *QUICK, changes={"webhook.server.reviews.kept_answers.admit": {"operations": [broken]}}
    )
    assert server.post(body()).status == 200


def test_a_fault_in_one_review_does_not_affect_the_next(start: Start) -> None:
    # P0 10
    server = start(
        *QUICK, changes={"webhook.server.reviews.reviewer.admit_workload": {"raises": TEXT}}
    )
    deployment = {
        "kind": {"group": "apps", "version": "v1", "kind": "Deployment"},
        "resource": {"group": "apps", "version": "v1", "resource": "deployments"},
    }
    template = {"metadata": {}, "spec": {"template": pod()}}
    assert server.post(body(template, **deployment), "/mutate-workload").status == 500
    assert "patch" in server.post(body()).response
