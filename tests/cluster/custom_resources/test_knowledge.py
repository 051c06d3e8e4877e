"""What the controller sends of the cluster, from real API servers and through faulty networks."""

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.controllers.place import Place
from tests.kubernetes.api import Object
from tests.kubernetes.controllers import Controller
from tests.kubernetes.faulty_proxy import FaultyProxy, Spoilt
from tests.kubernetes.registration import wait_until
from webhook.controller.knowledge import KINDS
from webhook.controller.messages import Changed, Relisted, Seen, Synced, Version

BUILT_IN = {kind.name for kind in KINDS[2:]}


def told(controller: Controller, kind: str) -> dict[str, Any]:
    """Return what is known of *kind* after all messages."""
    found: dict[str, Any] = {}
    for message in list(controller.messages):
        if isinstance(message, Changed) and message.kind == kind:
            found |= message.there
            for key in message.gone:
                found.pop(key)
    return found


def synced(controller: Controller) -> set[str]:
    return {message.kind for message in controller.messages if isinstance(message, Synced)}


def claim(place: Place, name: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "namespace": place.namespace},
        "spec": {
            "accessModes": ["ReadWriteMany"],
            "resources": {"requests": {"storage": "1Gi"}},
            "storageClassName": "",
        },
    }


@pytest.fixture
def watching(place: Place) -> Iterator[Controller]:
    with Controller(place.plane, place.options(facts=True)) as found:
        wait_until(lambda: synced(found) >= {kind.name for kind in KINDS}, "all kinds are read", 30)
        yield found


def test_every_kind_is_read_and_the_version_too(watching: Controller) -> None:
    assert {kind.name for kind in KINDS} <= synced(watching)
    wait_until(lambda: any(isinstance(m, Version) for m in watching.messages), "the version")
    (version, *_) = [m for m in watching.messages if isinstance(m, Version)]
    assert version.major == 1
    assert version.minor >= 37
    assert told(watching, "namespaces")["kube-system"] == {
        "kubernetes.io/metadata.name": "kube-system"
    }


def test_a_claim_is_known_from_its_creation_to_its_end(place: Place, watching: Controller) -> None:
    key = f"{place.namespace}/models"
    place.plane.api.create(claim(place, "models")).expect(201)
    wait_until(lambda: key in told(watching, "persistentvolumeclaims"), "it is known")
    assert told(watching, "persistentvolumeclaims")[key] == [["ReadWriteMany"], "Pending"]
    place.plane.api.delete(claim(place, "models")).expect()
    wait_until(lambda: key not in told(watching, "persistentvolumeclaims"), "it is forgotten")


def test_a_label_of_a_namespace_is_followed(place: Place, watching: Controller) -> None:
    obj = place.plane.api.get("v1", "Namespace", place.namespace).expect().body
    obj["metadata"].setdefault("labels", {})["team"] = "inference"
    place.plane.api.replace(obj).expect()
    wait_until(
        lambda: told(watching, "namespaces")[place.namespace].get("team") == "inference",
        "the label is known",
    )


def test_of_a_node_only_our_labels_are_sent(place: Place, watching: Controller) -> None:
    labels = {"modelcache.io/0123": "ready", "modelcache.io/4567": "loading", "zone": "a"}
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1", "labels": labels}}
    place.plane.api.create(node).expect(201)
    try:
        wait_until(lambda: "n1" in told(watching, "nodes"), "it is known")
        assert told(watching, "nodes")["n1"] == ["modelcache.io/0123"]
    finally:
        place.plane.api.delete(node).expect()


def test_bounds_and_quotas_are_sent_as_far_as_they_concern_memory(
    place: Place, watching: Controller
) -> None:
    meta = {"name": "bounds", "namespace": place.namespace}
    limits = [{"type": "Container", "max": {"memory": "4Gi"}}]
    quota = {"hard": {"requests.memory": "1Gi", "pods": "3"}}
    for kind, spec in (("LimitRange", {"limits": limits}), ("ResourceQuota", quota)):
        obj = {"apiVersion": "v1", "kind": kind, "metadata": meta, "spec": spec}
        place.plane.api.create(obj).expect(201)
    key = f"{place.namespace}/bounds"
    wait_until(lambda: key in told(watching, "limitranges"), "the LimitRange is known")
    (entry,) = told(watching, "limitranges")[key]
    assert (entry["type"], entry["max"]) == ("Container", {"memory": "4Gi"})
    wait_until(
        lambda: told(watching, "resourcequotas").get(key, {}).get("used"), "the quota is counted"
    )
    assert told(watching, "resourcequotas")[key] == {
        "hard": {"requests.memory": "1Gi"},
        "used": {"requests.memory": "0"},
    }


@pytest.fixture
def proxy(place: Place, tmp_path: Path) -> Iterator[FaultyProxy]:
    with FaultyProxy(place.plane, tmp_path) as found:
        yield found


def test_nodes_are_not_asked_for_unless_they_shall_be(place: Place, proxy: FaultyProxy) -> None:
    asked = []
    proxy.spoil = lambda _, path: asked.append(path)
    options = place.options(facts=True, node_facts=False)
    with Controller(place.plane, options, proxy.kubeconfig) as found:
        wait_until(lambda: synced(found) >= BUILT_IN - {"nodes"}, "all other kinds are read")
    assert not [path for path in asked if path.startswith("/api/v1/nodes")]


EXPIRED = b'{"type":"ERROR","object":{"kind":"Status","code":410,"message":"too old"}}'
FAULTS = {
    "ends at once": Spoilt(),
    "says that it is too old": Spoilt(200, EXPIRED),
    "is refused as too old": Spoilt(410, b"{}"),
    "is refused for overload": Spoilt(429, b"later", {"Retry-After": "1"}),
    "is refused by a fault": Spoilt(500, b"no"),
    "is no JSON": Spoilt(200, b"<html>\n" * 1000),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_few_requests_are_made_while_every_watch(
    place: Place, proxy: FaultyProxy, fault: Spoilt
) -> None:
    asked: Counter[str] = Counter()

    def spoil(_: str, path: str) -> Spoilt | None:
        asked[path.partition("?")[0]] += 1
        return fault if "watch=true" in path else None

    proxy.spoil = spoil
    with Controller(place.plane, place.options(facts=True), proxy.kubeconfig) as found:
        wait_until(lambda: synced(found) >= BUILT_IN, "all kinds are read", 30)
        time.sleep(5)
    counts = {kind.name: asked[kind.path] for kind in KINDS}
    assert max(counts.values()) <= 14, counts  # a list and a watch after 0.5 s, 1 s, 2 s, 4 s …
    assert min(counts.values()) >= 1


def test_a_kind_that_must_not_be_read_is_a_concern_and_the_others_are_known(
    place: Place, proxy: FaultyProxy
) -> None:
    message = b'{"kind":"Status","message":"User \\"x\\" cannot list resource \\"nodes\\""}'
    proxy.spoil = lambda _, path: Spoilt(403, message) if path.startswith("/api/v1/nodes") else None
    with Controller(place.plane, place.options(facts=True), proxy.kubeconfig) as found:
        wait_until(lambda: "facts" in found.state.concerns, "the concern is reported", 30)
        assert 'nodes: User "x" cannot list resource "nodes"' in found.state.concerns["facts"]
        wait_until(lambda: synced(found) >= BUILT_IN - {"nodes"}, "all other kinds are read")
        assert "nodes" not in synced(found)
        ages = [message.ages for message in found.messages if isinstance(message, Seen)]
        assert all("nodes" not in one for one in ages)


def test_what_was_deleted_during_a_lost_watch_is_gone_after_the_next_list(
    place: Place, proxy: FaultyProxy
) -> None:
    key = f"{place.namespace}/models"
    place.plane.api.create(claim(place, "models")).expect(201)
    proxy.spoil = lambda _, path: Spoilt() if "watch=true" in path else None
    with Controller(place.plane, place.options(facts=True), proxy.kubeconfig) as found:
        wait_until(lambda: key in told(found, "persistentvolumeclaims"), "it is known")
        place.plane.api.delete(claim(place, "models")).expect()
        proxy.spoil = lambda _, path: Spoilt(410, b"{}") if "watch=true" in path else None
        wait_until(lambda: key not in told(found, "persistentvolumeclaims"), "it is gone", 30)
        assert any(isinstance(m, Relisted) and m.reason == "expired" for m in found.messages)
