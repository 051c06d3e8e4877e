"""Owns the disks that nodes start with: containerd's, with the images of the tests on it.

To import the product's image takes a node about five seconds, and twice the image's size on the
disk. So the images are imported once. A node gets hard links to the files of images, which nobody
changes: containers write into layers of their own (overlayfs).
"""

import hashlib
import os
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.images.busybox import BUSYBOX
from tests.images.inference import HUB_SERVER, INFERENCE_SERVER
from tests.images.product import MODELCACHE
from tests.images.recipe import RECENT, images
from tests.kubernetes import binaries, node_configuration, packages
from tests.kubernetes.network_namespace import NetworkNamespace
from tests.kubernetes.node import Disk, Node
from tests.kubernetes.processes import Run

SERVER: Final = "vllm/vllm-openai:v0.6.4"
"""The name that the stand-in has on nodes, which the webhook recognises as a server's."""
CONTAINERD: Final = Path("/var/lib/containerd")


def disk() -> Disk:
    """Return the disk with all images of the tests, made first if it is missing."""
    archives = (
        BUSYBOX.path(), INFERENCE_SERVER.path(SERVER), HUB_SERVER.path(), MODELCACHE.path(),
    )  # fmt: skip
    folder = images() / "disks"
    made = folder / _digest(archives)
    with binaries.locked(folder / ".lock"):
        if not made.exists():
            _make(made, archives)
        os.utime(made)
        _forget(folder, made)
    return Disk(made, frozenset(archives))


def _digest(archives: Sequence[Path]) -> str:
    parts = [node_configuration.CONTAINERD, binaries.CONTAINERD.digest(), *map(str, archives)]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _make(made: Path, archives: Sequence[Path]) -> None:
    """Import the images on a node without a kubelet, and keep its disk."""
    packages.install()
    run = Run()
    try:
        node = Node("imports", NetworkNamespace(run), run)
        node.containerd.wait_until_ready()
        node.load_sandbox()
        for archive in archives:
            node.load(archive)
        node.containerd.stop()
        unfinished = made.with_suffix(".new")
        shutil.rmtree(unfinished, ignore_errors=True)  # left by a process that was killed
        subprocess.run(["cp", "--archive", node.disk(CONTAINERD), unfinished], check=True)
        unfinished.rename(made)
    finally:
        run.stop()


def _forget(folder: Path, used: Path) -> None:
    """Remove the disks of other checkouts that were not used lately."""
    for path in folder.iterdir():
        if path.is_dir() and path != used and path.stat().st_mtime < time.time() - RECENT:
            shutil.rmtree(path)
