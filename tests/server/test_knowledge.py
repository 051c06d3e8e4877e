"""What the server makes of the controller's messages about the cluster."""

import asyncio
import string
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.server.reviews import OPT_IN, body, pod
from webhook.admission.policy.documents import MODELS, POLICIES, Policy, load_policy
from webhook.controller.messages import Changed, Message, Seen, Synced, Version
from webhook.objects.facts import (
    CLAIMS,
    LIMIT_RANGES,
    NAMESPACES,
    NODES,
    QUOTAS,
    Claim,
    Facts,
)
from webhook.offline.snapshot import Snapshot
from webhook.server.knowledge import GRACE_SECONDS, Knowledge
from webhook.server.reviews.reviewer import Reviewer, TooEarly
from webhook.server.telemetry.decisions import Telemetry

ALL = (POLICIES, MODELS, NAMESPACES, CLAIMS, LIMIT_RANGES, QUOTAS, NODES)
NONE = Policy()
CLAIM = [["ReadWriteMany"], "Bound"]


def telemetry() -> Telemetry:
    return Telemetry(lambda _: None)


def knowing(*messages: Message, files: Policy = NONE, **facts: Any) -> Knowledge:
    """Return what is known after *messages*, once every kind was read."""
    found = Knowledge(Facts(**facts), files, telemetry(), nodes=True)
    found.begin()
    for message in (*messages, *map(Synced, ALL)):
        found.take(message)
    return found


def policy(name: str, **spec: Any) -> dict[str, Any]:
    head = {"apiVersion": "modelcache.io/v1alpha1", "kind": "CachePolicy"}
    return {**head, "metadata": {"name": name}, "spec": spec}


def model(name: str, source: str) -> dict[str, Any]:
    head = {"apiVersion": "modelcache.io/v1alpha1", "kind": "CachedModel"}
    return {**head, "metadata": {"name": name}, "spec": {"source": source}}


def test_nothing_is_known_before_it_was_read() -> None:
    found = Knowledge(Facts(), NONE, telemetry(), nodes=True).of("a")
    assert (found.namespace_labels, found.claims, found.nodes) == (None, None, None)


def test_a_replica_is_ready_once_every_kind_was_read() -> None:
    found = Knowledge(Facts(), NONE, telemetry(), nodes=True)
    missing = ", ".join((*ALL, "version"))
    assert found.readiness().missing == {"facts": f"{missing}: not read yet"}
    for kind in ALL[:-1]:
        found.take(Synced(kind))
    assert found.readiness().missing == {"facts": "nodes, version: not read yet"}
    found.take(Synced(NODES))
    found.take(Version(1, 37))
    assert found.readiness().ready


def test_a_replica_waits_for_policy_as_long_as_it_takes_but_not_for_other_facts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("webhook.server.knowledge.PATIENCE_SECONDS", 0)
    found = Knowledge(Facts(), NONE, telemetry(), nodes=True)
    assert found.readiness().missing == {"facts": "cachepolicies, cachedmodels: not read yet"}
    found.take(Synced(POLICIES))
    found.take(Synced(MODELS))
    assert found.readiness().ready


def test_nodes_that_are_not_watched_are_unknown_and_not_waited_for() -> None:
    found = Knowledge(Facts(), NONE, telemetry(), nodes=False)
    for kind in ALL:
        if kind != NODES:
            found.take(Synced(kind))
    found.take(Version(1, 37))
    assert found.readiness().ready
    assert found.of("a").nodes is None
    assert found.of("a").why_unknown(NODES) == "nodes are not known"


def test_facts_are_the_same_object_until_something_of_the_namespace_changes() -> None:
    known = knowing(Changed(CLAIMS, {"a/models": CLAIM, "b/models": CLAIM}))
    a, b = known.of("a"), known.of("b")
    assert known.of("a") is a
    known.take(Changed(CLAIMS, {"a/more": CLAIM}))
    assert known.of("b") is b
    assert set(known.of("a").claims or ()) == {"models", "more"}


def test_a_kind_whose_watch_has_died_is_unknown_until_it_lives_again() -> None:
    known = knowing(Changed(CLAIMS, {"a/models": CLAIM}), Changed(NAMESPACES, {"a": {"x": "y"}}))
    known.take(Seen({CLAIMS: 91.0, NAMESPACES: 1.0}))
    assert known.of("a").claims is None
    assert known.of("a").why_unknown(CLAIMS) == "claims could not be looked at for 2 min"
    assert known.of("a").namespace_labels == {"x": "y"}
    known.take(Seen({CLAIMS: 2.0}))
    assert known.of("a").claims == {"models": Claim(access_modes=("ReadWriteMany",), phase="Bound")}


def test_the_last_good_policy_holds_when_its_watch_has_died() -> None:
    known = knowing(Changed(POLICIES, {"p": policy("p", defaults={"claim": "models"})}))
    known.take(Seen({POLICIES: 9999.0, MODELS: 9999.0}))
    known.refresh()
    assert known.policy.defaults("a", {}) == {"claim": "models"}


def test_what_a_new_controller_does_not_send_again_is_gone() -> None:
    known = knowing(
        Changed(CLAIMS, {"a/old": CLAIM, "a/kept": CLAIM}),
        Changed(MODELS, {"old": model("old", "org/old"), "kept": model("kept", "org/kept")}),
    )
    known.begin()
    known.take(Changed(CLAIMS, {"a/kept": CLAIM}))
    known.take(Changed(MODELS, {"kept": model("kept", "org/kept")}))
    assert set(known.of("a").claims or ()) == {"old", "kept"}
    for kind in ALL:
        known.take(Synced(kind))
    assert set(known.of("a").claims or ()) == {"kept"}
    assert [one.name for one in known.policy.models] == ["kept"]


def test_the_generation_depends_on_the_documents_alone() -> None:
    one = {"p": policy("p", defaults={"claim": "models"})}
    two = {"q": policy("q", defaults={"claim": "other"})}
    first = knowing(Changed(POLICIES, one), Changed(POLICIES, two))
    second = knowing(Changed(POLICIES, two | one))
    assert first.policy.generation == second.policy.generation != "none"
    second.take(Changed(POLICIES, gone=["q"]))
    assert second.policy.generation == knowing(Changed(POLICIES, one)).policy.generation
    assert knowing().policy.generation == "none"


def test_an_object_of_the_cluster_wins_over_a_file_and_that_is_a_concern() -> None:
    files = load_policy(
        [
            ("f", policy("p", defaults={"claim": "files"})),
            ("f", policy("only", priority=-1, defaults={"shm-size": "1Gi"})),
        ]
    )
    known = knowing(
        Changed(POLICIES, {"p": policy("p", defaults={"claim": "cluster"})}), files=files
    )
    assert known.policy.defaults("a", {}) == {"claim": "cluster", "shm-size": "1Gi"}
    assert known.readiness().concerns == {
        "policy": "CachePolicy p: in --policy and in the cluster, which wins"
    }


EVERY_POD = {"rules": {"requireModel": {"mode": "warn"}, "pinnedRevisions": {"mode": "warn"}}}


def test_a_rule_of_a_file_that_the_api_server_would_have_to_enforce_is_a_concern() -> None:
    files = load_policy([("f", policy("p", **EVERY_POD))])
    assert knowing(files=files).readiness().concerns == {
        "rules": "p requireModel: holds only for what annotated pods request, since the API server "
        "does not read --policy: create the CachePolicy in the cluster"
    }
    same = knowing(Changed(POLICIES, {"p": policy("p", **EVERY_POD)}), files=files)
    assert list(same.readiness().concerns) == ["policy"]


@pytest.mark.parametrize(("minor", "concerned"), [(29, True), (30, False)])
def test_a_rule_that_an_older_api_server_cannot_enforce_is_a_concern(
    minor: int, concerned: bool
) -> None:
    known = knowing(Version(1, minor), Changed(POLICIES, {"p": policy("p", **EVERY_POD)}))
    said = known.readiness().concerns
    assert ("p requireModel: " in said.get("rules", "")) is concerned
    assert ("Kubernetes before 1.30" in said.get("rules", "")) is concerned


def test_the_version_is_the_servers_unless_the_operator_says_another() -> None:
    assert knowing(Version(1, 35)).of("a").kube_version == (1, 35)
    assert knowing(Version(1, 35), kube_version=(1, 30)).of("a").kube_version == (1, 30)


def test_a_policy_by_labels_holds_where_the_labels_are() -> None:
    selects = {"matchLabels": {"team": "inference"}}
    chosen = policy("p", namespaceSelector=selects, defaults={"claim": "team-models"})
    known = knowing(
        Changed(POLICIES, {"p": chosen}),
        Changed(NAMESPACES, {"a": {"team": "inference"}, "b": {"team": "web"}}),
    )
    labels = known.of("a").namespace_labels, known.of("b").namespace_labels
    assert [known.policy.defaults(ns, of) for ns, of in zip("ab", labels, strict=True)] == [
        {"claim": "team-models"},
        {},
    ]


def test_a_kept_answer_is_dropped_with_what_it_rests_on() -> None:
    known = knowing()
    reviewer = Reviewer(known, telemetry())
    review = body(pod({**OPT_IN, "modelcache.io/strategy": "pvc"}))
    first = reviewer.review_pod(review)
    assert reviewer.review_pod(review) == first
    known.take(Changed(POLICIES, {"p": policy("p", defaults={"claim": "team-models"})}))
    assert reviewer.review_pod(review) != first


AUTO = {"modelcache.io/model": "org/name"}


def test_a_pod_waits_a_moment_for_the_claim_that_is_applied_with_it() -> None:
    known = knowing()
    reviewer = Reviewer(known, telemetry())
    review = body(pod(AUTO))
    with pytest.raises(TooEarly) as early:
        reviewer.review_pod(review)

    async def applied() -> float:
        asyncio.get_running_loop().call_later(
            0.02, known.take, Changed(CLAIMS, {"inference/model-store": CLAIM})
        )
        began = time.monotonic()
        await reviewer.settled(early.value)
        return time.monotonic() - began

    assert asyncio.run(applied()) < GRACE_SECONDS
    assert b"MC137" not in reviewer.review_pod(review)


def test_a_claim_that_does_not_come_is_waited_for_only_that_moment() -> None:
    known = knowing()
    reviewer = Reviewer(known, telemetry())
    asyncio.run(known.settled("inference", "model-store"))
    assert b"MC137" in reviewer.review_pod(body(pod(AUTO)), settled=True)


def test_a_pod_that_names_its_strategy_waits_for_nothing() -> None:
    assert b"MC137" in Reviewer(knowing(), telemetry()).review_pod(body(pod(OPT_IN)))


WORDS = st.text(string.ascii_lowercase, min_size=1, max_size=3)
MODES = st.sampled_from([[], ["ReadWriteOnce"], ["ReadWriteMany", "ReadOnlyMany"]])
PHASES = st.sampled_from(["Pending", "Bound"])
CHANGES = st.lists(
    st.one_of(
        st.tuples(st.just(CLAIMS), st.sampled_from("ab"), WORDS, st.none() | st.tuples(MODES, PHASES)),
        st.tuples(
            st.just(NAMESPACES), st.sampled_from("ab"), st.just(""),
            st.none() | st.dictionaries(WORDS, WORDS, max_size=2),
        ),
        st.tuples(
            st.just(NODES), WORDS, st.just(""),
            st.none() | st.lists(st.sampled_from(["modelcache.io/1", "modelcache.io/2"]), unique=True),
        ),
    ),
    max_size=20,
)  # fmt: skip


@given(CHANGES)
def test_facts_are_those_of_a_dump_of_the_same_cluster(changes: list[Any]) -> None:
    """The promise of `modelcache check --cluster`: it says what the webhook would say."""
    known = knowing()
    state: dict[tuple[str, str], Any] = {}
    for kind, first, second, kept in changes:
        key = f"{first}/{second}" if kind == CLAIMS else first
        if kept is None:
            state.pop((kind, key), None)
            known.take(Changed(kind, gone=[key]))
        else:
            state[kind, key] = kept
            known.take(Changed(kind, {key: kept}))
        known.of("a")
    dump = Snapshot.of(
        [("cluster", dumped(kind, key, kept)) for (kind, key), kept in state.items()],
        [],
        namespace="default",
        everywhere=Facts(),
    )
    for namespace in "ab":
        found, wanted = known.of(namespace), dump.facts(namespace)
        assert found.namespace_labels == wanted.namespace_labels
        assert (found.claims or {}) == (wanted.claims or {})
        assert sorted(map(sorted, found.nodes or ())) == sorted(map(sorted, wanted.nodes or ()))


def dumped(kind: str, key: str, kept: Any) -> dict[str, Any]:
    if kind == NAMESPACES:
        return {"kind": "Namespace", "metadata": {"name": key, "labels": kept}}
    if kind == NODES:
        return {"kind": "Node", "metadata": {"name": key, "labels": dict.fromkeys(kept, "ready")}}
    namespace, _, name = key.partition("/")
    modes, phase = kept
    return {
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"accessModes": modes},
        "status": {"phase": phase},
    }
