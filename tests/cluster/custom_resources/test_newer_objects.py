"""A webhook that is older than the definitions in its cluster: what it reads, and what it says."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cluster.controllers.place import Place
from tests.cluster.custom_resources.test_knowledge import told
from tests.kubernetes.api import Object
from tests.kubernetes.controllers import Controller
from tests.kubernetes.custom_resources import served
from tests.kubernetes.registration import wait_until
from webhook.admission.policy.documents import MODELS, POLICIES, Policy
from webhook.custom_resources.definitions import definitions
from webhook.objects.facts import Facts
from webhook.server.knowledge import Knowledge
from webhook.server.telemetry.decisions import Telemetry

ANYTHING = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


def newer() -> list[Object]:
    """Return the definitions of a later version: each has a field that we don't know."""
    models, policies = copy.deepcopy(definitions())
    fields(models)["drain"] = ANYTHING
    fields(policies)["rules"]["properties"]["signedModels"] = ANYTHING
    fields(policies)["defaults"]["properties"]["shade"] = {"type": "string"}
    return [models, policies]


def fields(definition: Object) -> Object:
    (version,) = definition["spec"]["versions"]
    found: Object = version["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
    return found


def made(kind: str, name: str, **spec: Any) -> Object:
    head = {"apiVersion": "modelcache.io/v1alpha1", "kind": kind}
    return {**head, "metadata": {"name": name}, "spec": spec}


OBJECTS = [
    made("CachedModel", "coder", source="acme/coder", size="5Gi", drain={"after": "1h"}),
    made("CachedModel", "huge", source="acme/huge", size="2Pi"),
    made(
        "CachePolicy",
        "inference",
        defaults={"claim": "team-models", "shade": "x"},
        rules={"signedModels": {"mode": "enforce"}, "pinnedRevisions": {"mode": "warn"}},
    ),
]


@pytest.fixture
def watching(place: Place) -> Iterator[Controller]:
    with served(place.plane, newer()):
        for obj in OBJECTS:
            # While a definition is replaced, the API server says for a moment that there is no such kind.
            wait_until(
                lambda obj=obj: place.plane.api.create(obj, fieldValidation="Strict").code == 201,  # type: ignore[misc]
                f"{obj['metadata']['name']} is created",
            )
        with Controller(place.plane, place.options(facts=True)) as found:
            wait_until(
                lambda: all(told(found, kind) for kind in (POLICIES, MODELS)), "they are read", 30
            )
            yield found


def test_what_is_known_of_a_newer_object_holds_and_the_rest_is_named(watching: Controller) -> None:
    knowledge = Knowledge(Facts(), Policy(), Telemetry(lambda _: None), nodes=True)
    knowledge.begin()
    for message in list(watching.messages):
        knowledge.take(message)
    assert knowledge.policy.catalogue.named("coder").source.repository == "acme/coder"
    [policy] = knowledge.policy.policies
    assert policy.defaults == {"claim": "team-models"}
    assert [rule.name for rule in policy.rules] == ["pinnedRevisions"]
    words = (
        "cachedmodels/coder: spec.drain",
        "cachepolicies/inference: spec.defaults.shade, spec.rules.signedModels",
        'cachedmodels/huge: spec.size: "2Pi" is out of range',
    )
    # The concern follows each kind that was read.
    wait_until(
        lambda: all(word in watching.state.concerns.get("policy", "") for word in words),
        "the concern names all",
        30,
    )
