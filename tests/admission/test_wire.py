"""AdmissionReview on the wire: byte for byte, with null, absent and unknown fields, in other versions."""

import base64
import copy
import json
from typing import Any

import pytest

from tests.admission.admitting import UID, Webhook, in_memory, pod_of, review_of
from webhook.admission.decision import Deny, Mutate, Skip, SkipReason, warning_lines
from webhook.admission.problem import Problem
from webhook.objects.facts import Facts
from webhook.server.reviews.response import head, tail
from webhook.server.reviews.review import BadReview, decode_pod, decode_workload, workload_of

PROBLEM = Problem("MC001", "modelcache.io/size", '"lots" is not a quantity')


def test_bytes_of_an_allowed_pod() -> None:
    answer = head("admission.k8s.io/v1", UID) + tail(Skip(reason=SkipReason.NOT_REQUESTED))
    assert answer == (
        b'{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":'
        b'{"uid":"705ab4f5-6393-11e8-b7cc-42010a800002","allowed":true}}'
    )


def test_bytes_of_a_patch() -> None:
    decision = Mutate(
        operations=({"op": "add", "path": "/spec/volumes", "value": []},),
        warnings=(PROBLEM,),
        strategy="pvc",
    )
    assert tail(decision) == (
        b'"allowed":true,"patchType":"JSONPatch",'
        b'"patch":"W3sib3AiOiJhZGQiLCJwYXRoIjoiL3NwZWMvdm9sdW1lcyIsInZhbHVlIjpbXX1d",'
        b'"auditAnnotations":{"strategy":"pvc"},'
        b'"warnings":["MC001 modelcache.io/size: \\"lots\\" is not a quantity"]}}'
    )


@pytest.mark.parametrize(
    ("forbidden", "reason", "code"), [(False, "Invalid", 422), (True, "Forbidden", 403)]
)
def test_bytes_of_a_refusal(forbidden: bool, reason: str, code: int) -> None:
    assert json.loads(b"{" + tail(Deny(problems=(PROBLEM,), forbidden=forbidden))[:-1]) == {
        "allowed": False,
        "status": {
            "status": "Failure",
            "message": 'MC001 modelcache.io/size: "lots" is not a quantity',
            "reason": reason,
            "code": code,
        },
    }


def test_t78_nothing_to_do_has_neither_patch_nor_patch_type(webhook: Webhook) -> None:
    pod = {"metadata": {}, "spec": {"containers": [{"name": "a"}]}}
    response = webhook.admit(pod).response
    assert response == {"uid": UID, "allowed": True}


@pytest.mark.parametrize("version", ["v1", "v1beta1"])
def test_answer_has_the_version_and_uid_of_its_review(version: str, webhook: Webhook) -> None:
    answer = webhook.send(review_of(pod_of(), version=version, uid='a"b\\c'))
    assert answer["apiVersion"] == f"admission.k8s.io/{version}"
    assert answer["kind"] == "AdmissionReview"
    assert answer["response"]["uid"] == 'a"b\\c'


def test_patch_is_plain_base64_of_json(webhook: Webhook) -> None:
    response = webhook.admit(pod_of(in_memory())).response
    operations = json.loads(base64.b64decode(response["patch"], validate=True))
    assert {operation["op"] for operation in operations} == {"add"}
    assert response["patchType"] == "JSONPatch"


BODIES: list[tuple[str, bytes]] = [
    ("empty", b""),
    ("null", b"null"),
    ("list", b"[]"),
    ("string", b'"x"'),
    ("no object", b"{}"),
    ("cut off", review_of(pod_of())[:-1]),
    ("more than one", review_of(pod_of()) + b"{}"),
    ("byte order mark", b"\xef\xbb\xbf" + review_of(pod_of())),
    ("utf-16", review_of(pod_of()).decode().encode("utf-16")),
    ("invalid utf-8", review_of(pod_of()).replace(b'"ada"', b'"\xff"')),
    ("nested", b'{"a":' * 100_000),
    ("nested where nothing is read", review_of(pod_of()).replace(b'"ada"', b"[" * 50_000 + b"]" * 50_000)),
    ("v2", review_of(pod_of(), version="v2")),
    ("other kind", review_of(pod_of()).replace(b"AdmissionReview", b"ConversionReview")),
    ("no request", b'{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}'),
    ("request null", b'{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":null}'),
    ("no uid", review_of(pod_of()).replace(b'"uid"', b'"diu"')),
    ("uid null", review_of(pod_of(), uid=None)),
    ("uid empty", review_of(pod_of(), uid="")),
    ("uid number", review_of(pod_of(), uid=1)),
    ("uid too long", review_of(pod_of(), uid="x" * 2**20)),
    ("object null", review_of(pod_of(), object=None)),
    ("object list", review_of(pod_of(), object=[])),
    ("containers of null", review_of({"spec": {"containers": [None]}})),
    ("annotations of numbers", review_of({"metadata": {"annotations": {"a": 1}}})),
]  # fmt: skip


@pytest.mark.parametrize("body", [b for _, b in BODIES], ids=[n for n, _ in BODIES])
def test_a_body_that_is_not_a_review_of_a_pod_is_refused(body: bytes) -> None:
    with pytest.raises(BadReview) as caught:
        decode_pod(body)
    assert len(str(caught.value)) < 500


def test_an_object_that_is_not_a_workload_is_named() -> None:
    with pytest.raises(BadReview, match="the object is not a workload"):
        workload_of(decode_workload(review_of({"spec": []}, kind="Deployment")).request)


@pytest.mark.parametrize(
    "pod",
    [
        {},
        {"metadata": None},
        {"spec": None},
        {"metadata": {"annotations": None}, "spec": {"containers": None}},
        {"spec": {"containers": []}},
    ],
)
def test_absent_and_null_are_read_as_zero(pod: dict[str, Any], webhook: Webhook) -> None:
    assert webhook.admit(pod).response == {"uid": UID, "allowed": True}
    annotated = {**pod, "metadata": pod_of()["metadata"]}
    assert webhook.admit(annotated).reason == "no_containers"


@pytest.mark.parametrize("empty", [None, [], ...])
def test_t83_lists_are_made_where_there_are_none(empty: Any, webhook: Webhook) -> None:
    own = {} if empty is ... else {name: copy.copy(empty) for name in ("env", "volumeMounts")}
    lists = (
        {} if empty is ... else {name: copy.copy(empty) for name in ("volumes", "initContainers")}
    )
    answer = webhook.admit(pod_of(in_memory(), container=own, **lists))
    assert len(answer.spec["volumes"]) == 3
    assert len(answer.spec["initContainers"]) == 1
    assert answer.env() == {"MODELCACHE_PATH": "/models/acme--coder/main"}
    assert len(answer.container()["volumeMounts"]) == 1


def test_unknown_fields_are_ignored(webhook: Webhook) -> None:
    pod = pod_of(in_memory(), schedulingGates=[{"name": "g"}], future={"deep": [1.0, 2**70]})
    assert webhook.admit(pod, future=True).spec["future"] == {"deep": [1.0, 2**70]}


@pytest.mark.parametrize(
    "request_",
    [
        {"operation": "UPDATE"},
        {"operation": "DELETE", "object": None},
        {"operation": "CONNECT", "subResource": "exec", "object": {"kind": "PodExecOptions"}},
        {"subResource": "resize"},
        {"subResource": "ephemeralcontainers"},
        {"subResource": "binding"},
        {"subResource": "eviction"},
        {"resource": {"group": "metrics.k8s.io", "version": "v1", "resource": "pods"}},
    ],
)
def test_t82_only_the_creation_of_a_pod_is_changed(
    request_: dict[str, Any], webhook: Webhook
) -> None:
    answer = webhook.admit(pod_of(), **request_)
    assert (answer.allowed, answer.operations) == (True, [])
    assert answer.reason == "unexpected_resource"


@pytest.mark.parametrize("namespace", ["kube-system", "kube-public", "kube-node-lease"])
def test_namespaces_of_the_system_are_left(namespace: str, webhook: Webhook) -> None:
    assert webhook.admit(pod_of(), namespace=namespace).reason == "excluded_namespace"


def test_t84_namespace_is_the_requests() -> None:
    asked = []

    class Asked(Webhook):
        def of(self, namespace: str) -> Facts:
            asked.append(namespace)
            return self.facts

    webhook = Asked()
    answer = webhook.admit(pod_of(), namespace="prod")
    assert answer.operations
    assert asked == ["prod"]
    assert webhook.lines[-1]["name"] == "vllm-"


def test_t48_dry_run_has_the_same_answer(webhook: Webhook) -> None:
    pod = pod_of(in_memory())
    assert webhook.admit(pod, dryRun=True).response == webhook.admit(pod).response
    assert [line["dry_run"] for line in webhook.lines] == [True, False]


def test_warnings_are_one_line_each_and_escaped() -> None:
    hostile = Problem("MC101", "modelcache.io/a\n\x1b[31m\N{RIGHT-TO-LEFT OVERRIDE}\x00", "x" * 500)
    (line,) = warning_lines((hostile,))
    shown = "MC101 modelcache.io/a\\u000a\\u001b[31m\\u202e\\u0000: "
    assert line == shown + "x" * 500


def test_warnings_that_do_not_fit_together_are_cut() -> None:
    lines = warning_lines((Problem("MC101", "modelcache.io/a", "x" * 500),) * 8)
    assert {len(line) for line in lines} == {250}


def test_warnings_stay_within_the_budget_of_the_api_server() -> None:
    lines = warning_lines((PROBLEM,) * 40)
    assert len(lines) == 15
    assert lines[-1] == "and 26 more"
    longest = warning_lines((Problem("MC101", "a", "x" * 500),) * 40)
    assert sum(map(len, longest)) <= 4096


def test_a_pod_of_a_megabyte_is_answered(webhook: Webhook) -> None:
    pod = pod_of(in_memory())
    pod["metadata"]["annotations"]["blob"] = "<>&" * 480_000
    assert webhook.admit(pod).operations
