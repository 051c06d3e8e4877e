"""Owns the CustomResourceDefinitions of other projects, from the sources of their Go modules."""

import dataclasses
import json
import os
import subprocess
from pathlib import Path
from typing import Final

import yaml

from tests.cluster.api import Object
from tests.cluster.binaries import CannotBuildError


@dataclasses.dataclass(frozen=True, slots=True)
class Source:
    """A module at a version, pinned by the checksum that go.sum would hold."""

    module: str
    version: str
    checksum: str
    folder: str

    def definition(self, name: str) -> Object:
        """Return the definition in the file *name*; CannotBuildError if the module can't be had."""
        text = (self._directory() / self.folder / f"{name}.yaml").read_text()
        found: Object = yaml.load(text, Loader=yaml.CSafeLoader)
        return found

    def _directory(self) -> Path:
        done = subprocess.run(
            ["go", "mod", "download", "-json", f"{self.module}@{self.version}"],
            env={**os.environ, "GOFLAGS": "-mod=mod", "GOWORK": "off", "GO111MODULE": "on"},
            cwd="/",  # of no module
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


CERT_MANAGER: Final = Source(
    "github.com/cert-manager/cert-manager",
    "v1.21.2",
    "h1:UWgoYM+KLNtRlqmoWOKjKBOBUPVHeepQ6/ac3ERJW68=",
    "deploy/crds",
)
PROMETHEUS_OPERATOR: Final = Source(
    "github.com/prometheus-operator/prometheus-operator",
    "v0.85.0",
    "h1:M5xLCLEoaW2IJfnuCwFzzpL+jSVQu3KGT84Pye+fW8s=",
    "example/prometheus-operator-crd",
)
