"""Owns a node: containerd and a kubelet in separate mount and process namespaces.

The first process of these namespaces (node_init.py) is the node: containers and mounts end with it.
Its mounts are not visible outside; its disk is.
"""

import dataclasses
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import httpx

from tests.kubernetes import binaries, node_configuration, packages, sandbox_image
from tests.kubernetes.api import Object
from tests.kubernetes.cgroups import Cgroup
from tests.kubernetes.control_plane import ControlPlane
from tests.kubernetes.hosts import Host
from tests.kubernetes.network_namespace import NetworkNamespace
from tests.kubernetes.processes import FailedError, Identity, Run

INIT: Final = Path(__file__).with_name("node_init.py")
MODEL_CACHE: Final = Path("/var/lib/model-cache")


def children(pid: int) -> list[int]:
    """Return the ids of the processes that the only thread of *pid* has started."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def inside(pid: int, argv: Sequence[str]) -> list[str]:
    """Return the command that runs *argv* on the node whose first process is *pid*."""
    enter = ["nsenter", f"--target={pid}", "--mount", "--pid", "--net", "--"]
    return [*enter, "setpriv", "--pdeathsig=KILL", "--", *argv]


def load(pid: int, archive: Path) -> str:
    """Import the images of *archive* into the containerd of a node; return the output of ctr."""
    words = [binaries.path(binaries.CTR), "--namespace=k8s.io", "images", "import", archive]
    command = inside(pid, [str(word) for word in words])
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise FailedError(f"{archive}: {done.stderr.strip()}")
    return done.stdout


@dataclasses.dataclass(frozen=True, slots=True)
class Disk:
    """A disk of containerd that nodes start with."""

    path: Path
    images: frozenset[Path]
    """The archives whose images are on it; the sandbox is too."""

    def copy_to(self, folder: Path) -> None:
        """Make *folder* a disk with the same images: hard links, but for the databases."""
        subprocess.run(["cp", "--archive", "--link", self.path, folder], check=True)
        for database in folder.rglob("*.db"):
            database.unlink()
            shutil.copy2(self.path / database.relative_to(folder), database)


class Daemon:
    """A program of a node that can be ended and started again."""

    def __init__(
        self,
        host: Host,
        run: Run,
        name: str,
        words: Sequence[str | Path],
        ready: Callable[[], bool],
    ) -> None:
        self.host = host
        self.run = run
        self.name = name
        self.words = words
        self.ready = ready
        self.start()

    def start(self) -> None:
        """Start it; it may not be ready yet."""
        self.process = self.run.start(self.host, self.name, self.words, {"PATH": packages.PATH})

    def wait_until_ready(self) -> None:
        """Return once it answers."""
        self.process.wait_until(self.ready)

    def stop(self, number: int = signal.SIGTERM) -> None:
        """Send it a signal; return once it has ended. Containers continue to run."""
        for pid in children(self.process.popen.pid):
            if program := Identity.of(pid):
                program.signal(number)
        self.process.popen.wait(30)

    def restart(self, number: int = signal.SIGTERM) -> None:
        """End it, start it, and return once it answers again."""
        self.stop(number)
        self.start()
        self.wait_until_ready()


class Node:
    """A Host whose kubelet can join a control plane."""

    kubelet: Daemon

    def __init__(
        self, name: str, network: NetworkNamespace, run: Run, disk: Disk | None = None
    ) -> None:
        self.name = name
        self.images = disk.images if disk else frozenset()
        self.network = network
        self.run = run
        self.address = network.add_address()
        self.folder = run.folder / name
        self.configuration = self.folder / "etc"
        self.configuration.mkdir(parents=True)
        self.cgroup = run.create_cgroup(name)
        self._starts = 0
        self.pid = self._start_init()
        self.cache.mkdir(parents=True)
        if disk:
            disk.copy_to(self.disk("/var/lib/containerd"))
        self.containerd = Daemon(
            self,
            run,
            f"{name}-containerd",
            node_configuration.containerd(self.configuration, run.folder / "addresses"),
            self._containerd_answers,
        )

    def command(self, argv: Sequence[str]) -> list[str]:
        """Return the command that runs *argv* on the node; neither outlives the other."""
        return inside(self.pid, argv)

    def free_port(self) -> int:
        """Return a port of the network that was not handed out before."""
        return self.network.free_port()

    def disk(self, path: str | Path) -> Path:
        """Return the path from here of what the node has at *path*, below /var/lib or /var/log."""
        return self.folder / Path(path).relative_to("/")

    @property
    def cache(self) -> Path:
        """The path from here of the node's /var/lib/model-cache."""
        return self.disk(MODEL_CACHE)

    def _start_init(self) -> int:
        namespaces = ["--mount", "--propagation=private", "--pid", "--fork", "--mount-proc"]
        init: list[str | Path] = [sys.executable, "-I", "-S", INIT, self.folder]
        words: list[str | Path] = ["unshare", *namespaces, "--kill-child", *init]
        process = self.run.start(self.network, self.name, words)
        starts = self._starts = self._starts + 1
        process.wait_until(lambda: process.log.read_text().count("ready\n") == starts)
        (pid,) = children(process.popen.pid)
        self.run.record(pid)  # it ends only with the whole node
        return pid

    def power_off(self) -> None:
        """End every process of the node at once. Its disk stays; what it had in memory is lost."""
        if init := Identity.of(self.pid):
            init.kill()
        for daemon in (self.kubelet, self.containerd):
            daemon.process.popen.wait(30)

    def power_on(self) -> None:
        """Start the node, and return once its programs answer; pods follow."""
        self.pid = self._start_init()
        for daemon in (self.containerd, self.kubelet):
            daemon.start()
            daemon.wait_until_ready()

    def _containerd_answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(f"/proc/{self.pid}/root{node_configuration.SOCKET}")
            except OSError:
                return False
        return True

    def join(self, plane: ControlPlane) -> None:
        """Start the kubelet with *plane* as its control plane; the node may not be ready yet."""
        user = plane.authority.sign(f"system:node:{self.name}", organisation="system:nodes")
        words = node_configuration.kubelet(
            self.configuration,
            name=self.name,
            address=self.address,
            cgroup=self.cgroup,
            kubeconfig=plane.write_kubeconfig(self.name, user),
            authority=plane.authority,
            serving=plane.authority.sign(self.name, hosts=[self.address, self.name]),
        )
        self.containerd.wait_until_ready()
        self.kubelet = Daemon(self, self.run, f"{self.name}-kubelet", words, self._kubelet_answers)
        if not self.images:
            self.load_sandbox()

    def _kubelet_answers(self) -> bool:
        try:
            url = f"http://{self.address}:{node_configuration.HEALTH_PORT}/healthz"
            return httpx.get(url, trust_env=False).is_success
        except httpx.TransportError:
            return False

    def load(self, archive: Path) -> None:
        """Load the images of an archive, in the format of docker or OCI, unless the disk has them."""
        if archive not in self.images:
            load(self.pid, archive)

    def load_sandbox(self) -> None:
        """Load the image of the container that holds a pod's namespaces."""
        self.load(sandbox_image.write(self.configuration, node_configuration.SANDBOX_IMAGE))

    def pod_cgroup(self, pod: Object) -> Cgroup:
        """Return the control group of a pod that runs here."""
        quality = pod["status"]["qosClass"].lower()
        middle = "" if quality == "guaranteed" else f"{quality}/"
        return Cgroup(f"{self.cgroup}/kubepods/{middle}pod{pod['metadata']['uid']}")

    def container_cgroup(self, pod: Object, container: str) -> Cgroup:
        """Return the control group of one container of *pod*, by the id in its status."""
        status = pod["status"]
        every = [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]
        (identity,) = [one["containerID"] for one in every if one["name"] == container]
        return Cgroup(f"{self.pod_cgroup(pod).name}/{identity.removeprefix('containerd://')}")

    def mounts(self, pod: Object, container: str) -> dict[str, list[str]]:
        """Return mount point → the fields of /proc/mounts, as a container of *pod* sees them."""
        pid = self.container_cgroup(pod, container).processes()[0]
        lines = [line.split() for line in Path(f"/proc/{pid}/mounts").read_text().splitlines()]
        return {fields[1]: fields for fields in lines}
