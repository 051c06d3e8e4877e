"""A pod's fsGroup does not make the kubelet walk the model's files.

It would change the group and mode of each file before the pod starts. On a shared volume it would
do so for every pod with another group (KEP-695). The files here are hard links to a few files, and a
walk changes the ctime of those.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.kubernetes.api import Object
from tests.kubernetes.cluster import Cluster
from tests.kubernetes.inference_pods import PREFIX
from tests.kubernetes.local_volume import bind
from tests.kubernetes.node_configuration import SANDBOX_IMAGE
from tests.kubernetes.registration import create_namespace, wait_until
from tests.store.models import COMMIT

MODEL: Final = f"groups/model@{COMMIT}"
DIRECTORY: Final = f"groups--model/{COMMIT}"
GROUP: Final = 4242
FOLDERS: Final = 10
FILES: Final = 100_000


def fill(root: Path, files: int) -> None:
    """Publish a model of so many files, in ten folders."""
    for number in range(FOLDERS):
        folder = root / DIRECTORY / str(number)
        folder.mkdir(parents=True)
        (folder / "0").write_text("weights")
        opened = os.open(folder, os.O_RDONLY)
        for link in range(1, files // FOLDERS):
            os.link("0", str(link), src_dir_fd=opened, dst_dir_fd=opened)
        os.close(opened)


def changed(root: Path) -> dict[str, tuple[int, int]]:
    """Return group and time of the last change, of each folder and of what the files share."""
    folders = [Path(path) for path, _, _ in os.walk(root)]
    firsts = [path / "0" for path in folders if path.parent.name == COMMIT]
    found = [(path, path.lstat()) for path in (*folders, *firsts)]
    return {str(path): (stat.st_gid, stat.st_ctime_ns) for path, stat in found}


@pytest.fixture(scope="module")
def where(serving_cluster: Cluster) -> Iterator[str]:
    name = create_namespace(serving_cluster.plane, "fs-group")
    yield name
    gone: Object = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    serving_cluster.api.delete(gone)


@pytest.fixture(scope="module")
def store(serving_cluster: Cluster, where: str) -> Path:
    """The path from here of the files of the claim `model-store`."""
    (node,) = serving_cluster.nodes
    root = bind(serving_cluster, node, where, "model-store")
    fill(root, FILES)
    assert sum((root / DIRECTORY / str(n) / "0").stat().st_nlink for n in range(FOLDERS)) == FILES
    return root


def run(cluster: Cluster, where: str, **annotations: str) -> Object:
    """Run a pod with an fsGroup until it is ready; return the pod."""
    asked = {"model": MODEL, "shm-size": "8Mi", **annotations}
    container: dict[str, Any] = {"name": "vllm", "image": SANDBOX_IMAGE}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "generateName": "fs-group-",
            "namespace": where,
            "annotations": {PREFIX + key.replace("_", "-"): asked[key] for key in asked},
        },
        "spec": {
            "securityContext": {"fsGroup": GROUP, "runAsUser": 1000},
            "terminationGracePeriodSeconds": 0,
            "containers": [container],
        },
    }
    return cluster.ready(cluster.api.create(pod).expect(201).body)


def end(cluster: Cluster, pod: Object) -> None:
    """Delete *pod*, and return once its volumes are unmounted."""
    mounts = Path(f"/proc/{cluster.node_of(pod).pid}/mounts")
    assert pod["metadata"]["uid"] in mounts.read_text()
    cluster.api.delete(pod).expect(200)
    wait_until(lambda: pod["metadata"]["uid"] not in mounts.read_text(), "unmounted")


def test_a_claim_is_mounted_read_only_and_no_file_of_it_is_touched(
    serving_cluster: Cluster, where: str, store: Path
) -> None:
    before = changed(store)
    pod = run(serving_cluster, where, strategy="pvc")
    assert pod["spec"]["securityContext"] == {"fsGroup": GROUP, "runAsUser": 1000}
    assert changed(store) == before
    end(serving_cluster, pod)


def test_fs_group_walks_a_writable_claim_for_the_first_pod_only(
    serving_cluster: Cluster, where: str, store: Path
) -> None:
    end(serving_cluster, run(serving_cluster, where, strategy="pvc", read_only="false"))
    walked = changed(store)
    assert {group for group, _ in walked.values()} == {GROUP}
    pod = run(serving_cluster, where, strategy="pvc", read_only="false")
    assert changed(store) == walked
    end(serving_cluster, pod)


def test_the_cache_of_a_node_keeps_its_group(serving_cluster: Cluster, where: str) -> None:
    (node,) = serving_cluster.nodes
    fill(node.cache, FOLDERS)
    before = changed(node.cache)
    run(serving_cluster, where, strategy="hostPath")
    assert changed(node.cache) == before
