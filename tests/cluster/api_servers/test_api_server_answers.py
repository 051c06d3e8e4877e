"""How kube-apiserver handles the answers of a mutating webhook, right or wrong.

These tests are about Kubernetes, not about the product: they are the facts on which the product's answers rest.
"""

import base64
import json
import re
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.kubernetes.api import Object
from tests.kubernetes.asking import Asked, pod
from tests.kubernetes.control_plane import ControlPlane
from tests.kubernetes.registration import configured, mutating, wait_until, webhook
from tests.kubernetes.scripted_hook import (
    Reply,
    Review,
    ScriptedHook,
    add,
    allow,
    deny,
    envelope,
    json_reply,
    patch,
)

Answer = dict[str, Any] | Reply | Callable[[Review], dict[str, Any] | Reply]
AR = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview"}
OURS = "the text of our own error"


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def ill(response: dict[str, Any] | None = None, **overrides: Any) -> Callable[[Review], Reply]:
    """Return an answer whose envelope is wrong."""
    return lambda review: json_reply(envelope(review, response or allow(), **overrides))


def http(code: int, **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    named = {"Content-Type": "application/json", **named}
    return Reply(json.dumps({"error": OURS}).encode(), code, named)


LABEL = add("/metadata/labels", {"seen": "yes"})

ALLOWED: dict[str, Answer] = {
    "allowed": allow(),
    "allowed, with a status": allow(status={"code": 500, "message": OURS}),
    "an empty patch": patch(),
    "an empty patch of an unknown type": allow(patchType="MergePatch", patch=encoded("[]")),
    "an answer with fields nobody knows": ill(allow(surprise=1), more=[1]),
    "an answer without a media type": lambda review: Reply(
        json.dumps(envelope(review, allow())).encode()
    ),
}


@pytest.mark.parametrize("answer", ALLOWED.values(), ids=list(ALLOWED))
def test_the_pod_is_created_unchanged(asked: Asked, answer: Answer) -> None:
    created = asked.about(answer).expect(201)
    assert "labels" not in created.body["metadata"]
    assert (len(asked.hook.calls), created.warnings) == (1, ())


def test_a_patch_is_applied_and_what_it_adds_gets_defaults(asked: Asked) -> None:
    more = {"name": "more", "image": "i"}
    created = asked.about(patch(LABEL, add("/spec/containers/-", more))).expect(201)
    assert created.body["metadata"]["labels"] == {"seen": "yes"}
    assert created.body["spec"]["containers"][1]["terminationMessagePath"] == "/dev/termination-log"


CALLING_ERRORS: dict[str, tuple[Answer, str]] = {
    "a patch without a type": (allow(patch=encoded("[]")), "response.patchType"),
    "a type without a patch": (allow(patchType="JSONPatch"), "response.patch"),
    "a patch of another type": (
        allow(patchType="MergePatch", patch=encoded('[{"op":"remove","path":"/x"}]')),
        "unsupported patch type",
    ),
    "a patch that is not JSON": (allow(patchType="JSONPatch", patch=encoded("{not json")), ""),
    "a patch that is an object": (allow(patchType="JSONPatch", patch=encoded("{}")), ""),
    "a patch that is not base64": (allow(patchType="JSONPatch", patch="[]"), "base64"),
    "another uid": (ill(allow(uid="another")), 'expected response.uid="'),
    "no uid": (lambda _: json_reply({**AR, "response": allow()}), 'expected response.uid="'),
    "no response": (lambda _: json_reply(AR), "webhook response was absent"),
    "a response that is null": (lambda _: json_reply({**AR, "response": None}), ""),
    "another apiVersion": (ill(apiVersion="admission.k8s.io/v1beta1"), "unknown conversion"),
    "no apiVersion": (ill(apiVersion=None), ""),
    "another kind": (ill(kind="Review"), ""),
    "no kind": (ill(kind=None), ""),
    "the body null": (Reply(b"null"), ""),
    "an empty body": (Reply(), ""),
    "HTML": (Reply(b"<html>It works!</html>"), ""),
    "half an answer": (Reply(b'{"apiVersion": "admission'), ""),
    "allowed is a string": (allow(allowed="yes"), ""),
    **{
        f"HTTP {code}": (http(code), "")
        for code in (300, 302, 400, 401, 403, 404, 405, 409, 413, 415, 422, 429, 500, 502, 503, 504)
    },
    "HTTP 503 that names a date to come back": (
        http(503, Retry_After="Wed, 21 Oct 2099 07:28:00 GMT"),
        "",
    ),
    "a connection that ends": (Reply(hang_up=True), "EOF"),
    "no answer within timeoutSeconds": (Reply(wait=1.3), "context deadline exceeded"),
}
"""Fault → the answer, and words of the user's message."""


@pytest.mark.parametrize(("answer", "words"), CALLING_ERRORS.values(), ids=list(CALLING_ERRORS))
def test_the_failure_policy_decides_about(asked: Asked, answer: Answer, words: str) -> None:
    # P2 94
    before = failed_open(asked)
    outcome = asked.about(answer)
    assert len(asked.hook.calls) == 1
    if asked.policy == "Ignore":
        assert "labels" not in outcome.expect(201).body["metadata"]
        assert failed_open(asked) == before + 1
    else:
        assert (outcome.code, outcome.reason) == (500, "InternalError")
        assert f'failed calling webhook "{asked.name}"' in outcome.message
        assert words in outcome.message
        assert OURS not in outcome.message


@pytest.mark.parametrize("code", [403, 415, 500, 502])
@pytest.mark.parametrize("media_type", ["text/plain", ""])
def test_the_text_of_an_error_reaches_the_user_unless_it_is_json(
    patient: Asked, code: int, media_type: str
) -> None:
    headers = {"Content-Type": media_type} if media_type else {}
    assert OURS in patient.about(Reply(OURS.encode(), code, headers)).message


def failed_open(asked: Asked) -> float:
    """Return how often a failed call was ignored (failurePolicy Ignore)."""
    text = asked.plane.api.request("GET", "/metrics").message
    found = re.search(
        rf'^apiserver_admission_webhook_fail_open_count{{name="{asked.name}".*}} (\S+)$',
        text,
        re.MULTILINE,
    )
    return float(found[1]) if found else 0


USERS_FAULT: dict[str, tuple[Answer, int, str]] = {
    "an operation nobody knows": (
        patch({"op": "frobnicate", "path": "/metadata/labels"}),
        500,
        "Unexpected kind: frobnicate",
    ),
    "an operation without a path": (patch({"op": "add", "value": 1}), 500, "path"),
    "a parent that is missing": (
        patch(add("/metadata/annotations/x", "y")),
        500,
        'add operation does not apply: doc is missing path: "/metadata/annotations/x"',
    ),
    "a test that fails": (
        patch({"op": "test", "path": "/spec/containers/0/name", "value": "other"}),
        500,
        "testing value /spec/containers/0/name failed",
    ),
    "a removal of what is not there": (
        patch({"op": "remove", "path": "/metadata/annotations"}),
        500,
        "Unable to remove nonexistent key: annotations",
    ),
    "an append to a list that is absent": (
        patch(add("/spec/initContainers/-", {"name": "x", "image": "i"})),
        500,
        "doc is missing path",
    ),
    "an index past the end": (
        patch(add("/spec/containers/7", {"name": "x", "image": "i"})),
        500,
        "Unable to access invalid index: 7",
    ),
    "a string in the place of a number": (
        patch(add("/spec/activeDeadlineSeconds", "soon")),
        500,
        "cannot unmarshal string",
    ),
    "a number in the place of a list": (
        patch(add("/spec/containers", 7)),
        500,
        "cannot unmarshal number",
    ),
    "another namespace": (
        patch(add("/metadata/namespace", "default")),
        400,
        "the namespace of the provided object does not match the namespace sent on the request",
    ),
    "an invalid name of a volume": (
        patch(add("/spec/volumes/-", {"name": "In Valid"})),
        422,
        'spec.volumes[1].name: Invalid value: "In Valid"',
    ),
}
"""A patch with … → the user's message, under either failurePolicy."""


@pytest.mark.parametrize(("answer", "code", "text"), USERS_FAULT.values(), ids=list(USERS_FAULT))
def test_the_user_is_refused_for_our_patch_with(
    asked: Asked, answer: Answer, code: int, text: str
) -> None:
    outcome = asked.about(answer)
    assert (outcome.code, text in outcome.message) == (code, True), outcome.message
    assert asked.name not in outcome.message, "the user would not learn who did it"


DENIALS: dict[str, tuple[Answer, int, str]] = {
    "code 403": (deny(code=403, message="no"), 403, "denied the request: no"),
    "code 422": (deny(code=422, message="no"), 422, "denied the request: no"),
    "code 429": (deny(code=429, message="no"), 429, "denied the request: no"),
    "code 500": (deny(code=500, message="no"), 500, "denied the request: no"),
    "code 200": (deny(code=200, message="no"), 400, "denied the request: no"),
    "code 399": (deny(code=399, message="no"), 400, "denied the request: no"),
    "no code": (deny(message="no"), 400, "denied the request: no"),
    "a reason alone": (deny(reason="Because"), 400, "denied the request: Because"),
    "both": (deny(reason="Because", message="no"), 400, "denied the request: no"),
    "no status": (deny(), 400, "denied the request without explanation"),
    "a patch next to it": ({**patch(LABEL), **deny(code=403, message="no")}, 403, "request: no"),
}


@pytest.mark.parametrize(("answer", "code", "text"), DENIALS.values(), ids=list(DENIALS))
def test_a_denial_is_a_refusal_under_either_policy_with(
    asked: Asked, answer: Answer, code: int, text: str
) -> None:
    refused = asked.about(answer)
    assert refused.code == code
    assert refused.message.startswith(f'admission webhook "{asked.name}" denied the request')
    assert refused.message.endswith(text)


def test_a_denial_keeps_its_reason(asked: Asked) -> None:
    refused = asked.about(deny(code=422, reason="Invalid", message="no"))
    assert (refused.code, refused.reason) == (422, "Invalid")


@pytest.mark.parametrize("code", [429, 500, 502, 503, 504])
def test_a_429_with_retry_after_is_followed_by_a_call_with_the_same_uid(
    asked: Asked, code: int
) -> None:
    def later(_: Review) -> Reply | dict[str, Any]:
        return http(code, Retry_After="0") if len(asked.hook.calls) <= 5 else patch(LABEL)

    created = asked.about(later).expect(201)
    assert created.body["metadata"]["labels"] == {"seen": "yes"}
    assert len(asked.hook.calls) == 6
    assert len({call.uid for call in asked.hook.calls}) == 1


def test_a_retry_waits_as_long_as_retry_after_says(patient: Asked) -> None:
    def later(_: Review) -> Reply | dict[str, Any]:
        return http(429, Retry_After="1") if len(patient.hook.calls) <= 2 else patch(LABEL)

    began = time.monotonic()
    patient.about(later).expect(201)
    assert (len(patient.hook.calls), round(time.monotonic() - began)) == (3, 2)


def test_there_are_ten_retries_at_most(patient: Asked) -> None:
    outcome = patient.about(http(503, Retry_After="0"))
    assert (outcome.code, len(patient.hook.calls)) == (500, 11)


def test_retries_end_with_timeout_seconds(asked: Asked) -> None:
    began = time.monotonic()
    outcome = asked.about(http(503, Retry_After="1"))
    assert outcome.code == (201 if asked.policy == "Ignore" else 500)
    assert 1 <= len(asked.hook.calls) <= 2
    assert time.monotonic() - began < 2


def test_the_deadline_is_sent_in_whole_seconds_rounded_up(patient: Asked) -> None:
    patient.about(allow())
    assert patient.hook.calls[0].query == {"timeout": "8s"}
    patient.about(allow(), timeout="1500ms")
    assert patient.hook.calls[0].query == {"timeout": "2s"}


def test_a_request_whose_own_deadline_has_passed_fails_even_under_ignore(asked: Asked) -> None:
    """Two answers race at the deadline: that of the failed call, and that of the request's timeout.

    Mostly 504 wins. If the other one has begun, the connection is cut, without any answer.
    """
    try:
        outcome = asked.about(Reply(wait=1), pod("late"), dry_run=False, timeout="300ms")
    except httpx.RemoteProtocolError:
        pass
    else:
        assert outcome.code in ((504,) if asked.policy == "Ignore" else (500, 504))
    assert asked.plane.api.get("v1", "Pod", "late", asked.namespace).code == 404


BROKEN_CONNECTIONS = ["nobody listens", "another authority signed", "another name"]


@pytest.mark.parametrize("policy", ["Fail", "Ignore"])
@pytest.mark.parametrize("fault", BROKEN_CONNECTIONS)
def test_the_failure_policy_decides_about_a_connection_where(
    cluster: ControlPlane, hook: ScriptedHook, patient: Asked, policy: str, fault: str
) -> None:
    where = hook.client_config()
    if fault == "nobody listens":
        where["url"] = "https://127.0.0.1:1/"
    elif fault == "another authority signed":
        where["caBundle"] = base64.b64encode(patient.hook.ca).decode()
    else:
        where["url"] = where["url"].replace("127.0.0.1", "localhost")
    mine = {"matchLabels": {"fault": "connection"}}
    entry = webhook("broken.example.com", where, failurePolicy=policy, objectSelector=mine)
    with configured(cluster, [mutating("broken", entry)]):
        outcome = cluster.api.create(pod(labels={"fault": "connection"}), dry_run=True)
    assert not hook.calls
    if policy == "Ignore":
        assert outcome.code == 201
    else:
        words = "connect: connection refused" if fault == "nobody listens" else "x509: "
        assert (outcome.code, words in outcome.message) == (500, True), outcome.message


WARNINGS: dict[str, tuple[list[str], list[str]]] = {
    "one": (["MC001: beware"], ["MC001: beware"]),
    "the same twice": (["a", "b", "a"], ["a", "b"]),
    "a long one": (["x" * 300], ["x" * 300]),
    "quotes and backslashes": (['say "x\\y"'], ['say "x\\y"']),
    "other alphabets": (["größer, 模型"], ["größer, 模型"]),
    "a line break": (["a\nb", "c"], ["c"]),
    "an escape sequence": (["\x1b[31mred", "c"], ["c"]),
    "more than 4096 characters in all": (
        [chr(97 + i) * 500 for i in range(12)],
        [chr(97 + i) * 256 for i in range(12)],
    ),
    "far more than that": (
        [f"{i:02}" * 250 for i in range(40)],
        [f"{i:02}" * 128 for i in range(16)],
    ),
}
"""Name → the warnings that are sent, and those that the user sees."""


@pytest.mark.parametrize(("sent", "seen"), WARNINGS.values(), ids=list(WARNINGS))
def test_the_user_sees_these_warnings(asked: Asked, sent: list[str], seen: list[str]) -> None:
    assert list(asked.about(allow(warnings=sent)).expect(201).warnings) == seen


def test_a_denial_may_warn_too(asked: Asked) -> None:
    assert asked.about({**deny(code=403), "warnings": ["w"]}).warnings == ("w",)


def audited(asked: Asked, name: str) -> dict[str, str]:
    """Return the audit annotations of the creation of pod *name*."""
    found: list[Object] = []

    def written() -> bool:
        found[:] = [
            event
            for event in asked.plane.audit_events()
            if event["objectRef"].get("name") == name
            and event["objectRef"].get("namespace") == asked.namespace
        ]
        return bool(found)

    wait_until(written, f"audit event of {name}")
    annotations: dict[str, str] = found[0].get("annotations", {})
    return annotations


def test_audit_annotations_have_the_name_of_the_webhook(asked: Asked) -> None:
    answer = patch(LABEL, auditAnnotations={"model": "llama", "not a key!": "dropped"})
    asked.about(answer, pod("audited")).expect(201)
    annotations = audited(asked, "audited")
    assert annotations[f"{asked.name}/model"] == "llama"
    assert "dropped" not in annotations.values()
    prefix = "mutation.webhook.admission.k8s.io/round_0_index_"
    (done,) = [v for k, v in annotations.items() if k.startswith(prefix)]
    assert json.loads(done) == {"configuration": "answers", "webhook": asked.name, "mutated": True}
    prefix = "patch.webhook.admission.k8s.io/round_0_index_"
    assert not [k for k in annotations if k.startswith(prefix)], "that is for level Request"


def test_an_ignored_webhook_is_audited(asked: Asked) -> None:
    asked.about(http(500), pod("passed-over"))
    prefix = "failed-open.mutation.webhook.admission.k8s.io/round_0_index_"
    keys = [key for key in audited(asked, "passed-over") if key.startswith(prefix)]
    assert len(keys) == (1 if asked.policy == "Ignore" else 0)


def test_a_patch_of_a_deletion_is_an_error(cluster: ControlPlane, hook: ScriptedHook) -> None:
    doomed: Object = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "doomed"}}
    cluster.api.create(doomed).expect(201)
    rule = {
        "apiGroups": [""],
        "apiVersions": ["v1"],
        "operations": ["DELETE"],
        "resources": ["configmaps"],
    }
    entry = webhook("delete.example.com", hook.client_config(), rules=[rule])
    hook.answer = lambda _: patch(LABEL)
    with configured(cluster, [mutating("delete", entry)]):
        outcome = cluster.api.delete(doomed)
    assert outcome.code == 500
    assert hook.calls[0].review["request"]["object"] is None
    cluster.api.delete(doomed).expect(200)


def test_the_version_of_the_answer_is_that_of_the_review(
    cluster: ControlPlane, hook: ScriptedHook
) -> None:
    """The first version of the list that the server knows is used."""
    mine = {"matchLabels": {"version": "old"}}
    entry = webhook(
        "version.example.com",
        hook.client_config(),
        objectSelector=mine,
        admissionReviewVersions=["v7", "v1beta1", "v1"],
    )
    hook.answer = lambda review: json_reply(
        envelope(review, patch(LABEL), apiVersion=review["apiVersion"])
    )
    with configured(cluster, [mutating("version", entry)]):
        cluster.api.create(pod(labels={"version": "old"}), dry_run=True).expect(201)
    assert [call.review["apiVersion"] for call in hook.calls] == ["admission.k8s.io/v1beta1"]


def test_a_webhook_with_side_effects_cannot_be_registered(cluster: ControlPlane) -> None:
    codes = {}
    for effects in ("None", "NoneOnDryRun", "Some", "Unknown"):
        entry = webhook("effects.example.com", {"url": "https://127.0.0.1:1/"}, sideEffects=effects)
        codes[effects] = cluster.api.create(mutating("effects", entry), dry_run=True).code
    assert codes == {"None": 201, "NoneOnDryRun": 201, "Some": 422, "Unknown": 422}
