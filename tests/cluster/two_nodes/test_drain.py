"""A node is drained: its pods move and are injected again; pods on other nodes are not affected."""

import dataclasses
import subprocess
from collections.abc import Iterator
from typing import Any, Final

import pytest

from tests.kubernetes.api import Object
from tests.kubernetes.cluster import Cluster
from tests.kubernetes.inference_pods import (
    ask,
    container,
    deployment,
    pods_of,
    replicas_of,
    served,
    status_of,
)
from tests.kubernetes.registration import NamespaceFactory
from tests.store.models import COMMIT, publish

REPOSITORY: Final = "drained/model"
MODEL: Final = f"{REPOSITORY}@{COMMIT}"
DIRECTORY: Final = f"drained--model/{COMMIT}"
LOCAL: Final = "cannot delete Pods with local storage (use --delete-emptydir-data to override)"


@dataclasses.dataclass(frozen=True)
class Drained:
    """Two Deployments of two pods, one on each node: one with /dev/shm, one without."""

    cluster: Cluster
    shared: Object
    bare: Object

    def drain(self, workload: Object, *flags: str) -> subprocess.CompletedProcess[str]:
        """Drain the first node of the pods of one Deployment."""
        selector = f"--pod-selector=app={workload['metadata']['name']}"
        return self.cluster.kubectl("drain", "node-1", selector, "--timeout=50s", *flags)

    def uncordon(self) -> None:
        """Make the first node schedulable again."""
        done = self.cluster.kubectl("uncordon", "node-1")
        assert done.returncode == 0, done.stderr

    def placed(self, workload: Object) -> dict[str, list[str]]:
        """Return node → the containers of the workload's ready pods there."""
        found: dict[str, list[str]] = {}
        for pod in replicas_of(self.cluster, workload):
            now = self.cluster.ready(pod)
            identity = status_of(now, "vllm")["containerID"]
            found.setdefault(now["spec"]["nodeName"], []).append(identity)
        return found


@pytest.fixture
def drained(two_serving_nodes: Cluster, namespace: NamespaceFactory) -> Iterator[Drained]:
    cluster, where = two_serving_nodes, namespace(on=two_serving_nodes.plane)
    for node in cluster.nodes:
        publish(node.cache, REPOSITORY)
    shared, bare = (
        workload(where, name, size) for name, size in (("shared", "8Mi"), ("bare", "0"))
    )
    cluster.api.create(bare).expect(201)
    served(cluster, shared)
    found = Drained(cluster, shared, bare)
    assert set(found.placed(shared)) == set(found.placed(bare)) == {"node-1", "node-2"}
    yield found
    found.uncordon()
    gone: Object = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": where}}
    cluster.api.delete(gone)


def workload(namespace: str, name: str, shm: str) -> Object:
    asked = {"model": MODEL, "strategy": "hostPath", "placement": "none", "shm-size": shm}
    server: dict[str, Any] = container(request="32Mi", limit="64Mi")
    return deployment(namespace, asked, server, name=name, replicas=2)


def test_the_pods_of_a_drained_node_move_and_get_their_model_there(drained: Drained) -> None:
    before = {name: drained.placed(getattr(drained, name)) for name in ("shared", "bare")}
    refused = drained.drain(drained.shared)
    assert refused.returncode
    assert LOCAL in refused.stderr  # /dev/shm is an emptyDir
    for name, flags in (("bare", ()), ("shared", ("--delete-emptydir-data",))):
        workload = getattr(drained, name)
        done = drained.drain(workload, *flags)
        assert done.returncode == 0, done.stderr
        after = drained.placed(workload)
        assert set(after) == {"node-2"}
        assert len(after["node-2"]) == 2
        assert {*before[name]["node-2"]} < {*after["node-2"]}
        for pod in pods_of(drained.cluster, workload):
            (model,) = ask(drained.cluster, pod, "/report")["models"]
            assert model["path"] == f"/models/{DIRECTORY}"
