"""A revision that moves, such as `main`, is a link in the store; a running server keeps its commit."""

import dataclasses
import hashlib
import os
import signal
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
    pods_of,
    ready,
    root_of,
    status_of,
)
from tests.kubernetes.local_volume import bind
from tests.kubernetes.node import MODEL_CACHE
from tests.kubernetes.registration import create_namespace
from tests.store import models

NAMESPACE: Final = f"moving-{os.getpid()}"
MODEL: Final = "example--model"
CACHE: Final = f"{MODEL_CACHE}/{NAMESPACE}"
FIRST, SECOND = "1" * 40, "2" * 40
WEIGHTS: Final = "model.safetensors"
ANNOTATIONS: Final = {
    "claim": {"strategy": "pvc"},
    "node cache": {"strategy": "hostPath", "host-path": CACHE},
}


def publish(store: Path, size: int, commit: str) -> Path:
    """Publish a commit of the model, to which `main` then leads; return its folder."""
    return models.publish(store, "example/model", size, shards=1, commit=commit)


def point(link: Path, commit: str) -> None:
    """Make *link* lead to *commit*, in one step."""
    new = link.with_name(f".{link.name}.new")
    new.symlink_to(commit)
    new.rename(link)


def seen_now(cluster: Cluster, pod: Object) -> str:
    """Return the digest of the weights that a running server has."""
    return digest(root_of(cluster, pod) / "models" / MODEL / "main" / WEIGHTS)


def digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


@dataclasses.dataclass(frozen=True)
class Switched:
    """The state after `main` has moved from one commit to another."""

    cluster: Cluster
    commits: list[str]
    """Digests of the weights of both commits."""
    old: Object
    """A pod that started before that."""
    new: Object


@pytest.fixture(scope="module")
def switched(serving_cluster: Cluster) -> Iterator[dict[str, Switched]]:
    cluster, (node,) = serving_cluster, serving_cluster.nodes
    create_namespace(cluster.plane, NAMESPACE)
    claim = bind(cluster, node, NAMESPACE, "model-store")
    stores = {"claim": claim, "node cache": node.disk(CACHE)}
    commits: dict[str, list[str]] = {}
    for where, store in stores.items():
        published = [publish(store, 256, SECOND), publish(store, 128, FIRST)]
        commits[where] = [digest(directory / WEIGHTS) for directory in reversed(published)]
    workloads = {
        where: deployment(
            NAMESPACE,
            {"model": "example/model", "shm-size": "0", **asked},
            container(request="32Mi", limit="64Mi"),
            name=where.replace(" ", "-"),
        )
        for where, asked in ANNOTATIONS.items()
    }
    with deleted_at_end(cluster, workloads.values()):
        before = {where: created(cluster, workload)[0] for where, workload in workloads.items()}
        for pod in before.values():
            cluster.ready(pod)
        for where, store in stores.items():
            point(store / MODEL / "main", SECOND)
            cluster.api.merge(workloads[where], {"spec": {"replicas": 2}}).expect()
        yield {
            where: Switched(cluster, commits[where], *in_order(cluster, workload, before[where]))
            for where, workload in workloads.items()
        }


def in_order(cluster: Cluster, workload: Object, first: Object) -> list[Object]:
    """Return the two pods of *workload*, ready, *first* before the other."""
    cluster.plane.server.wait_until(lambda: len(pods_of(cluster, workload)) == 2)
    pods = [cluster.ready(pod) for pod in pods_of(cluster, workload)]
    return sorted(pods, key=lambda pod: pod["metadata"]["uid"] != first["metadata"]["uid"])


@pytest.mark.parametrize("where", ANNOTATIONS)
def test_a_running_pod_keeps_the_commit_that_it_started_with(
    switched: dict[str, Switched], where: str
) -> None:
    one = switched[where]
    assert one.old["status"]["containerStatuses"][0]["restartCount"] == 0
    assert seen_now(one.cluster, one.old) == one.commits[0]


@pytest.mark.parametrize("where", ANNOTATIONS)
def test_a_pod_that_starts_later_has_the_new_commit(
    switched: dict[str, Switched], where: str
) -> None:
    one = switched[where]
    (model,) = ask(one.cluster, one.new, "/report")["models"]
    assert model["files"][WEIGHTS]["sha256"] == one.commits[1]
    assert seen_now(one.cluster, one.new) == one.commits[1]


@pytest.mark.parametrize("where", ANNOTATIONS)
def test_a_server_that_is_started_again_in_its_pod_has_the_new_commit(
    switched: dict[str, Switched], where: str
) -> None:
    one = switched[where]
    (pid,) = one.cluster.node_of(one.old).container_cgroup(one.old, "vllm").processes()
    os.kill(pid, signal.SIGKILL)
    again = one.cluster.wait_for(one.old, lambda pod: restarts(pod) == 1 and ready(pod))
    assert seen_now(one.cluster, again) == one.commits[1]


def restarts(pod: Object) -> int:
    return int(status_of(pod, "vllm")["restartCount"])
