"""Owns the programs of Kubernetes and other servers: builds each once from its Go module.

The modules below go/ pin every source by checksum. An executable is cached outside the checkout,
under a digest of everything that it is built from. If the folder that KUBEBUILDER_ASSETS names has
the program (kube-apiserver, etcd or kubectl), that one is used instead.
"""

import contextlib
import dataclasses
import fcntl
import hashlib
import math
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

MODULES: Final = Path(__file__).parent / "go"
KUBERNETES: Final = "v1.37.2"
OLD_KUBERNETES: Final = "v1.34.4"
OLDEST_KUBERNETES: Final = "v1.29.6"
"""The oldest version that the chart installs on."""


class CannotBuildError(Exception):
    """A program is missing and cannot be built here; the text says what to install."""


@dataclasses.dataclass(frozen=True, slots=True)
class Program:
    """One executable: the module that pins its source, and the version that it reports."""

    name: str
    module: str
    package: str
    version: str = ""
    seconds: int = 0
    """About how long two cores build it, if those before it in ALL are built."""
    tags: str = ""
    """Tags for `go build`, with commas."""

    def flags(self) -> list[str]:
        """Return the flags of `go build`. Without them a server would report version v0.0.0."""
        linker = ["-s", "-w"]
        if self.version:
            base = "k8s.io/component-base/version"
            major, minor, _ = self.version.removeprefix("v").split(".")
            linker += [
                f"-X {base}.gitVersion={self.version}",
                f"-X {base}.gitMajor={major}",
                f"-X {base}.gitMinor={minor}",
                f"-X k8s.io/client-go/pkg/version.gitVersion={self.version}",
            ]
        tags = ["-tags", self.tags] if self.tags else []
        return ["-trimpath", "-mod=readonly", *tags, "-ldflags", " ".join(linker)]

    def digest(self) -> str:
        """Return the digest of the sources and flags that it is built from."""
        hashed = hashlib.sha256("\0".join([platform.machine(), *self.flags()]).encode())
        folder = MODULES / self.module
        for path in (folder / "go.mod", folder / "go.sum", *sorted(folder.rglob("*.go"))):
            hashed.update(path.read_bytes())
        return hashed.hexdigest()[:16]

    @property
    def label(self) -> str:
        """The name and the version, for people."""
        return " ".join(filter(None, [self.name, self.version]))

    def provided(self) -> Path | None:
        """Return the executable in KUBEBUILDER_ASSETS, if it has one of this version."""
        assets = os.environ.get("KUBEBUILDER_ASSETS")
        if not assets or self.version in (OLD_KUBERNETES, OLDEST_KUBERNETES):
            return None
        path = Path(assets, self.name)
        return path if os.access(path, os.X_OK) else None


def _kubernetes(name: str, seconds: int, version: str = KUBERNETES, tags: str = "") -> Program:
    module = "kubernetes-" + ".".join(version.removeprefix("v").split(".")[:2])
    return Program(name, module, f"k8s.io/kubernetes/cmd/{name}", version, seconds, tags)


def _containerd(name: str, seconds: int) -> Program:
    package = f"github.com/containerd/containerd/v2/cmd/{name}"
    return Program(name, "containerd", package, seconds=seconds)


ETCD: Final = Program("etcd", "etcd", "go.etcd.io/etcd/server/v3", seconds=60)
API_SERVER: Final = _kubernetes("kube-apiserver", 700)
CONTROLLER_MANAGER: Final = _kubernetes("kube-controller-manager", 120)
KUBECTL: Final = _kubernetes("kubectl", 180)
OLD_API_SERVER: Final = _kubernetes("kube-apiserver", 400, OLD_KUBERNETES)
OLDEST_API_SERVER: Final = _kubernetes(
    "kube-apiserver", 150, OLDEST_KUBERNETES, tags="providerless"
)
"""Without the code for clouds, whose module is not published for this version."""
SCHEDULER: Final = _kubernetes("kube-scheduler", 15)
KUBELET: Final = _kubernetes("kubelet", 40)
KUBE_PROXY: Final = _kubernetes("kube-proxy", 15)
CONTAINERD: Final = _containerd("containerd", 70)
SHIM: Final = _containerd("containerd-shim-runc-v2", 3)
CTR: Final = _containerd("ctr", 5)
HELM: Final = Program("helm", "helm", "helm.sh/helm/v3/cmd/helm", seconds=120)
HELM_4: Final = Program("helm-4", "helm-4", "helm.sh/helm/v4/cmd/helm", seconds=60)
CERT_MANAGER: Final = Program(
    "cert-manager-controller", "cert-manager", "./controller", seconds=140
)
CA_INJECTOR: Final = Program("cert-manager-cainjector", "cert-manager", "./cainjector", seconds=10)
FAKE_GCS: Final = Program(
    "fake-gcs-server", "fake-gcs-server", "github.com/fsouza/fake-gcs-server", seconds=60
)
REGISTRY: Final = Program("registry", "registry", ".", seconds=40)
OLLAMA_STORE: Final = Program("ollama-store", "ollama", ".", seconds=5)
"""Reads a store with Ollama's own code; the server itself would need a compiler for C++."""
NODE: Final = (SCHEDULER, KUBELET, KUBE_PROXY, CONTAINERD, SHIM, CTR)
CLUSTER: Final = (ETCD, KUBECTL, API_SERVER, CONTROLLER_MANAGER, *NODE)
ALL: Final = (
    *CLUSTER, HELM, HELM_4, OLD_API_SERVER, OLDEST_API_SERVER, CERT_MANAGER, CA_INJECTOR, FAKE_GCS,
    REGISTRY, OLLAMA_STORE,
)  # fmt: skip


def cache() -> Path:
    """Return the folder where the harness keeps executables and state."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "modelcache"


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Lock the file *path* for the time of a `with` block."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def build(programs: Sequence[Program]) -> None:
    """Build the programs that are missing, after showing how many there are and how long it takes."""
    missing = [program for program in programs if not _existing(program)]
    left = sum(program.seconds for program in missing)
    ready = f"{len(programs) - len(missing)} of {len(programs)} programs are ready"
    if not missing:
        _say(ready)
        return
    cores = len(os.sched_getaffinity(0))
    pace = 2 / cores
    _say(f"{ready}; building {len(missing)} takes about {_minutes(left * pace)} on {cores} cores")
    spent = expected = 0.0
    for number, program in enumerate(missing, 1):
        began = time.monotonic()
        path(program)
        spent += time.monotonic() - began
        expected += program.seconds
        left -= program.seconds
        pace = spent / expected
        _say(f"{number} of {len(missing)} are built, {_minutes(left * pace)} left")


def _minutes(seconds: float) -> str:
    number = math.ceil(seconds / 60)
    return f"{number} minute{'' if number == 1 else 's'}"


def _existing(program: Program) -> Path | None:
    """Return the executable of *program*, unless it has to be built."""
    target = _target(program)
    return program.provided() or (target if target.exists() else None)


def _target(program: Program) -> Path:
    return cache() / program.digest() / program.name


def path(program: Program) -> Path:
    """Return the executable of *program*, and build it first if it is missing."""
    if found := _existing(program):
        return found
    target = _target(program)
    with locked(target.with_name(f".{program.name}.lock")):
        if not target.exists():  # another process may have built it meanwhile
            _build(program, target)
    return target


def _build(program: Program, target: Path) -> None:
    go = shutil.which("go")
    label = program.label
    if not go:
        raise CannotBuildError(
            f"{label} has to be built once, and there is no `go` on the PATH: install Go 1.26 or "
            "newer (https://go.dev/dl/), or name a folder that has kube-apiserver, etcd and "
            "kubectl in KUBEBUILDER_ASSETS"
        )
    _say(f"building {label} (once: the result is cached) …")
    began = time.monotonic()
    unfinished = target.with_name(f"{target.name}.{os.getpid()}")
    command = [go, "build", *program.flags(), "-o", str(unfinished), program.package]
    try:
        built = subprocess.run(
            command,
            cwd=MODULES / program.module,
            env={**os.environ, "CGO_ENABLED": "0", "GOWORK": "off", "GOFLAGS": ""},
            capture_output=True,
            text=True,
            check=False,
        )
        if built.returncode:
            raise CannotBuildError(f"go build of {label} failed:\n{built.stderr[-4000:]}")
        unfinished.rename(target)
    finally:
        unfinished.unlink(missing_ok=True)
    _say(f"built {label} in {time.monotonic() - began:.0f} s")


def _say(line: str) -> None:
    sys.stderr.write(f"tests.kubernetes: {line}\n")
    sys.stderr.flush()
