"""Findings about what enforces the rules of CachePolicies that concern every pod."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cluster.api_servers.doctor.asking import ERROR, OK, WARNING, found, installation, shown
from tests.kubernetes.api import Object
from tests.kubernetes.control_plane import ControlPlane
from tests.kubernetes.custom_resources import served
from tests.kubernetes.registration import NamespaceFactory, configured, wait_until
from webhook import __version__
from webhook.custom_resources.definitions import definitions
from webhook.doctor.facts import _judged
from webhook.doctor.rules import CHECK
from webhook.rule_policies.policies import rule_policies

EXCLUDED = ["modelcache-system", "kube-system", "kube-public", "kube-node-lease"]
RULES = ("readOnlyMounts", "hostPathRoots", "requireModel")
SAME = f"the policies for rules are those of {__version__}"
NOTHING = "no CachePolicy enforces a rule that concerns every pod in a namespace"
ESTABLISHED = "the definitions of CachedModel and CachePolicy are established"


@pytest.fixture(scope="module")
def _kinds(cluster: ControlPlane) -> Iterator[None]:
    with served(cluster, definitions()):
        yield


@pytest.fixture
def with_kinds(_kinds: None, alone: ControlPlane) -> Iterator[ControlPlane]:
    """The cluster with our kinds, and without the webhook's objects."""
    yield alone
    for obj in alone.api.list("modelcache.io/v1alpha1", "CachePolicy"):
        alone.api.delete(policy(obj["metadata"]["name"], {})).expect()


def policy(name: str, labels: dict[str, str], **rules: Object) -> Object:
    spec = {"namespaceSelector": {"matchLabels": labels}, "rules": rules}
    return {
        "apiVersion": "modelcache.io/v1alpha1", "kind": "CachePolicy",
        "metadata": {"name": name}, "spec": spec,
    }  # fmt: skip


def rule(name: str, mode: str = "enforce", **more: Any) -> dict[str, Object]:
    parameters = {"roots": ["/var/lib/model-cache"]} if name == "hostPathRoots" else {}
    return {name: {"mode": mode, **parameters, **more}}


def create(plane: ControlPlane, *objects: Object) -> None:
    for obj in objects:
        plane.api.apply(obj).expect()


def test_an_installation_without_such_a_rule_is_no_finding(with_kinds: ControlPlane) -> None:
    with configured(with_kinds, rule_policies(EXCLUDED)):
        seen = [(one.level, one.seen) for one in found(with_kinds, "rules")]
    assert seen == [(OK, ESTABLISHED), (OK, SAME), (OK, NOTHING)]


@pytest.mark.parametrize("name", RULES)
def test_a_pod_that_a_rule_must_refuse_is_refused(
    with_kinds: ControlPlane, namespace: NamespaceFactory, name: str
) -> None:
    where = namespace({"rules": name})
    with configured(with_kinds, rule_policies(EXCLUDED)):
        create(with_kinds, policy("tried", {"rules": name}, **rule(name)))
        wanted = f"a dry run of a Pod in {where} was refused by rule {name} of CachePolicy tried"
        # An API server looks for new kinds each half a minute (pkg/kubeapiserver/admission/config.go).
        wait_until(lambda: wanted in seen(with_kinds), "the rule is in force", 60)


def seen(plane: ControlPlane) -> str:
    return "\n".join(one.seen for one in found(plane, "rules"))


def test_a_pod_that_is_admitted_against_a_rule_is_an_error(
    with_kinds: ControlPlane, namespace: NamespaceFactory
) -> None:
    where = namespace({"rules": "unbound"})
    asked = installation(with_kinds)
    objects = rule_policies(EXCLUDED)
    create(with_kinds, policy("tried", {"rules": "unbound"}, **rule("readOnlyMounts")))
    with configured(with_kinds, objects):
        switch_off(with_kinds, objects)
        text = f"a dry run of a Pod in {where} was admitted, which rule readOnlyMounts of CachePol"
        shown(list(CHECK.run(asked)), ERROR, text, "kubectl get validatingadmissionpolicy model")


def switch_off(plane: ControlPlane, objects: list[Object]) -> None:
    """Have a condition that never holds, which is not compared: the API server may be at fault."""
    for obj in objects:
        if obj["kind"] == "ValidatingAdmissionPolicyBinding":
            changed = copy.deepcopy(obj)
            never = {"matchLabels": {"no": "namespace"}}
            changed["spec"]["matchResources"] = {"namespaceSelector": never}
            create(plane, changed)
    wait_until(
        lambda: not any("was refused by" in one.seen for one in found(plane, "rules")), "it is off"
    )


def test_what_refuses_the_pod_first_is_shown(
    with_kinds: ControlPlane, namespace: NamespaceFactory
) -> None:
    namespace({"rules": "restricted", "pod-security.kubernetes.io/enforce": "restricted"})
    create(with_kinds, policy("tried", {"rules": "restricted"}, **rule("hostPathRoots")))
    with configured(with_kinds, rule_policies(EXCLUDED)):
        text = "could not try rule hostPathRoots of CachePolicy tried"
        one = shown(found(with_kinds, "rules"), WARNING, text, "fix what it says")
        assert "PodSecurity" in one.seen


@pytest.mark.parametrize(
    ("labels", "more"),
    [
        ({"rules": "none"}, {"except": ["*/*"]}),
        ({"rules": "none"}, {"writers": ["default"]}),
        ({"rules": "nowhere"}, {}),
        ({"rules": "none"}, {"mode": "audit"}),
    ],
    ids=["excused", "a writer", "no namespace", "only audited"],
)
def test_a_rule_that_refuses_no_such_pod_is_not_tried(
    with_kinds: ControlPlane, namespace: NamespaceFactory, labels: Any, more: Any
) -> None:
    namespace({"rules": "none"})
    create(with_kinds, policy("tried", labels, **rule("readOnlyMounts", **more)))
    with configured(with_kinds, rule_policies(EXCLUDED)):
        assert NOTHING in seen(with_kinds)


def test_policies_that_are_missing_matter_once_a_rule_needs_them(with_kinds: ControlPlane) -> None:
    text = "ValidatingAdmissionPolicyBinding modelcache-rules-warn does not exist"
    objects = [o for o in rule_policies(EXCLUDED) if o["metadata"]["name"][-4:] != "warn"]
    with configured(with_kinds, objects):
        shown(found(with_kinds, "rules"), WARNING, text, "kubectl apply -k deploy")
        create(with_kinds, policy("tried", {}, **rule("requireModel", "warn")))
        findings = found(with_kinds, "rules")
    shown(findings, ERROR, text, "kubectl apply -k deploy")
    shown(
        findings, ERROR, "ValidatingAdmissionPolicy modelcache-rules-warn does not exist", "apply"
    )


@pytest.mark.parametrize("kind", ["ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"])
def test_a_policy_of_another_version_is_shown(with_kinds: ControlPlane, kind: str) -> None:
    objects = rule_policies(EXCLUDED)
    [changed] = [o for o in objects if (o["kind"], o["metadata"]["name"][-5:]) == (kind, "audit")]
    if kind == "ValidatingAdmissionPolicy":
        changed["spec"]["validations"][0]["message"] = "of another version"
    else:
        changed["spec"]["validationActions"] = ["Warn"]
    with configured(with_kinds, objects):
        text = f"{kind} modelcache-rules-audit is not that of {__version__}"
        shown(found(with_kinds, "rules"), WARNING, text, "upgrade the chart's release")


def test_other_namespaces_that_are_left_out_are_no_difference(with_kinds: ControlPlane) -> None:
    with configured(with_kinds, rule_policies(["kube-system", "infra"])):
        shown(found(with_kinds, "rules"), OK, SAME)


def test_more_policies_than_cost_little_are_counted(with_kinds: ControlPlane) -> None:
    with configured(with_kinds, rule_policies(EXCLUDED)):
        create(
            with_kinds,
            *(policy(f"p{i}", {}, **rule("requireModel", "audit")) for i in range(11)),
        )
        shown(found(with_kinds, "rules"), WARNING, "11 CachePolicies have rules", "one CachePolicy")
        with_kinds.api.delete(policy("p0", {})).expect()
        assert "CachePolicies have rules" not in seen(with_kinds)


def test_definitions_that_do_not_exist_are_shown(old_cluster: ControlPlane) -> None:
    findings = found(old_cluster, "rules")
    for name in ("cachedmodels", "cachepolicies"):
        shown(findings, WARNING, f"definition {name}.modelcache.io does not exist", "kubectl apply")
    text = "ValidatingAdmissionPolicy modelcache-rules-enforce does not exist"
    shown(findings, WARNING, text, "kubectl apply")


PAGE = (
    "# TYPE modelcache_facts_live gauge\n"
    'modelcache_facts_live{kind="nodes"} 1.0\nmodelcache_facts_live{kind="namespaces"} 1.0\n'
)

AGE = 'modelcache_facts_age_seconds{{kind="cachepolicies"}} {}\n'


@pytest.mark.parametrize(
    ("page", "level", "text"),
    [
        (PAGE, OK, "r hears of namespaces, nodes"),
        (PAGE.replace("1.0", "0.0", 1), WARNING, "r has heard nothing of nodes for a while"),
        (PAGE + AGE.format("89.5"), OK, "r hears of cachepolicies, namespaces, nodes"),
        (PAGE + AGE.format("300.1"), WARNING, "r has heard nothing of cachepolicies for a while"),
        ("", OK, "r watches nothing: it knows policies and models from files alone"),
    ],
)
def test_a_watch_that_has_died_is_shown(page: str, level: object, text: str) -> None:
    one = _judged("r", page, "kubectl logs r")
    assert (one.level, text in one.seen) == (level, True)
