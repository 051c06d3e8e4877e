"""The disk that nodes share: the files of images are theirs in common, and nobody changes them."""

from pathlib import Path

from tests.images.busybox import BUSYBOX
from tests.kubernetes.api import Object
from tests.kubernetes.cluster import Cluster
from tests.kubernetes.node_disk import CONTAINERD, disk
from tests.kubernetes.registration import NamespaceFactory

State = tuple[int, int, int]


def state(path: Path) -> State | None:
    """Return inode, mode and time of change of a file, None where there is none."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return None
    return (found.st_ino, found.st_mode, found.st_mtime_ns)


def contents(folder: Path) -> dict[Path, State]:
    """Return the state of each file below a folder that nobody changes meanwhile."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return {path.relative_to(folder): found for path in files if (found := state(path)) is not None}


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
    # The node's own disk is asked for these files alone: containerd removes snapshots of ended containers
    # and blobs that nothing refers to at any time.
    own = {path: state(node.disk(CONTAINERD) / path) for path in common}
    there = {path for path in common if own[path] is not None}
    assert {path.suffix for path in there if own[path] != common[path]} == {".db"}
    assert any(path.name == "busybox" for path in there)
