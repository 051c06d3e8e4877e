"""CachePolicy documents: what they select, which defaults they set, and their mistakes."""

import re
from typing import Any

import msgspec
import pytest

from tests.admission.admitting import Json, Webhook, cache_policy, cached_model, pod_of, policy_of
from webhook.admission.policy.cache_policy import CachePolicy
from webhook.admission.policy.documents import Policy, load_policy, read_object_of_cluster
from webhook.admission.policy.rules.catalogue import RULES
from webhook.admission.policy.rules.rule import Rule
from webhook.models.cached_model import CachedModel

SELECTORS: list[tuple[dict[str, Any], bool]] = [
    ({}, True),
    ({"matchLabels": {"team": "ml"}}, True),
    ({"matchLabels": {"team": "web"}}, False),
    ({"matchLabels": {"kubernetes.io/metadata.name": "prod"}}, True),
    ({"matchExpressions": [{"key": "team", "operator": "In", "values": ["ml", "web"]}]}, True),
    ({"matchExpressions": [{"key": "team", "operator": "In", "values": ["web"]}]}, False),
    ({"matchExpressions": [{"key": "team", "operator": "NotIn", "values": ["web"]}]}, True),
    ({"matchExpressions": [{"key": "nosuch", "operator": "NotIn", "values": ["web"]}]}, True),
    ({"matchExpressions": [{"key": "team", "operator": "Exists"}]}, True),
    ({"matchExpressions": [{"key": "nosuch", "operator": "Exists"}]}, False),
    ({"matchExpressions": [{"key": "nosuch", "operator": "DoesNotExist"}]}, True),
    (
        {
            "matchLabels": {"team": "ml"},
            "matchExpressions": [{"key": "team", "operator": "DoesNotExist"}],
        },
        False,
    ),
]


@pytest.mark.parametrize(("selector", "selected"), SELECTORS)
def test_selector(selector: dict[str, Any], selected: bool) -> None:
    policy = policy_of(cache_policy(namespaceSelector=selector, defaults={"claim": "models"}))
    found = policy.defaults("prod", {"team": "ml"})
    assert found == ({"claim": "models"} if selected else {})


NAMED = {"key": "kubernetes.io/metadata.name", "operator": "In", "values": ["prod"]}
OTHERS = {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["prod"]}


@pytest.mark.parametrize(
    ("selector", "selected"),
    [
        ({}, True),
        ({"matchLabels": {"kubernetes.io/metadata.name": "prod"}}, True),
        ({"matchLabels": {"kubernetes.io/metadata.name": "other"}}, False),
        ({"matchExpressions": [NAMED]}, True),
        ({"matchExpressions": [OTHERS]}, False),
        ({"matchLabels": {"team": "ml"}}, None),
        ({"matchExpressions": [{"key": "team", "operator": "In", "values": ["ml"]}]}, None),
        ({"matchExpressions": [{"key": "team", "operator": "NotIn", "values": ["ml"]}]}, None),
        ({"matchExpressions": [{"key": "team", "operator": "Exists"}]}, None),
        ({"matchExpressions": [{"key": "team", "operator": "DoesNotExist"}]}, None),
        ({"matchLabels": {"team": "ml"}, "matchExpressions": [NAMED]}, None),
        ({"matchLabels": {"team": "ml"}, "matchExpressions": [OTHERS]}, False),
    ],
)
def test_labels_that_are_not_known_select_nothing_and_only_what_is_undecided_is_named(
    selector: dict[str, Any], selected: bool | None
) -> None:
    policy = policy_of(cache_policy(namespaceSelector=selector, defaults={"claim": "models"}))
    assert policy.defaults("prod", None) == ({"claim": "models"} if selected else {})
    remarks = policy.unjudged("prod", None)
    assert [r.where for r in remarks] == (["CachePolicy platform"] if selected is None else [])
    assert policy.unjudged("prod", {}) == []
    stale = policy.unjudged("prod", None, "3 min")
    assert [r.code for r in stale] == (["MC143"] if selected is None else [])


def test_a_refused_pod_too_is_shown_which_policy_could_not_be_judged() -> None:
    policy = policy_of(cache_policy(namespaceSelector={"matchLabels": {"team": "ml"}}))
    answer = Webhook(policy=policy).admit(pod_of({"strategy": "nfs"}))
    assert not answer.allowed
    assert answer.warnings[0].startswith("MC125 CachePolicy platform: selects namespaces by label")


def test_the_policy_with_the_highest_priority_wins() -> None:
    policy = policy_of(
        cache_policy("a", priority=2, defaults={"claim": "high"}),
        cache_policy("b", priority=1, defaults={"claim": "low", "strategy": "pvc"}),
    )
    assert policy.defaults("prod", None) == {"claim": "high", "strategy": "pvc"}


def test_defaults_may_be_written_with_their_prefix() -> None:
    policy = policy_of(cache_policy(defaults={"modelcache.io/claim": "models"}))
    assert policy.defaults("prod", None) == {"claim": "models"}


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ([], "document 1: is not a Kubernetes object"),
        ({"apiVersion": "v1", "kind": "Pod"}, "document 1: is v1 Pod, but must be modelcache.io/v1alpha1"),
        ({**cache_policy(), "metadata": {}}, "document 1: metadata.name: is missing"),
        (cache_policy(default={}), "spec.default: is not known; did you mean defaults?"),
        (cache_policy(priority="high"), "spec.priority: must be a number, not a string"),
        (cache_policy(priority=10**7), "spec.priority: must be at most 1000000"),
        (cache_policy(unknownAnnotations="refuse"), 'must be one of Warn, Refuse, not "refuse"'),
        ({**cache_policy(), "spec": []}, "spec: must be a mapping, not a list"),
        (cache_policy(defaults={"strategy": "nfs"}), "spec.defaults.strategy: must be one of pvc, "),
        (cache_policy(defaults={"strategi": "pvc"}), "did you mean modelcache.io/strategy?"),
        (cache_policy(defaults={"model": "acme/coder"}), "spec.defaults.model: is not known"),
        (cache_policy(defaults={"host-path": "cache"}), "must be an absolute directory"),
        (
            cache_policy(
                namespaceSelector={"matchExpressions": [{"key": "a", "operator": "Equals"}]}
            ),
            '"Equals" is not one of In, NotIn, Exists, DoesNotExist',
        ),
        (
            cache_policy(namespaceSelector={"matchExpressions": [{"key": "a", "operator": "NotIn"}]}),
            'spec.namespaceSelector: "a": NotIn needs values',
        ),
        (
            cache_policy(
                namespaceSelector={
                    "matchExpressions": [{"key": "a", "operator": "Exists", "values": ["b"]}]
                }
            ),
            'spec.namespaceSelector: "a": Exists takes no values: remove them',
        ),
    ],
)  # fmt: skip
def test_fault(document: Any, said: str) -> None:
    # P1 78
    with pytest.raises(ValueError) as caught:  # noqa: PT011  # the words are compared below
        policy_of(document)
    assert said in str(caught.value)


def rules(**found: Any) -> Json:
    return cache_policy(rules=found)


WARN = {"mode": "warn"}


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (cache_policy(rules=[WARN]), "spec.rules: must be a mapping, not a list"),
        (rules(readOnlyMount=WARN), "spec.rules.readOnlyMount: is not known; did you mean readOnlyMounts?"),
        (rules(readOnlyMounts=None), "spec.rules.readOnlyMounts: must be a mapping, not null"),
        (rules(readOnlyMounts={}), "spec.rules.readOnlyMounts.mode: is missing"),
        (rules(readOnlyMounts={"mode": "deny"}), 'must be one of enforce, warn, audit, not "deny"'),
        (rules(readOnlyMounts={**WARN, "claim": []}), "spec.rules.readOnlyMounts.claim: is not known; did you mean claims?"),
        (rules(readOnlyMounts={**WARN, "claims": ["A"]}), 'spec.rules.readOnlyMounts.claims[0]: "A" is not a name such as model-store'),
        (rules(readOnlyMounts={**WARN, "except": ["a"]}), 'except[0]: "a" is not a pattern for namespace/name such as team/debug-*'),
        (rules(readOnlyMounts={**WARN, "except": []}), "except: must not be empty: add a value, or remove it"),
        (rules(readOnlyMounts={**WARN, "except": ["a/b", "a/b"]}), 'except[1]: "a/b" occurs twice: remove one'),
        (rules(readOnlyMounts={**WARN, "except": ["a/b\n"]}), "is not a pattern for namespace/name"),
        (rules(readOnlyMounts={**WARN, "except": ["a/" + "b" * 320]}), "except[0]: is longer than 320 characters"),
        (rules(readOnlyMounts={**WARN, "writers": [f"w{i}" for i in range(17)]}), "writers: has 17 values, and at most 16 are allowed"),
        (rules(allowedModels=WARN), "spec.rules.allowedModels: needs models, or catalogued: true"),
        (rules(allowedModels={**WARN, "models": ["a/b@c"]}), 'models[0]: "a/b@c" is not a pattern for org/name or a URI, such as meta-llama/* (without a revision, and not the name of a CachedModel)'),
        (rules(allowedModels={**WARN, "catalogued": "yes"}), "catalogued: must be true or false, not a string"),
        (rules(allowedStrategies={**WARN, "strategies": ["nfs"]}), 'strategies[0]: must be one of emptyDir, hostPath, image, pvc, not "nfs"'),
        (rules(allowedStrategies=WARN), "spec.rules.allowedStrategies.strategies: is missing"),
        (rules(maxMemoryModel={**WARN, "size": "8 GB"}), 'size: "8 GB" is not a quantity such as 512Mi or 16Gi'),
        (rules(maxMemoryModel={**WARN, "size": -1}), "size: must be at least 0"),
        (rules(hostPathRoots={**WARN, "roots": ["/a/../b"]}), '"/a/../b" is not an absolute directory'),
        (rules(hostPathRoots={**WARN, "roots": []}), "roots: must not be empty"),
        (rules(requireModel={**WARN, "detect": "gpu"}), "detect: must be one of "),
        (
            cache_policy(defaults={"strategy": "emptyDir"}, rules={"allowedStrategies": {**WARN, "strategies": ["pvc"]}}),
            "spec.defaults.strategy: is not one of rules.allowedStrategies.strategies",
        ),
    ],
)  # fmt: skip
def test_fault_of_a_rule(document: Any, said: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011  # the words are compared below
        policy_of(document)
    assert said in str(caught.value)


def test_every_fault_of_a_policy_is_named_at_once() -> None:
    document = cache_policy(
        priority="1",
        namespaceSelector={"matchExpressions": [{"key": "a", "operator": "In"}]},
        defaults={"clam": "x"},
        rules={"pinned": WARN, "maxSharedMemory": {"size": "x"}, "sharedClaims": {"mode": 1}},
    )
    with pytest.raises(ValueError) as caught:  # noqa: PT011  # the words are compared below
        policy_of(document)
    places = [
        fault.split(": ")[0] for fault in str(caught.value).split("document 1: ")[1].split("; spec")
    ]
    assert [place.removeprefix("spec") for place in places] == [
        ".priority", ".namespaceSelector", ".defaults.clam", ".rules.pinned",
        ".rules.maxSharedMemory.mode", ".rules.maxSharedMemory.size", ".rules.sharedClaims.mode",
    ]  # fmt: skip


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_is_read_with_its_parameters(rule: type[Rule]) -> None:
    values: Json = {
        "strategies": ["pvc"], "models": ["meta-llama/*"], "catalogued": True, "size": "16Gi",
        "claims": ["team-models"], "roots": ["/mnt/models"], "writers": ["filler"],
        "detect": "either", "mode": "audit", "except": ["team/debug-*"],
    }  # fmt: skip
    names = [field.encode_name for field in msgspec.structs.fields(rule)]
    [policy] = policy_of(rules(**{rule.name: {name: values[name] for name in names}})).policies
    [found] = policy.rules
    assert type(found) is rule
    assert msgspec.json.decode(msgspec.json.encode(found)) == {name: values[name] for name in names}


def test_every_fault_of_every_document_is_named() -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011  # the words are compared below
        load_policy([("a.yaml", {}), ("b.yaml", cached_model("x", "nowhere"))])
    assert [line.split(":")[0] for line in str(caught.value).splitlines()] == ["a.yaml", "b.yaml"]


def test_a_model_is_given_once() -> None:
    with pytest.raises(ValueError, match="CachedModel x: occurs twice"):
        policy_of(cached_model("x", "a/b"), cached_model("x", "a/c"))


def test_a_generation_is_of_the_content_not_of_its_form() -> None:
    model = cached_model("gpt2", source="hf://openai-community/gpt2@main", size="1Gi")
    policy = cache_policy(defaults={"claim": "models", "strategy": "pvc"})
    found = policy_of(model, policy).generation
    assert re.fullmatch("[0-9a-f]{12}", found)
    assert policy_of(_turned(model), _turned(policy)).generation == found
    assert policy_of(policy, model).generation != found
    assert policy_of(model, cache_policy(defaults={"claim": "other"})).generation != found
    assert Policy().generation == "none"


def _turned(content: Any) -> Any:
    """Return the same with the keys of each object in another order."""
    if not isinstance(content, dict):
        return content
    return {key: _turned(value) for key, value in reversed(content.items())}


def test_an_object_of_the_cluster_is_read_or_refused_with_every_fault() -> None:
    rules = {"pinnedRevisions": {"mode": "warn"}}
    for good in (
        cached_model("good", "acme/coder"),
        cache_policy("good", defaults={"claim": "models"}, rules=rules),
    ):
        read = read_object_of_cluster(good)
        assert (read.read.name, read.dropped) == ("good", [])
    assert fault(cached_model("bad", "nowhere", size="lots")).count("spec.") == 2
    bad = cache_policy("bad", rules={"maxMemoryModel": {"mode": "enforce"}})
    assert fault(bad) == "spec.rules.maxMemoryModel.size: is missing"
    assert fault("rubbish") == "is not a Kubernetes object"
    assert fault({"apiVersion": "v1", "kind": "Pod", "metadata": "x"}).startswith("is v1 Pod")


def fault(document: Any) -> str:
    with pytest.raises(ValueError) as caught:  # noqa: PT011  # the words are compared
        read_object_of_cluster(document)
    return str(caught.value)


def test_what_a_newer_schema_has_is_left_out_and_named() -> None:
    model = cached_model("coder", "acme/coder", stores=[{"name": "a"}], files={"deny": ["*"]})
    model["status"] = {"revision": "main", "nodes": {"ready": 3}}
    policy = cache_policy(
        defaults={"claim": "models", "shade": "x", "modelcache.io/strategy": "pvc"},
        rules={
            "signedModels": {"mode": "enforce"},
            "maxMemoryModel": {"mode": "enforce", "size": "16Gi", "burst": "1Gi"},
        },
        until="tomorrow",
    )
    entry, policies = read_object_of_cluster(model), read_object_of_cluster(policy)
    assert entry.dropped == ["spec.stores", "spec.files.deny"]
    assert policies.dropped == [
        "spec.until",
        "spec.defaults.shade",
        "spec.rules.signedModels",
        "spec.rules.maxMemoryModel.burst",
    ]
    assert isinstance(entry.read, CachedModel)
    assert entry.read.source.repository == "acme/coder"
    assert isinstance(policies.read, CachePolicy)
    assert policies.read.defaults == {"claim": "models", "strategy": "pvc"}
    assert [rule.name for rule in policies.read.rules] == ["maxMemoryModel"]
    for document, place in ((model, "spec.stores"), (policy, "spec.until")):  # files stay strict
        with pytest.raises(ValueError, match=f"{place}: is not known"):
            policy_of(document)
