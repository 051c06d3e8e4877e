"""Owns the CustomResourceDefinitions: ours, and those of other projects from their Go modules."""

import contextlib
import dataclasses
import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import yaml

from tests.kubernetes.api import Object
from tests.kubernetes.binaries import CERT_MANAGER as CONTROLLER
from tests.kubernetes.binaries import MODULES, CannotBuildError
from tests.kubernetes.control_plane import ControlPlane
from tests.kubernetes.registration import DEPLOY, configured, wait_until


@dataclasses.dataclass(frozen=True, slots=True)
class Source:
    """A Go module at a version, pinned by its checksum as in go.sum."""

    module: str
    version: str
    checksum: str
    folder: str

    def definition(self, name: str) -> Object:
        """Return the definition in the file *name*; raises CannotBuildError if `go` can't fetch the module."""
        text = (self._directory() / self.folder / f"{name}.yaml").read_text()
        found: Object = yaml.load(text, Loader=yaml.CSafeLoader)
        return found

    def _directory(self) -> Path:
        done = subprocess.run(
            ["go", "mod", "download", "-json", f"{self.module}@{self.version}"],
            env={**os.environ, "GOFLAGS": "-mod=mod", "GOWORK": "off", "GO111MODULE": "on"},
            cwd="/",  # outside of any module
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise CannotBuildError(f"go mod download {self.module}: {done.stdout}{done.stderr}")
        found = json.loads(done.stdout)
        if found["Sum"] != self.checksum:
            raise CannotBuildError(f"{self.module}@{self.version} is not what was pinned")
        return Path(found["Dir"])


def pinned(family: str, module: str) -> tuple[str, str]:
    """Return version and checksum of a module, from the go.sum of *family*."""
    lines = (MODULES / family / "go.sum").read_text().splitlines()
    ((_, version, checksum),) = [
        line.split(" ")
        for line in lines
        if line.startswith(f"{module} ") and "/go.mod " not in line
    ]
    return version, checksum


def ours() -> list[Object]:
    """Return the definitions of our kinds, as deploy/ has them."""
    return list(yaml.safe_load_all((DEPLOY / "customresourcedefinitions.yaml").read_text()))


def define(plane: ControlPlane) -> None:
    """Define our kinds, and return once they are served; they stay."""
    for one in ours():
        plane.api.apply(one).expect()
    for one in ours():
        wait_until(lambda one=one: _established(plane, one), "the kind is served")  # type: ignore[misc]


def _established(plane: ControlPlane, definition: Object) -> bool:
    name = definition["metadata"]["name"]
    found = plane.api.get(definition["apiVersion"], definition["kind"], name).expect().body
    conditions = (found.get("status") or {}).get("conditions") or []
    said = {one["type"]: one["status"] for one in conditions}
    return said.get("Established") == "True"


@contextlib.contextmanager
def served(plane: ControlPlane, definitions: Sequence[Object]) -> Iterator[None]:
    """Install *definitions* in *plane* for the time of a `with` block; their objects go with them."""
    # What is applied to a definition that is being deleted ends with it.
    wait_until(lambda: not _ending(plane, definitions), "earlier definitions are deleted", 60)
    with configured(plane, definitions):
        for one in definitions:
            spec, version = one["spec"], one["spec"]["versions"][0]["name"]
            path = f"/apis/{spec['group']}/{version}/{spec['names']['plural']}"
            wait_until(lambda path=path: plane.api.request("GET", path).ok, path)  # type: ignore[misc]
        yield
    wait_until(lambda: not _ending(plane, definitions), "the definitions are deleted", 60)


def _ending(plane: ControlPlane, definitions: Sequence[Object]) -> bool:
    """Whether a definition is still there that is being deleted."""
    found = (
        plane.api.get(one["apiVersion"], one["kind"], one["metadata"]["name"])
        for one in definitions
    )
    return any(one.ok and "deletionTimestamp" in one.body["metadata"] for one in found)


_CERT_MANAGER: Final = "github.com/cert-manager/cert-manager"
CERT_MANAGER: Final = Source(
    _CERT_MANAGER, *pinned(CONTROLLER.module, _CERT_MANAGER), folder="deploy/crds"
)
PROMETHEUS_OPERATOR: Final = Source(
    "github.com/prometheus-operator/prometheus-operator",
    "v0.85.0",
    "h1:M5xLCLEoaW2IJfnuCwFzzpL+jSVQu3KGT84Pye+fW8s=",
    "example/prometheus-operator-crd",
)

RAY: Final = Source(
    "github.com/ray-project/kuberay/ray-operator",
    "v1.4.2",
    "h1:A4tGzbIky8sInAUxZBdBb+rrpZ7fbqoxdsOtm559Zqg=",
    "config/crd/bases",
)
LEADER_WORKER_SET: Final = Source(
    "sigs.k8s.io/lws",
    "v0.7.0",
    "h1:qWfzX8+UBak+Hq0+m/PuE3uO0mp/3dmm5q/h/7z31A8=",
    "config/crd/bases",
)
JOB_SET: Final = Source(
    "sigs.k8s.io/jobset",
    "v0.8.2",
    "h1:WC5a5G7MqfJJy4p+6OxGMpfbB90KoDSay96Mc4yMMZM=",
    "config/components/crd/bases",
)
ARGO_ROLLOUTS: Final = Source(
    "github.com/argoproj/argo-rollouts",
    "v1.8.3",
    "h1:blbtQva4IK9r6gFh+dWkCrLnFdPOWiv9ubQYu36qeaA=",
    "manifests/crds",
)


def permissive(group: str, version: str, kind: str, plural: str) -> Object:
    """Return a definition of a kind that keeps every field, for kinds whose schema does not matter."""
    names = {"kind": kind, "plural": plural, "singular": kind.lower(), "listKind": f"{kind}List"}
    keeps = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    one = {"name": version, "served": True, "storage": True, "schema": {"openAPIV3Schema": keeps}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {"group": group, "scope": "Namespaced", "names": names, "versions": [one]},
    }
