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
KUBE_VERSION: Final = "1.35"
"""The server that the kustomize base says it is for; a chart asks helm."""
_SOURCE: Final = re.compile(r"^---\n# Source: \S+/templates/(\S+)\n", re.MULTILINE)


class RefusedError(Exception):
    """helm ended with an error; the text is its own."""


def helm(*args: str | Path, plane: ControlPlane | None = None, values: str = "") -> str:
    """Return what helm prints; RefusedError if it fails. *values* are a document for --values."""
    config = ["--kubeconfig", str(plane.kubeconfig)] if plane else []
    given = ["--values", "-"] if values else []
    command = [str(binaries.path(binaries.HELM)), *map(str, args), *config, *given]
    with tempfile.TemporaryDirectory() as home:  # nothing of the user's configuration counts
        done = subprocess.run(
            plane.host.command(command) if plane else command,
            input=values,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            # It runs for a moment: a garbage collector and more threads cost more than they give.
            env={"PATH": os.environ["PATH"], "HOME": home, "GOGC": "off", "GOMAXPROCS": "1"},
        )
    if done.returncode:
        raise RefusedError(done.stderr)
    return done.stdout


def template(
    values: Mapping[str, Any] | None = None, *flags: str, namespace: str = NAMESPACE
) -> str:
    """Return the chart rendered with *values* over its own; RefusedError says what is wrong."""
    return _rendered(json.dumps(dict(values or {})), flags or ("--no-hooks",), namespace)


@functools.cache
def _rendered(values: str, flags: tuple[str, ...], namespace: str) -> str:
    where = ("--namespace", namespace, "--kube-version", KUBE_VERSION)
    return helm("template", RELEASE, CHART, *where, *flags, values=values)


def objects(values: Mapping[str, Any] | None = None, *flags: str, **more: str) -> list[Object]:
    """Return the objects of template()."""
    return [obj for obj in yaml.safe_load_all(template(values, *flags, **more)) if obj]


def base() -> dict[str, str]:
    """Return the files that the chart yields for the kustomize base: name → text."""
    parts = _SOURCE.split(template())
    files: dict[str, list[str]] = {}
    for name, text in zip(parts[1::2], parts[2::2], strict=True):
        files.setdefault(name, []).append(text.strip("\n") + "\n")
    head = "# Written by `make manifests` from chart/templates/{}.\n"
    return {name: head.format(name) + "---\n".join(texts) for name, texts in files.items()}
