"""CachePolicy documents: what they select, which defaults they set, and their mistakes."""

import re
from typing import Any

import pytest

from tests.admission.admitting import Webhook, cache_policy, cached_model, pod_of, policy_of
from webhook.admission.policy.documents import Policy, load_policy

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
        (cache_policy(rules=[{"allowedStrategies": ["pvc"]}]), "this version enforces no rules"),
        (cache_policy(default={}), "unknown field `default`"),
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
