"""Owns the Kubernetes programs, and servers of others: builds each once from its Go module, hands out its path.

The modules below go/ pin every source by checksum; one has commands of its own. What they yield is
cached outside the checkout, by a digest of all that goes into it. A folder named by KUBEBUILDER_ASSETS
(kube-apiserver, etcd, kubectl) is used instead where it has the program.
"""

import contextlib
import dataclasses
import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

MODULES: Final = Path(__file__).parent / "go"
KUBERNETES: Final = "v1.37.2"
OLD_KUBERNETES: Final = "v1.34.4"


class CannotBuildError(Exception):
    """A program is missing and cannot be built here; the text says what to install."""


@dataclasses.dataclass(frozen=True, slots=True)
class Program:
    """One executable: where its source is pinned and how it is stamped."""

    name: str
    module: str
    package: str
    version: str = ""

    def flags(self) -> list[str]:
        """Return the flags of `go build`; an unstamped server would call itself v0.0.0."""
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
        return ["-trimpath", "-mod=readonly", "-ldflags", " ".join(linker)]

    def digest(self) -> str:
        """Return what names this very executable."""
        hashed = hashlib.sha256("\0".join([platform.machine(), *self.flags()]).encode())
        folder = MODULES / self.module
        for path in (folder / "go.mod", folder / "go.sum", *sorted(folder.rglob("*.go"))):
            hashed.update(path.read_bytes())
        return hashed.hexdigest()[:16]

    def provided(self) -> Path | None:
        """Return the executable that KUBEBUILDER_ASSETS offers, if it is for us."""
        assets = os.environ.get("KUBEBUILDER_ASSETS")
        if not assets or self.version == OLD_KUBERNETES:
            return None
        path = Path(assets, self.name)
        return path if os.access(path, os.X_OK) else None


def _kubernetes(name: str, version: str = KUBERNETES) -> Program:
    module = "kubernetes-" + ".".join(version.removeprefix("v").split(".")[:2])
    return Program(name, module, f"k8s.io/kubernetes/cmd/{name}", version)


def _containerd(name: str) -> Program:
    return Program(name, "containerd", f"github.com/containerd/containerd/v2/cmd/{name}")


ETCD: Final = Program("etcd", "etcd", "go.etcd.io/etcd/server/v3")
API_SERVER: Final = _kubernetes("kube-apiserver")
CONTROLLER_MANAGER: Final = _kubernetes("kube-controller-manager")
KUBECTL: Final = _kubernetes("kubectl")
OLD_API_SERVER: Final = _kubernetes("kube-apiserver", OLD_KUBERNETES)
SCHEDULER: Final = _kubernetes("kube-scheduler")
KUBELET: Final = _kubernetes("kubelet")
KUBE_PROXY: Final = _kubernetes("kube-proxy")
CONTAINERD: Final = _containerd("containerd")
SHIM: Final = _containerd("containerd-shim-runc-v2")
CTR: Final = _containerd("ctr")
HELM: Final = Program("helm", "helm", "helm.sh/helm/v3/cmd/helm")
CERT_MANAGER: Final = Program("cert-manager-controller", "cert-manager", "./controller")
CA_INJECTOR: Final = Program("cert-manager-cainjector", "cert-manager", "./cainjector")
FAKE_GCS: Final = Program("fake-gcs-server", "fake-gcs-server", "github.com/fsouza/fake-gcs-server")
REGISTRY: Final = Program("registry", "registry", ".")
NODE: Final = (SCHEDULER, KUBELET, KUBE_PROXY, CONTAINERD, SHIM, CTR)
CLUSTER: Final = (ETCD, KUBECTL, API_SERVER, CONTROLLER_MANAGER, *NODE)
ALL: Final = (*CLUSTER, HELM, OLD_API_SERVER, CERT_MANAGER, CA_INJECTOR, FAKE_GCS, REGISTRY)


def cache() -> Path:
    """Return the folder of everything the harness keeps: executables and state."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "modelcache"


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the file *path* against other processes that do the same."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def path(program: Program) -> Path:
    """Return the executable of *program*, built now if need be."""
    if offered := program.provided():
        return offered
    target = cache() / program.digest() / program.name
    if not target.exists():
        with locked(target.with_name(f".{program.name}.lock")):
            if not target.exists():  # another process may have built it meanwhile
                _build(program, target)
    return target


def _build(program: Program, target: Path) -> None:
    go = shutil.which("go")
    label = " ".join(filter(None, [program.name, program.version]))
    if not go:
        raise CannotBuildError(
            f"{label} has to be built once, and there is no `go` on the PATH: install Go 1.26 or "
            "newer (https://go.dev/dl/), or name a folder that has kube-apiserver, etcd and "
            "kubectl in KUBEBUILDER_ASSETS"
        )
    _say(f"building {label} (minutes the first time, then it is cached) …")
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
