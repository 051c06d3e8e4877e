"""Owns the installation that is measured: a cluster with the webhook, filled stores and the hub."""

import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from benchmarks.startup.link import Hub
from benchmarks.startup.models import Model
from tests.images import model_image
from tests.images.inference import INFERENCE_SERVER
from tests.images.product import MODELCACHE
from tests.kubernetes.cluster import Cluster
from tests.kubernetes.local_volume import bind
from tests.kubernetes.network_namespace import BRIDGE
from tests.kubernetes.node_disk import SERVER
from tests.kubernetes.registration import create_namespace
from tests.kubernetes.server import serve

NAMESPACE: Final = "startup"
CLAIM: Final = "model-store"
SNAPSHOTS: Final = "/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots"
RESOLUTION: Final = "20"
"""Milliseconds between ARP requests of the kernel. Pods have an address before they can answer;
by default the kernel repeats its request once a second."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A model and its places."""

    model: Model
    files: list[Path]
    """Its files in the node's cache; the claim has the same files under other names."""
    image: str
    """The image reference, by digest."""
    image_files: list[Path]
    """The files of the image as the node has unpacked them."""


class Installation:
    """A node with models of *sizes* on it, and a hub that has them too, within a `with` block."""

    def __init__(self, sizes: Sequence[int], rate: float, say: Callable[[str], None]) -> None:
        say("Cluster")
        self.cluster = Cluster()
        try:
            self._fill(sizes, rate, say)
        except BaseException:  # an interrupt must not leave anything behind either
            self.cluster.stop()
            raise

    def _fill(self, sizes: Sequence[int], rate: float, say: Callable[[str], None]) -> None:
        cluster = self.cluster
        (self.node,) = cluster.nodes
        setting = f"/proc/sys/net/ipv4/neigh/{BRIDGE}/retrans_time_ms"
        command = cluster.network.command(["tee", setting])
        subprocess.run(command, input=RESOLUTION, text=True, capture_output=True, check=True)
        say("Images")
        self.node.load(MODELCACHE.path())
        self.node.load(INFERENCE_SERVER.path(SERVER))
        create_namespace(cluster.plane, NAMESPACE)
        claim = bind(cluster, self.node, NAMESPACE, CLAIM)
        self.stored = {}
        for size in sizes:
            say(f"Model of {size // 10**6} MB")
            self.stored[size] = self._store(Model(size), claim)
        self.hub = Hub(cluster.run, cluster.network, self.node.cache, rate)
        say("Webhook")
        self.webhook = serve(cluster.plane, f"--loader-image={MODELCACHE.reference}")

    def _store(self, of: Model, claim: Path) -> Stored:
        files = of.publish(self.node.cache, claim)
        folder = self.cluster.run.folder / "image"
        folder.mkdir()
        archive = folder / "model.tar"
        image = model_image.write(archive, self.node.cache / of.directory, of.repository)
        self.node.load(archive)
        shutil.rmtree(folder)
        unpacked = self.node.disk(SNAPSHOTS).glob(f"*/fs/{files[0].name}")
        (root,) = [path.parent for path in unpacked if _same(path.parent, files)]
        return Stored(of, files, image, [root / file.name for file in files])

    @property
    def addresses(self) -> Path:
        """Where the network plugin records the addresses of pods."""
        return self.cluster.run.folder / "addresses" / "pods"

    @property
    def pods(self) -> Path:
        """Where the kubelet keeps a directory for each pod."""
        return self.node.disk("/var/lib/kubelet/pods")

    def urls(self, stored: Stored) -> list[str]:
        """Return where the hub has the files of a model."""
        return [f"{self.hub.url}/{stored.model.directory}/{file.name}" for file in stored.files]

    def carried(self) -> float:
        """Return the bytes a second at which the link carries the largest file of a model."""
        stored = next(iter(self.stored.values()))
        sizes = {file.stat().st_size: file for file in stored.files}
        largest = sizes[max(sizes)]
        return self.hub.carried(
            f"{self.hub.url}/{stored.model.directory}/{largest.name}", max(sizes)
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.cluster.stop()


def _same(folder: Path, files: Sequence[Path]) -> bool:
    """Whether *folder* has files of these names and lengths."""
    return all(
        (folder / file.name).is_file()
        and (folder / file.name).stat().st_size == file.stat().st_size
        for file in files
    )
