"""The disk that nodes share: the files of images are theirs in common, and nobody changes them."""

from pathlib import Path

from tests.images.busybox import BUSYBOX
from tests.kubernetes.api import Object
from tests.kubernetes.cluster import Cluster
from tests.kubernetes.node_disk import CONTAINERD, disk
from tests.kubernetes.registration import NamespaceFactory


def contents(folder: Path) -> dict[Path, tuple[int, int, int]]:
    """Return inode, mode and time of change of each file below a folder."""
    found = {}
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            state = path.stat()
            found[path.relative_to(folder)] = (state.st_ino, state.st_mode, state.st_mtime_ns)
    return found


def changing(namespace: str) -> Object:
    """Return a pod that changes and removes files of its image."""
    script = "chmod 700 /bin/busybox; echo >> /etc-of-the-image; rm /bin/busybox"
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "changing", "namespace": namespace},
        "spec": {
            "restartPolicy": "Never",
            "containers": [
                {
                    "name": "changing",
                    "image": BUSYBOX.reference,
                    "imagePullPolicy": "Never",
                    "command": ["/bin/busybox", "sh", "-c", script],
                }
            ],
        },
    }


def test_a_container_that_changes_its_image_changes_no_file_of_the_disk(
    node_cluster: Cluster, namespace: NamespaceFactory
) -> None:
    common = contents(disk().path)
    pod = changing(namespace(on=node_cluster.plane))
    node_cluster.api.create(pod).expect(201)
    assert node_cluster.ended(pod)["status"]["phase"] == "Succeeded"
    assert contents(disk().path) == common
    (node,) = node_cluster.nodes
    own = contents(node.disk(CONTAINERD))
    there = common.keys() & own.keys()  # containerd removes blobs that nothing refers to
    assert {path.suffix for path in there if own[path] != common[path]} == {".db"}
    assert any(path.name == "busybox" for path in there)
