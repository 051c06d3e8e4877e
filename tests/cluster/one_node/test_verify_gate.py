"""A directory that is not a model passes every check of Kubernetes; only the gate reads it.

A claim on a hostPath volume, the default of small local clusters, is never mounted. So its `readOnly`
prevents no one from creating a directory on it. And `type: Directory` of the node cache only says
that there is a directory.
"""

import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.kubernetes.api import Object
from tests.kubernetes.cluster import Cluster
from tests.kubernetes.inference_pods import (
    ask,
    container,
    created,
    deleted_at_end,
    deployment,
    files_of,
    ready,
    status_of,
)
from tests.kubernetes.local_volume import bind
from tests.kubernetes.node import MODEL_CACHE
from tests.kubernetes.registration import create_namespace
from tests.store import models

NAMESPACE: Final = f"gate-{os.getpid()}"
WEIGHTS: Final = "model.safetensors"
CACHE: Final = f"{MODEL_CACHE}/{NAMESPACE}"
GATE: Final = "modelcache-verify"
WORKLOADS: Final = {
    "absent": {"strategy": "pvc", "model": "example/absent"},
    "absent-verified": {"strategy": "pvc", "model": "example/verified", "verify": "true"},
    "cut": {"strategy": "hostPath", "model": "example/cut"},
    "cut-verified": {"strategy": "hostPath", "model": "example/cut", "verify": "true"},
}


@dataclasses.dataclass(frozen=True)
class Gated:
    """Pods without a complete model, and the path where it belongs."""

    cluster: Cluster
    store: Path
    size: int
    """Size of the weights before they were truncated."""
    pods: dict[str, Object]


@pytest.fixture(scope="module")
def gated(serving_cluster: Cluster) -> Iterator[Gated]:
    cluster, (node,) = serving_cluster, serving_cluster.nodes
    create_namespace(cluster.plane, NAMESPACE)
    store = bind(cluster, node, NAMESPACE, "model-store", source="hostPath")
    cut = models.sharded(node.disk(CACHE) / "example--cut" / "main", shards=1) / WEIGHTS
    size = cut.stat().st_size
    os.truncate(cut, size - 1)
    memory = {"memory": "64Mi"}
    resources = {"requests": {**memory, "cpu": "10m"}, "limits": {**memory, "cpu": "500m"}}
    asked = {"mount-path": "/model", "shm-size": "0"}
    workloads = {
        name: deployment(
            NAMESPACE,
            {**asked, **annotations} | ({"host-path": CACHE} if "cut" in name else {}),
            container(resources=resources),
            name=name,
        )
        for name, annotations in WORKLOADS.items()
    }
    with deleted_at_end(cluster, workloads.values()):
        pods = {name: created(cluster, workload)[0] for name, workload in workloads.items()}
        yield Gated(
            cluster, store, size, {name: settled(cluster, pod) for name, pod in pods.items()}
        )


def settled(cluster: Cluster, pod: Object) -> Object:
    """Return *pod* once it is ready, or one of its containers has failed."""
    return cluster.wait_for(pod, lambda pod: ready(pod) or bool(failures(pod)))


def failures(pod: Object) -> dict[str, Object]:
    """Return container → its last failure, for those that failed."""
    status = pod["status"]
    every = [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]
    ends = {one["name"]: {**one["lastState"], **one["state"]}.get("terminated") for one in every}
    return {name: end for name, end in ends.items() if end and end["exitCode"]}


def test_without_the_gate_a_server_starts_in_a_directory_made_by_the_kubelet(gated: Gated) -> None:
    assert [*(gated.store / "example--absent" / "main").iterdir()] == []
    end = failures(gated.pods["absent"])["vllm"]
    assert end["message"] == "/model: is empty"  # which the server found out by itself


def test_the_gate_keeps_a_server_from_starting_in_a_directory_made_by_the_kubelet(
    gated: Gated,
) -> None:
    assert [*(gated.store / "example--verified" / "main").iterdir()] == []
    end = failures(gated.pods["absent-verified"])[GATE]
    assert "/model: is empty: the model was not published here" in end["message"]
    assert_not_started(gated.pods["absent-verified"])


def test_without_the_gate_a_server_serves_a_truncated_model(gated: Gated) -> None:
    (model,) = ask(gated.cluster, gated.pods["cut"], "/report")["models"]
    assert model["files"][WEIGHTS]["size"] == gated.size - 1


def test_the_gate_keeps_a_server_from_a_truncated_model(gated: Gated) -> None:
    end = failures(gated.pods["cut-verified"])[GATE]
    fault = f"{WEIGHTS}: has {gated.size - 1} bytes, its header says {gated.size}"
    assert f"/model: {fault}" in end["message"]
    assert_not_started(gated.pods["cut-verified"])


def assert_not_started(pod: Object) -> None:
    server = status_of(pod, "vllm")
    assert "containerID" not in server
    assert server["state"]["waiting"]["reason"] == "PodInitializing"


def test_the_gate_lets_the_server_start_once_the_model_is_published(gated: Gated) -> None:
    # The kubelet's directory is empty, so the loader replaces it.
    directory = models.sharded(gated.store / ".incoming" / "verified")
    files = files_of(directory)
    directory.rename(gated.store / "example--verified" / "main")
    pod = gated.cluster.ready(gated.pods["absent-verified"])
    assert status_of(pod, "vllm")["restartCount"] == 0
    (model,) = ask(gated.cluster, pod, "/report")["models"]
    assert model["files"] == files
