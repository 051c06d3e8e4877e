"""Which webhooks kube-apiserver calls, in which order, how often, and what it sends.

These tests are about Kubernetes, not about the product: they are the facts on which registration rests.
"""

import itertools
import json
from typing import Any

import pytest

from tests.kubernetes.api import Answer, Object
from tests.kubernetes.asking import Asked, pod
from tests.kubernetes.control_plane import ControlPlane
from tests.kubernetes.registration import NamespaceFactory, configured, mutating, shipped, webhook
from tests.kubernetes.scripted_hook import ScriptedHook, add, allow, patch

LABEL = add("/metadata/labels/seen", "yes")
ONLY = {"matchLabels": {"tests.example.com/calls": "yes"}}


def marked(**metadata: Any) -> Object:
    """Return a pod that the webhooks of this file see."""
    return pod(labels=dict(ONLY["matchLabels"]), **metadata)


def entry(hook: ScriptedHook, path: str, **fields: Any) -> Object:
    """Return a webhook that is served at *path* and named after it."""
    name = f"{path.strip('/')}.example.com"
    return webhook(name, hook.client_config(path), objectSelector=ONLY, **fields)


def paths(hook: ScriptedHook) -> list[str]:
    return [call.path for call in hook.calls]


# Order


def test_configurations_are_called_by_name_and_their_webhooks_by_position(
    cluster: ControlPlane, hook: ScriptedHook
) -> None:
    last = mutating("zz-order", entry(hook, "/3"), entry(hook, "/2"))
    first = mutating("aa-order", entry(hook, "/9"), entry(hook, "/1"))
    with configured(cluster, [last, first]):
        cluster.api.create(marked(), dry_run=True).expect(201)
    assert paths(hook) == ["/9", "/1", "/3", "/2"]


def test_each_webhook_sees_what_the_earlier_ones_did(
    cluster: ControlPlane, hook: ScriptedHook
) -> None:
    hook.paths["/first"] = lambda _: patch(LABEL)
    with configured(cluster, [mutating("order", entry(hook, "/first"), entry(hook, "/second"))]):
        cluster.api.create(marked(), dry_run=True).expect(201)
    assert [call.object["metadata"]["labels"].get("seen") for call in hook.calls] == [None, "yes"]


# Reinvocation


def rounds(
    cluster: ControlPlane, hook: ScriptedHook, *policies: str, **conditions: Any
) -> list[str]:
    """Return the calls when the second of two webhooks changes the pod."""
    changes = itertools.count()
    hook.paths.setdefault("/b", lambda _: patch(add("/metadata/labels/n", str(next(changes)))))
    first, second = (
        entry(hook, path, reinvocationPolicy=policy)
        for path, policy in zip(("/a", "/b"), policies, strict=True)
    )
    first |= conditions
    with configured(cluster, [mutating("rounds", first, second)]):
        cluster.api.create(marked(), dry_run=True).expect(201)
    return paths(hook)


def test_a_webhook_is_called_again_if_a_later_one_changed_the_pod(
    cluster: ControlPlane, hook: ScriptedHook
) -> None:
    assert rounds(cluster, hook, "IfNeeded", "Never") == ["/a", "/b", "/a"]


def test_a_webhook_of_policy_never_is_called_once(
    cluster: ControlPlane, hook: ScriptedHook
) -> None:
    assert rounds(cluster, hook, "Never", "Never") == ["/a", "/b"]


def test_there_is_one_further_round_at_most(cluster: ControlPlane, hook: ScriptedHook) -> None:
    changes = itertools.count()
    for path in ("/a", "/b"):
        hook.paths[path] = lambda _: patch(add("/metadata/labels/n", str(next(changes))))
    assert rounds(cluster, hook, "IfNeeded", "IfNeeded") == ["/a", "/b", "/a", "/b"]


@pytest.mark.parametrize(
    ("webhooks", "calls"),
    [
        pytest.param(["/a", "/noop"], ["/a", "/noop", "/a"], id="the first patch counts"),
        pytest.param(["/noop", "/a", "/noop"], ["/noop", "/a", "/noop"], id="a later one does not"),
    ],
)
def test_a_patch_that_changes_nothing_causes_a_further_round_only_if_it_is_the_first(
    cluster: ControlPlane, hook: ScriptedHook, webhooks: list[str], calls: list[str]
) -> None:
    """The first call decodes the pod into an object that, unlike the original, names its kind."""
    hook.paths["/noop"] = lambda _: patch(add("/metadata/labels/tests.example.com~1calls", "yes"))
    entries = [
        entry(hook, path, reinvocationPolicy="IfNeeded" if path == "/a" else "Never")
        for path in webhooks
    ]
    for i, one in enumerate(entries):
        one["name"] = f"n{i}.example.com"
    with configured(cluster, [mutating("noop", *entries)]):
        cluster.api.create(marked(), dry_run=True).expect(201)
    assert paths(hook) == calls


def test_a_webhook_skipped_at_first_is_not_called_when_a_later_one_makes_it_match(
    cluster: ControlPlane, hook: ScriptedHook
) -> None:
    """So a configuration that reacts to additions of others must sort after them."""
    condition = {"name": "n", "expression": "'n' in object.metadata.labels"}
    calls = rounds(cluster, hook, "IfNeeded", "Never", matchConditions=[condition])
    assert calls == ["/b"]


def test_each_round_has_a_uid_of_its_own(cluster: ControlPlane, hook: ScriptedHook) -> None:
    rounds(cluster, hook, "IfNeeded", "Never")
    assert len({call.uid for call in hook.calls}) == 3


def test_in_tree_plugins_run_again_after_a_webhook_changed_the_pod(
    asked: Asked,
) -> None:
    limits = {"default": {"memory": "64Mi"}, "type": "Container"}
    limit_range: Object = {
        "apiVersion": "v1",
        "kind": "LimitRange",
        "metadata": {"name": "defaults", "namespace": asked.namespace},
        "spec": {"limits": [limits]},
    }
    asked.plane.api.create(limit_range).expect(201)
    try:
        answer = asked.about(patch(add("/spec/containers/-", {"name": "more", "image": "i"})))
    finally:
        asked.plane.api.delete(limit_range).expect(200)
    more = answer.expect(201).body["spec"]["containers"][1]
    assert more["resources"]["limits"] == {"memory": "64Mi"}
    assert more["volumeMounts"][0]["name"].startswith("kube-api-access-")


def test_the_first_value_of_an_audit_annotation_is_kept(
    cluster: ControlPlane, hook: ScriptedHook
) -> None:
    numbers = itertools.count()
    hook.paths["/a"] = lambda _: allow(auditAnnotations={"n": str(next(numbers))})
    hook.paths["/b"] = lambda _: patch(LABEL)
    first = entry(hook, "/a", reinvocationPolicy="IfNeeded")
    with configured(cluster, [mutating("audit", first, entry(hook, "/b"))]):
        cluster.api.create(marked(name="twice")).expect(201)
    (event,) = [e for e in cluster.audit_events() if e["objectRef"].get("name") == "twice"]
    assert paths(hook) == ["/a", "/b", "/a"]
    assert event["annotations"]["a.example.com/n"] == "0"
    prefix = "mutation.webhook.admission.k8s.io/round_1_index_"
    done = [json.loads(v) for k, v in event["annotations"].items() if k.startswith(prefix)]
    assert done == [{"configuration": "audit", "webhook": "a.example.com", "mutated": False}]


# matchConditions

ABSENT = "object.metadata.annotations['x'] == 'y'"
"""An expression that is an error for every pod without annotations."""
FALSE = "request.kind.kind == 'Node'"
TRUE = "request.kind.kind == 'Pod'"


@pytest.mark.parametrize(
    ("policy", "expressions", "code", "calls"),
    [
        pytest.param("Fail", [TRUE], 201, 1, id="true"),
        pytest.param("Fail", [FALSE], 201, 0, id="false"),
        pytest.param("Fail", [TRUE, FALSE], 201, 0, id="true and false"),
        pytest.param("Fail", [ABSENT], 403, 0, id="an error under Fail refuses the pod"),
        pytest.param("Ignore", [ABSENT], 201, 0, id="an error under Ignore skips the webhook"),
        pytest.param("Fail", [ABSENT, TRUE], 403, 0, id="an error and true"),
        pytest.param("Fail", [ABSENT, FALSE], 201, 0, id="an error and false: false decides"),
    ],
)
def test_match_conditions(
    cluster: ControlPlane,
    hook: ScriptedHook,
    policy: str,
    expressions: list[str],
    code: int,
    calls: int,
) -> None:
    conditions = [{"name": f"c{i}", "expression": e} for i, e in enumerate(expressions)]
    hooked = entry(hook, "/c", failurePolicy=policy, matchConditions=conditions)
    with configured(cluster, [mutating("conditions", hooked)]):
        answer = cluster.api.create(marked(), dry_run=True)
    assert (answer.code, len(hook.calls)) == (code, calls)
    assert code != 403 or "no such key: annotations" in answer.message


GUARDS = {
    "has": "has(object.metadata.annotations) && 'a.b/c' in object.metadata.annotations",
    "optional": "object.metadata.?annotations['a.b/c'].hasValue()",
    "prefix": (
        "has(object.metadata.annotations) && "
        "object.metadata.annotations.exists(k, k.startsWith('a.b/'))"
    ),
    "optional prefix": "object.metadata.?annotations.orValue({}).exists(k, k.startsWith('a.b/'))",
}


@pytest.mark.parametrize("guard", GUARDS.values(), ids=list(GUARDS))
def test_a_guarded_condition_is_no_error_without_annotations(
    cluster: ControlPlane, hook: ScriptedHook, guard: str
) -> None:
    condition = {"name": "guarded", "expression": guard}
    hooked = entry(hook, "/g", matchConditions=[condition])
    with configured(cluster, [mutating("guards", hooked)]):
        for annotations, calls in [(None, 0), ({}, 0), ({"x": "y"}, 0), ({"a.b/c": "d"}, 1)]:
            hook.calls.clear()
            cluster.api.create(marked(annotations=annotations), dry_run=True).expect(201)
            assert len(hook.calls) == calls


def test_a_test_of_every_key_keeps_within_the_budget_for_20000_of_them(
    cluster: ControlPlane, hook: ScriptedHook
) -> None:
    condition = {"name": "guarded", "expression": GUARDS["optional prefix"]}
    many = {f"k{i}": "" for i in range(20000)}
    with configured(cluster, [mutating("many", entry(hook, "/m", matchConditions=[condition]))]):
        cluster.api.create(marked(annotations=many), dry_run=True).expect(201)
        assert not hook.calls
        cluster.api.create(marked(annotations=many | {"a.b/c": ""}), dry_run=True).expect(201)
        assert len(hook.calls) == 1


def test_a_condition_that_does_not_compile_is_refused_when_it_is_applied(
    cluster: ControlPlane,
) -> None:
    for config in shipped("MutatingWebhookConfiguration"):
        assert cluster.api.apply(config, dry_run=True).expect()
        config["webhooks"][0]["matchConditions"][0]["expression"] += " &&"
        assert cluster.api.apply(config, dry_run=True).code == 422


# What is sent


@pytest.fixture
def review(patient: Asked) -> Object:
    """The review of a pod that is really created, without dry run."""
    patient.about(allow(), pod(annotations={"a": "b"}), dry_run=False).expect(201)
    return patient.hook.calls[0].review


def test_a_review_has_these_fields_and_no_others(review: Object, patient: Asked) -> None:
    assert (review["apiVersion"], review["kind"]) == ("admission.k8s.io/v1", "AdmissionReview")
    request = review["request"]
    assert set(request) == {
        *("uid", "kind", "resource", "requestKind", "requestResource", "namespace", "operation"),
        *("userInfo", "object", "oldObject", "dryRun", "options"),
    }
    pods = {"group": "", "version": "v1", "resource": "pods"}
    assert request["resource"] == request["requestResource"] == pods
    assert (request["operation"], request["oldObject"], request["dryRun"]) == (
        "CREATE",
        None,
        False,
    )
    assert request["namespace"] == patient.namespace
    assert request["userInfo"]["username"] == "admin"


def test_a_generated_name_is_not_there_yet(review: Object) -> None:
    assert "name" not in review["request"]
    metadata = review["request"]["object"]["metadata"]
    assert metadata["generateName"] == "p-"
    assert not metadata.get("name")


def test_the_object_has_its_namespace_and_managed_fields(review: Object, patient: Asked) -> None:
    metadata = review["request"]["object"]["metadata"]
    assert metadata["namespace"] == patient.namespace
    assert metadata["managedFields"][0]["operation"] == "Update"


def test_the_headers_name_the_api_server(review: Object, patient: Asked) -> None:
    headers = patient.hook.calls[0].headers
    assert headers["User-Agent"] == "kube-apiserver-admission"
    assert headers["Accept-Encoding"] == "gzip"
    assert headers["Accept"] == "application/json, */*"
    assert headers["Content-Type"] == "application/json"


def test_a_dry_run_says_so(patient: Asked) -> None:
    patient.about(allow())
    assert patient.hook.calls[0].review["request"]["dryRun"] is True


def test_control_characters_reach_the_webhook_unchanged(patient: Asked) -> None:
    hostile = "\x00 \x1b[31m \n \u202e"
    patient.about(allow(), pod(annotations={"a": hostile})).expect(201)
    assert patient.hook.calls[0].object["metadata"]["annotations"] == {"a": hostile}


def send(asked: Asked, body: bytes) -> Answer:
    """Send a pod byte for byte."""
    asked.hook.reset()
    path = f"/api/v1/namespaces/{asked.namespace}/pods"
    return asked.plane.api.request("POST", path, body, dry_run=True)


def test_duplicate_keys_nulls_and_lone_surrogates_never_reach_a_webhook(patient: Asked) -> None:
    text = json.dumps(pod(annotations={"a": "1"}))
    text = text.replace('"a": "1"', '"a": "1", "a": "\\ud800", "b": null')
    answer = send(patient, text.encode())
    assert answer.expect(201).warnings == ('duplicate field "metadata.annotations.a"',)
    sent = patient.hook.calls[0].object["metadata"]["annotations"]
    assert sent == {"a": "\ufffd", "b": ""}, "a null in a map of strings is an empty one"


def test_a_review_can_be_six_times_as_long_as_what_the_user_sent(patient: Asked) -> None:
    long = pod()
    long["spec"]["containers"][0]["args"] = ["<" * 1_000_000]
    body = json.dumps(long).encode()
    send(patient, body).expect(201)
    assert int(patient.hook.calls[0].headers["Content-Length"]) > 5.9 * len(body)


def test_more_than_3_mib_never_reach_a_webhook(patient: Asked) -> None:
    long = pod()
    long["spec"]["containers"][0]["args"] = ["x" * 3_200_000]
    assert send(patient, json.dumps(long).encode()).code == 413
    assert not patient.hook.calls


def test_subresources_are_not_matched_by_a_rule_for_pods(
    cluster: ControlPlane, hook: ScriptedHook, namespace: NamespaceFactory
) -> None:
    name = namespace()
    victim = marked(name="victim", namespace=name)
    cluster.api.create(victim).expect(201)
    rule = webhook("x.example.com", {})["rules"][0] | {"operations": ["*"]}
    with configured(cluster, [mutating("subresources", entry(hook, "/s", rules=[rule]))]):
        ephemeral = {"spec": {"ephemeralContainers": [{"name": "debug", "image": "i"}]}}
        answer = cluster.api.request(
            "PATCH",
            f"/api/v1/namespaces/{name}/pods/victim/ephemeralcontainers",
            ephemeral,
            media_type="application/strategic-merge-patch+json",
        )
        assert answer.expect(200)
        assert not hook.calls
        cluster.api.merge(victim, {"metadata": {"labels": {"a": "b"}}}).expect(200)
        assert len(hook.calls) == 1
