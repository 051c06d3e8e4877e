"""Pods of strategy hostPath go to the nodes that have the model, as `placement` says.

A label of the node says which models it has. This test computes the label's key independently.
"""

import contextlib
import hashlib
from collections.abc import Iterator
from typing import Any, Final

import pytest

from tests.kubernetes.api import Object
from tests.kubernetes.cluster import Cluster
from tests.kubernetes.inference_pods import PREFIX, container, created, deployment, pods_of
from tests.kubernetes.node import Node
from tests.kubernetes.node_configuration import SANDBOX_IMAGE
from tests.kubernetes.registration import NamespaceFactory, wait_until
from tests.store.models import COMMIT

BASE: Final = f"acme/base@{COMMIT}"
PREFERRED: Final = "preferredDuringSchedulingIgnoredDuringExecution"
DRAFT: Final = f"acme/draft@{COMMIT}"


def label(model: str) -> str:
    return PREFIX + hashlib.sha256(model.encode()).hexdigest()[:16]


def mark(cluster: Cluster, node: Node, model: str, value: str | None = "ready") -> None:
    node_object: Object = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": node.name}}
    cluster.api.merge(node_object, {"metadata": {"labels": {label(model): value}}}).expect(200)


@contextlib.contextmanager
def holding(cluster: Cluster, held: dict[Node, tuple[str, ...]]) -> Iterator[None]:
    """Publish models on nodes, and label these as a loader does."""
    pairs = [(node, model) for node, models in held.items() for model in models]
    for node, model in pairs:
        directory = node.cache / model.replace("/", "--").replace("@", "/")
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "config.json").write_text("{}")
        mark(cluster, node, model)
    try:
        yield
    finally:
        for node, model in pairs:
            mark(cluster, node, model, None)


def workload(namespace: str, model: str = BASE, placement: str = "", **more: Any) -> Object:
    """Return a Deployment of a container that sleeps, for one of the strategy's pods."""
    asked = {"model": model, "strategy": "hostPath", "shm-size": "8Mi"}
    asked |= {"placement": placement} if placement else {}
    asleep = container(image=SANDBOX_IMAGE)
    del asleep["args"], asleep["readinessProbe"]
    return deployment(namespace, asked, asleep, **more)


def nodes_of(cluster: Cluster, pods: list[Object]) -> list[str]:
    scheduled = [cluster.wait_for(pod, lambda now: "nodeName" in now["spec"]) for pod in pods]
    return sorted(pod["spec"]["nodeName"] for pod in scheduled)


def unschedulable(pod: Object) -> str:
    """Return why the scheduler did not schedule *pod*; empty as long as it has not reported that."""
    conditions = pod["status"].get("conditions", [])
    return next((one["message"] for one in conditions if one["reason"] == "Unschedulable"), "")


@pytest.fixture
def where(two_serving_nodes: Cluster, namespace: NamespaceFactory) -> Iterator[str]:
    """A namespace that is deleted with its pods, so that the next test finds the nodes idle."""
    name = namespace(on=two_serving_nodes.plane)
    yield name
    gone: Object = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    two_serving_nodes.api.delete(gone)


def test_pods_prefer_the_node_that_holds_the_model(two_serving_nodes: Cluster, where: str) -> None:
    cluster = two_serving_nodes
    _, second = cluster.nodes
    with holding(cluster, {second: (BASE,)}):
        pods = created(cluster, workload(where, replicas=3))
        assert nodes_of(cluster, pods) == ["node-2"] * 3
        for pod in pods:
            cluster.ready(pod)


def test_pods_prefer_the_node_that_holds_all_their_models(
    two_serving_nodes: Cluster, where: str
) -> None:
    cluster = two_serving_nodes
    first, second = cluster.nodes
    with holding(cluster, {first: (BASE, DRAFT), second: (DRAFT,)}):
        pods = created(cluster, workload(where, f"{DRAFT},{BASE}", replicas=2))
        assert nodes_of(cluster, pods) == ["node-1"] * 2


def test_pods_with_placement_none_spread_as_if_every_node_held_the_model(
    two_serving_nodes: Cluster, where: str
) -> None:
    cluster = two_serving_nodes
    _, second = cluster.nodes
    with holding(cluster, {second: (BASE,)}):
        pods = created(cluster, workload(where, placement="none", replicas=2))
        assert not [pod for pod in pods if "affinity" in pod["spec"]]
        assert nodes_of(cluster, pods) == ["node-1", "node-2"]


def test_a_preference_lets_a_pod_run_on_a_node_without_the_model(
    two_serving_nodes: Cluster, where: str
) -> None:
    cluster = two_serving_nodes
    _, second = cluster.nodes
    with holding(cluster, {second: (BASE,)}):
        hostname = {"kubernetes.io/hostname": "node-1"}
        pods = created(cluster, workload(where, nodeSelector=hostname))
        assert nodes_of(cluster, pods) == ["node-1"]


def test_a_pod_that_requires_the_model_waits_for_a_node_that_has_it(
    two_serving_nodes: Cluster, where: str
) -> None:
    cluster = two_serving_nodes
    first, second = cluster.nodes
    with holding(cluster, {first: (BASE,)}):
        mark(cluster, first, BASE, "loading")
        (pod,) = created(cluster, workload(where, placement="required"))
        waiting = cluster.wait_for(pod, lambda now: bool(unschedulable(now)))
        assert "2 node(s) didn't match Pod's node affinity/selector" in unschedulable(waiting)
        with holding(cluster, {second: (BASE,)}):
            assert nodes_of(cluster, [pod]) == ["node-2"]
            cluster.ready(pod)
        # Only the scheduler needs the label: the running pod stays without it.
        assert cluster.ready(pod)["spec"]["nodeName"] == "node-2"


def test_a_required_model_is_added_to_each_alternative_of_the_author(
    two_serving_nodes: Cluster, where: str
) -> None:
    cluster = two_serving_nodes
    _, second = cluster.nodes
    either = [
        {
            "matchExpressions": [
                {"key": "kubernetes.io/hostname", "operator": "In", "values": [name]}
            ]
        }
        for name in ("node-1", "node-2")
    ]
    affinity = {
        "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": either}
        }
    }
    with holding(cluster, {second: (BASE,)}):
        asked = workload(where, placement="required", replicas=2, affinity=affinity)
        assert nodes_of(cluster, created(cluster, asked)) == ["node-2"] * 2


def test_the_pods_of_a_daemonset_stay_bound_to_every_node(
    two_serving_nodes: Cluster, where: str
) -> None:
    cluster = two_serving_nodes
    _, second = cluster.nodes
    asked = workload(where, placement="required")
    asked["kind"] = "DaemonSet"
    del asked["spec"]["replicas"]
    with holding(cluster, {second: (BASE,)}):
        cluster.api.create(asked).expect(201)
        wait_until(lambda: len(pods_of(cluster, asked)) == 2, "a pod for each node")
        pods = pods_of(cluster, asked)
        assert nodes_of(cluster, pods) == ["node-1", "node-2"]
        for pod in pods:  # with that requirement it would fit no node
            (preferred,) = pod["spec"]["affinity"]["nodeAffinity"][PREFERRED]
            assert label(BASE) in str(preferred)
