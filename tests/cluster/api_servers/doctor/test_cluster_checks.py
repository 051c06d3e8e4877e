"""Checks of the cluster around an installation: policies, gates, namespaces, other webhooks."""

import shlex

import pytest
import yaml

from tests.cli.command import modelcache
from tests.cluster.api_servers.doctor.asking import (
    ERROR,
    OK,
    WARNING,
    check,
    found,
    idle_configuration,
    installation,
    shown,
    take_in,
)
from tests.kubernetes.api import Object
from tests.kubernetes.control_plane import ControlPlane
from tests.kubernetes.registration import NamespaceFactory, configured, mutating, shipped, webhook
from tests.kubernetes.scripted_hook import ScriptedHook, patch
from webhook.doctor import probe

BINDING = "validatingadmissionpolicybinding"
KINDS = ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding")


def policies(*actions: str) -> list[Object]:
    """Return the shipped policies, with bindings that have *actions*."""
    objects = shipped(*KINDS)
    for obj in objects:
        if obj["kind"] == KINDS[1]:
            obj["spec"]["validationActions"] = list(actions)
    return objects


def test_policies_that_deny_are_no_finding(alone: ControlPlane) -> None:
    with configured(alone, policies("Audit", "Deny")):
        assert [one.level for one in found(alone, "policies")] == [OK, OK, OK]


def test_policies_that_inject_without_a_server_are_shown(alone: ControlPlane) -> None:
    ran = modelcache("render", "--kind", "admission-policy")
    [printed] = [
        obj for obj in yaml.safe_load_all(ran.out) if obj["kind"] == "MutatingAdmissionPolicy"
    ]
    with configured(alone, [*policies("Audit", "Deny"), printed]):
        shown(
            found(alone, "policies"),
            WARNING,
            "MutatingAdmissionPolicy modelcache-without-server gives pods their models before",
            "print and apply it again",
        )


def test_policies_that_do_not_exist_are_to_be_applied(alone: ControlPlane) -> None:
    findings = found(alone, "policies")
    shown(findings, ERROR, "policy modelcache-injected does not exist: a pod", "kubectl apply -k")
    shown(
        findings, ERROR, "policy modelcache-copied does not exist: a workload", "kubectl apply -k"
    )


def test_a_policy_without_its_binding_is_shown(alone: ControlPlane) -> None:
    with configured(alone, shipped("ValidatingAdmissionPolicy")):
        shown(
            found(alone, "policies"), ERROR, "binding modelcache-injected does not exist", "apply"
        )


def test_policies_that_only_audit_are_shown_with_the_command_that_makes_them_deny(
    alone: ControlPlane,
) -> None:
    with configured(alone, policies("Audit")):
        seen = "binding modelcache-injected has validationActions Audit, not Deny: a pod"
        one = shown(found(alone, "policies"), ERROR, seen, f"kubectl patch {BINDING}")
        words = one.fix.partition("; or kubectl ")[2]
        done = alone.kubectl(*shlex.split(words))
        assert done.returncode == 0, done.stderr
        findings = found(alone, "policies")
        shown(findings, OK, "policy modelcache-injected is in force")
        shown(findings, ERROR, "binding modelcache-copied has validationActions Audit")


@pytest.mark.parametrize("how", ["deleted", "without its label"])
def test_policies_that_are_switched_off_are_shown(alone: ControlPlane, how: str) -> None:
    objects = policies("Audit", "Deny")
    (required,) = [obj for obj in objects if obj["kind"] not in KINDS]
    if how == "deleted":
        objects.remove(required)
    else:
        del required["metadata"]["labels"]
    with configured(alone, objects):
        findings = found(alone, "policies")
    seen = "policy modelcache-injected is switched off: MutatingWebhookConfiguration modelcache-req"
    shown(findings, ERROR, seen, "kubectl apply -k deploy")
    shown(findings, ERROR, "policy modelcache-copied is switched off", "kubectl apply -k deploy")


def test_under_fail_a_policy_that_does_not_exist_is_only_a_warning(alone: ControlPlane) -> None:
    failing = idle_configuration("zz-failing", b"", failurePolicy="Fail")
    with configured(alone, [failing]):
        findings = found(alone, "policies", configuration="zz-failing")
        shown(findings, WARNING, "modelcache-injected does not exist; failurePolicy Fail", "apply")


def test_a_dry_run_shows_the_gates_that_are_on(cluster: ControlPlane) -> None:
    findings = found(cluster, "gates")
    shown(findings, OK, "image volumes are kept")
    shown(findings, OK, "recursiveReadOnly is kept")


def test_a_dry_run_shows_a_gate_that_is_off(old_cluster: ControlPlane) -> None:
    findings = found(old_cluster, "gates")
    shown(
        findings, WARNING, "image volumes are dropped: pods with", "upgrade the API server to 1.35"
    )
    shown(findings, OK, "recursiveReadOnly is kept")


def test_a_field_that_is_dropped_although_the_version_has_it_is_an_error(
    cluster: ControlPlane, hook: ScriptedHook
) -> None:
    drop = [
        {"op": "remove", "path": "/spec/volumes/0"},
        {"op": "remove", "path": "/spec/containers/0/volumeMounts/0"},
        {"op": "remove", "path": "/spec/containers/0/volumeMounts/0/recursiveReadOnly"},
    ]
    hook.answer = lambda _: patch(*drop)
    ours = f"object.metadata.?generateName.orValue('') == '{probe.pod(annotated=False)['metadata']['generateName']}'"
    condition = [{"name": "probe", "expression": ours}]
    dropping = mutating(
        "drop", webhook("drop.example.com", hook.client_config(), matchConditions=condition)
    )
    with configured(cluster, [dropping]):
        findings = found(cluster, "gates")
    seen = "image volumes are dropped, but the webhook uses them"
    shown(findings, ERROR, seen, "turn on the gate ImageVolume")
    shown(findings, WARNING, "recursiveReadOnly is dropped", "RecursiveReadOnlyMounts")


@pytest.mark.parametrize(
    ("arguments", "level"),
    [
        (["serve", "--kube-version=1.37"], OK),
        (["serve", "--kube-version=1.34", "--image-volumes"], OK),
        (["serve", "--kube-version=1.34"], WARNING),
        (["serve"], WARNING),
    ],
    ids=["its version", "the gate", "an older version", "nothing"],
)
def test_a_webhook_without_the_option_for_image_volumes_is_found(
    cluster: ControlPlane, arguments: list[str], level: object
) -> None:
    asked = installation(cluster)
    container = {"name": "c", "args": arguments}
    asked.deployments = [{"spec": {"template": {"spec": {"containers": [container]}}}}]
    one = next(iter(check("gates").run(asked)))
    assert (one.level, "image volumes are kept" in one.seen) == (level, True)


def test_a_namespace_that_accepts_no_pods_shows_nothing_of_gates(cluster: ControlPlane) -> None:
    findings = found(cluster, "gates", probe_namespace="nowhere")
    shown(
        findings, WARNING, "could not find out which gates are on: namespaces", "--probe-namespace"
    )


def test_namespaces_that_are_left_out_are_shown(
    cluster: ControlPlane, namespace: NamespaceFactory
) -> None:
    take_in(cluster)
    namespace({"modelcache.io/admission": "enabled"})
    shown(found(cluster, "namespaces"), OK, "no namespace is left out by its label")
    out = namespace({"modelcache.io/admission": "disabled"})
    wrong = namespace({"modelcache.io/admission": "off"})
    left, meaningless = found(cluster, "namespaces")
    shown([left], WARNING, out, f"kubectl label namespace {out} modelcache.io/admission-")
    assert wrong not in left.seen
    fix = f"kubectl label --overwrite namespace {wrong} modelcache.io/admission=disabled"
    shown([meaningless], WARNING, f"off of namespace {wrong} has no effect", fix)
    done = cluster.kubectl(*left.fix.partition("kubectl ")[2].split())
    assert done.returncode == 0, done.stderr
    assert out not in str(found(cluster, "namespaces"))


def test_many_namespaces_are_counted(cluster: ControlPlane, namespace: NamespaceFactory) -> None:
    for _ in range(12):
        namespace({"modelcache.io/admission": "disabled"})
    assert " more" in found(cluster, "namespaces")[0].seen


NEVER = [{"name": "never", "expression": "false"}]
PODS: Object = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["*"], "resources": ["*"]}


@pytest.mark.parametrize(
    ("name", "rule", "later"),
    [
        pytest.param("zzz-other", PODS, True, id="after ours"),
        pytest.param("aaa-other", PODS, False, id="before ours"),
        pytest.param("zzz-other", PODS | {"operations": ["UPDATE"]}, False, id="of updates"),
        pytest.param("zzz-other", PODS | {"resources": ["services"]}, False, id="of services"),
        pytest.param("zzz-other", PODS | {"apiGroups": ["apps"]}, False, id="of other groups"),
    ],
)
def test_webhooks_that_change_pods_after_ours_are_shown(
    cluster: ControlPlane, hook: ScriptedHook, name: str, rule: Object, later: bool
) -> None:
    idle = webhook("a.example.com", hook.client_config(), rules=[rule], matchConditions=NEVER)
    cluster.api.apply(mutating(name, idle)).expect()
    try:
        findings = found(cluster, "order")
    finally:
        cluster.api.delete(mutating(name))
    if later:
        seen = "webhook zzz-other (a.example.com) is called after ours"
        shown(findings, WARNING, seen, "sorts before zz-modelcache")
    else:
        shown(findings, OK, "no other webhook changes pods after ours")
