"""Owns a trial upgrade, from another version to this one and back, while pods are created.

`python -m tests.kubernetes.upgrade REVISION` builds image and chart of a commit, installs them in a
cluster of two nodes, upgrades to this checkout and rolls back. It prints what became of the pods, and
fails if a pod did not get its model.
"""

import argparse
import io
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path
from typing import Final

from tests.images.base import BASE
from tests.images.build import build
from tests.images.recipe import ROOT
from tests.kubernetes import helm
from tests.kubernetes.api import Object
from tests.kubernetes.creations import asking, creations
from tests.kubernetes.release import Release, on_two_nodes

BEFORE: Final = "modelcache.io/tests/before:1"
RATE: Final = 25.0
"""Creations per second."""
NAMESPACE: Final = "upgraded"
VALUES: Final = "replicas: 2\ntimeoutSeconds: 20\nshutdown: {preStop: 3, delay: 3, drain: 5}\n"


def extract(revision: str, folder: Path) -> None:
    """Write the files of a commit below *folder*."""
    words = ["git", "-C", str(ROOT), "archive", "--format=tar", revision]
    done = subprocess.run(words, capture_output=True, check=False)
    if done.returncode:
        sys.exit(f"git archive {revision}: {done.stderr.decode().strip()}")
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as tar:
        tar.extractall(folder, filter="data")


def load(release: Release, checkout: Path, scratch: Path) -> None:
    """Build the image of another version, and load it into the nodes."""
    archive = scratch / "before.tar"
    build(scratch, "Dockerfile", BASE.path(), checkout=checkout).write(archive, BEFORE)
    for node in release.cluster.nodes:
        node.load(archive)


def namespace(release: Release) -> Object:
    """Return a pod that requests a claim, in a new namespace."""
    obj = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    release.cluster.api.create(obj).expect(201)
    return asking(NAMESPACE)


def main() -> None:
    """Install, upgrade and roll back, print the result, and exit with 1 if a pod got no model."""
    parser = argparse.ArgumentParser(prog="upgrade", description=__doc__)
    parser.add_argument("revision", help="the commit to upgrade from")
    revision = parser.parse_args().revision
    with on_two_nodes() as release, tempfile.TemporaryDirectory() as folder:
        scratch, checkout = Path(folder), Path(folder) / "before"
        extract(revision, checkout)
        load(release, checkout, scratch)
        chart = checkout / "deploy" / "chart"
        release.change("install", VALUES, chart=chart, reference=BEFORE)
        release.installed.wait_until_strict()
        pod = namespace(release)
        with creations(release.cluster.api, pod, RATE) as found:
            time.sleep(5)
            release.change("upgrade", VALUES)
            release.installed.wait_until_strict()
            time.sleep(5)
            sys.stdout.write(f"upgraded: {dict(found.outcomes)}\n")
            release.helm("rollback", helm.RELEASE, "--wait")
            release.installed.wait_until_strict()
            time.sleep(5)
        sys.stdout.write(f"rolled back: {dict(found.outcomes)}; slowest {found.slowest:.1f} s\n")
        left = release.cluster.api.list("apiextensions.k8s.io/v1", "CustomResourceDefinition")
        names = [obj["metadata"]["name"] for obj in left]
        sys.stdout.write(f"definitions that stay: {', '.join(sorted(names)) or 'none'}\n")
    raise SystemExit(set(found.outcomes) != {"injected"})


if __name__ == "__main__":
    main()
