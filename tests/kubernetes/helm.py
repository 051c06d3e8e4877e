"""Owns helm: renders the chart as `helm template` does, installs and removes it in a cluster."""

import functools
import json
import os
import re
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from tests.kubernetes import binaries
from tests.kubernetes.api import Object
from tests.kubernetes.control_plane import ControlPlane
from tests.kubernetes.registration import DEPLOY

CHART: Final = DEPLOY / "chart"
RELEASE: Final = "modelcache"
NAMESPACE: Final = "modelcache-system"
HELM_SECONDS: Final = 330
"""How long helm may take: longer than its own --timeout of five minutes, so that it says why."""
KUBE_VERSION: Final = "1.35"
"""The Kubernetes version for which the kustomize base is rendered."""
_SOURCE: Final = re.compile(r"^---\n# Source: \S+/templates/(\S+)\n", re.MULTILINE)


class RefusedError(Exception):
    """helm ended with an error; the text is helm's."""


def helm(
    *args: str | Path,
    plane: ControlPlane | None = None,
    values: str = "",
    program: binaries.Program = binaries.HELM,
) -> str:
    """Return what helm prints; raises RefusedError if it fails. *values* is a YAML document for --values."""
    config = ["--kubeconfig", str(plane.kubeconfig)] if plane else []
    given = ["--values", "-"] if values else []
    command = [str(binaries.path(program)), *map(str, args), *config, *given]
    with tempfile.TemporaryDirectory() as home:  # the user's configuration is not used
        done = subprocess.run(
            plane.host.command(command) if plane else command,
            input=values,
            capture_output=True,
            text=True,
            check=False,
            timeout=HELM_SECONDS,
            # It runs for a moment, so a garbage collector and more threads only cost time.
            env={"PATH": os.environ["PATH"], "HOME": home, "GOGC": "off", "GOMAXPROCS": "1"},
        )
    if done.returncode:
        raise RefusedError(done.stderr)
    return done.stdout


def template(
    values: Mapping[str, Any] | None = None, *flags: str, namespace: str = NAMESPACE
) -> str:
    """Return the chart rendered with *values*; raises RefusedError if the chart refuses them."""
    return _rendered(json.dumps(dict(values or {})), flags or ("--no-hooks",), namespace)


@functools.cache
def _rendered(values: str, flags: tuple[str, ...], namespace: str) -> str:
    where = ("--namespace", namespace, "--kube-version", KUBE_VERSION)
    return helm("template", RELEASE, CHART, *where, *flags, values=values)


def objects(values: Mapping[str, Any] | None = None, *flags: str, **more: str) -> list[Object]:
    """Return what template() renders, as objects."""
    text = template(values, *flags, **more)
    return [obj for obj in yaml.load_all(text, Loader=yaml.CSafeLoader) if obj]


def base() -> dict[str, str]:
    """Return the files of the kustomize base, rendered from the chart: name → text."""
    parts = _SOURCE.split(template())
    files: dict[str, list[str]] = {}
    for name, text in zip(parts[1::2], parts[2::2], strict=True):
        files.setdefault(name, []).append(text.strip("\n") + "\n")
    head = "# Written by `make manifests` from chart/templates/{}.\n"
    return {name: head.format(name) + "---\n".join(texts) for name, texts in files.items()}
