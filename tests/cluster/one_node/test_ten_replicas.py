"""Ten replicas on one node share one model: on the disk, and in the page cache."""

import dataclasses
import os
import subprocess
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
    root_of,
)
from tests.kubernetes.local_volume import bind
from tests.kubernetes.node import Node
from tests.kubernetes.registration import create_namespace
from tests.store import models

REPLICAS: Final = 10
SIZE: Final = 96 * 2**20
WEIGHTS: Final = "model.safetensors"


def on_disk(folder: Path) -> int:
    """Return how many bytes everything below *folder* takes on the disk."""
    words: list[str | Path] = ["du", "--summarize", "--block-size=1", "--one-file-system", folder]
    done = subprocess.run(words, capture_output=True, text=True, check=False)  # files come and go
    return int(done.stdout.split()[0])


def in_page_cache(file: Path) -> int:
    """Return how many bytes of *file* are in memory."""
    words: list[str | Path] = ["fincore", "--bytes", "--noheadings", "--output=RES", file]
    return int(subprocess.run(words, capture_output=True, text=True, check=True).stdout)


def evict(file: Path) -> None:
    """Remove *file* from the page cache, since this process was charged for writing it."""
    with file.open("rb") as opened:
        os.fsync(opened.fileno())
        os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


@dataclasses.dataclass(frozen=True)
class Ten:
    """The ready replicas, and the measurements before them."""

    cluster: Cluster
    node: Node
    weights: Path
    files: dict[str, Object]
    pods: list[Object]
    disk_before: int
    cached_before: int


@pytest.fixture(scope="module")
def ten(serving_cluster: Cluster) -> Iterator[Ten]:
    cluster, (node,) = serving_cluster, serving_cluster.nodes
    name = create_namespace(cluster.plane, f"ten-{os.getpid()}")
    store = bind(cluster, node, name, "model-store")
    model = models.publish(store, "example/model", SIZE, shards=1)
    files, weights = files_of(model), model / WEIGHTS
    evict(weights)
    asked = {
        "model": f"example/model@{models.COMMIT}",
        "strategy": "pvc",
        "mount-path": "/model",
        "shm-size": "0",
    }
    server = container(request="32Mi", limit="256Mi")
    workload = deployment(name, asked, server, replicas=REPLICAS)
    disk, cached = on_disk(node.folder), in_page_cache(weights)
    with deleted_at_end(cluster, [workload]):
        pods = [cluster.ready(pod, 120) for pod in created(cluster, workload)]
        yield Ten(cluster, node, weights, files, pods, disk, cached)


def test_all_have_read_the_whole_model(ten: Ten) -> None:
    reports = [ask(ten.cluster, pod, "/report")["models"][0]["files"] for pod in ten.pods]
    assert reports == [ten.files] * REPLICAS


def test_the_disk_holds_the_model_once(ten: Ten) -> None:
    assert ten.disk_before > SIZE
    assert on_disk(ten.node.folder) - ten.disk_before < SIZE // 10


def test_all_have_the_very_same_file(ten: Ten) -> None:
    seen = [(root_of(ten.cluster, pod) / "model" / WEIGHTS).stat() for pod in ten.pods]
    own = ten.weights.stat()
    assert {(one.st_dev, one.st_ino) for one in seen} == {(own.st_dev, own.st_ino)}


def test_memory_holds_the_model_once(ten: Ten) -> None:
    assert ten.cached_before == 0
    assert in_page_cache(ten.weights) > SIZE * 0.9
    charged = [ten.node.pod_cgroup(pod).charged() for pod in ten.pods]
    # The first reader of a page is charged for it, also for pages of the programs.
    assert SIZE * 0.9 < sum(one["file"] - one["shmem"] for one in charged) < SIZE * 1.5
