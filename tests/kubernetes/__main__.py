"""Owns `python -m tests.kubernetes`: a cluster that stays, with the webhook registered."""

import argparse
import contextlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.images import recipe as images
from tests.kubernetes import binaries, packages
from tests.kubernetes.binaries import CannotBuildError
from tests.kubernetes.cluster import Cluster
from tests.kubernetes.control_plane import ControlPlane
from tests.kubernetes.installed import install
from tests.kubernetes.node import load
from tests.kubernetes.packages import CannotInstallError
from tests.kubernetes.processes import FailedError, Run, alive, end, runs
from tests.kubernetes.server import available, serve

WITHOUT_NODES = """\
Kubernetes {version} is running, without nodes, and the webhook next to it. Pods are admitted and stay Pending. Try

  {kubectl} --kubeconfig {config} apply --dry-run=server -o yaml -f YOUR.yaml

Logs: {folder}/*.log
"""
WITH_NODES = """\
Kubernetes {version} is running, nodes: {nodes}. The webhook is installed by deploy/. Try

  {kubectl} --kubeconfig {config} apply -f YOUR.yaml

Nodes can't reach a registry. Load images from archives, as `docker save` writes them, and set
imagePullPolicy: Never:

  {python} -m tests.kubernetes load --name {name} YOUR.tar

A node's /var/lib/model-cache: {folder}/NODE/var/lib/model-cache
Logs: {folder}/*.log
"""
KEPT = "kept.json"
"""The file that records for later commands what is in the folder. It is written last."""


def up(folder: Path, nodes: int) -> None:
    """Start a cluster in *folder* and leave it running; if one already runs there, show it."""
    if not (alive(folder) and (folder / KEPT).exists()):
        end(folder)
        with _ended_unless_complete(Run(folder, detached=True)) as run:
            if nodes:
                cluster = Cluster(nodes, run=run)
                install(cluster)
                plane = cluster.plane
                pids = {node.name: node.pid for node in cluster.nodes}
            else:
                plane, pids = ControlPlane(run=run), {}
                if available():
                    serve(plane)
                else:
                    say("`python -m webhook serve --help` fails: no webhook is registered\n")
            (folder / KEPT).write_text(json.dumps({"version": plane.version(), "nodes": pids}))
    kept = json.loads((folder / KEPT).read_text())
    say(
        (WITH_NODES if kept["nodes"] else WITHOUT_NODES).format(
            version=kept["version"],
            nodes=", ".join(kept["nodes"]),
            kubectl=binaries.path(binaries.KUBECTL),
            config=folder / "admin.kubeconfig",
            folder=folder,
            name=folder.name,
            python=sys.executable,
        )
    )


@contextlib.contextmanager
def _ended_unless_complete(run: Run) -> Iterator[Run]:
    try:
        yield run
    except BaseException:  # an interrupt too must leave nothing behind
        run.stop()
        raise


def load_everywhere(folder: Path, archives: list[Path]) -> None:
    """Load the images of *archives* into all nodes of the cluster in *folder*."""
    if not alive(folder):
        sys.exit(f"no cluster runs in {folder}: start one with `python -m tests.kubernetes up`")
    for node, pid in json.loads((folder / KEPT).read_text())["nodes"].items():
        for archive in archives:
            say(f"{node}: {load(pid, archive.resolve())}")


def say(text: str) -> None:
    """Print *text* at once."""
    sys.stdout.write(text)
    sys.stdout.flush()


def main() -> None:
    """Run the command that the command line names."""
    parser = argparse.ArgumentParser(prog="python -m tests.kubernetes", description=__doc__)
    named = argparse.ArgumentParser(add_help=False)
    named.add_argument("--name", default="kept", help="one of several (default: %(default)s)")
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("build", help="build and install what clusters are made of")
    start = actions.add_parser(
        "up", parents=[named], help="start a cluster, or show the one that runs"
    )
    start.add_argument("--nodes", type=int, default=1, help="how many (default: %(default)s)")
    fill = actions.add_parser("load", parents=[named], help="load images into every node")
    fill.add_argument("archive", type=Path, nargs="+")
    actions.add_parser("down", parents=[named], help="end a cluster")
    try:
        act(parser.parse_args())
    except (CannotBuildError, CannotInstallError, FailedError, images.CannotBuildError) as error:
        sys.exit(str(error))


def act(arguments: argparse.Namespace) -> None:
    """Run one command."""
    match arguments.action:
        case "build":
            packages.install()
            packages.promtool()
            binaries.build(binaries.ALL)
        case "up":
            up(runs() / arguments.name, arguments.nodes)
        case "load":
            load_everywhere(runs() / arguments.name, arguments.archive)
        case _:
            end(runs() / arguments.name)


if __name__ == "__main__":
    main()
