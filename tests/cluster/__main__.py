"""Owns `python -m tests.cluster`: a control plane that stays, with the webhook registered."""

import argparse
import sys
from pathlib import Path

from tests.cluster import binaries
from tests.cluster.control_plane import ControlPlane
from tests.cluster.processes import Run, alive, end, runs
from tests.cluster.server import available, serve

READ_ME = """\
Kubernetes {version} is running, without nodes: pods are admitted and stay Pending. Try

  {kubectl} --kubeconfig {config} apply --dry-run=server -o yaml -f YOUR.yaml

Logs: {folder}/*.log
"""


def up(folder: Path) -> None:
    """Start a control plane in *folder* and leave it running, unless one runs there."""
    config = folder / "admin.kubeconfig"
    if not alive(folder):
        end(folder)
        run = Run(folder, detached=True)
        plane = ControlPlane(run=run)
        try:
            config = plane.kubeconfig
            (folder / "version").write_text(plane.version())
            if available():
                serve(plane)
            else:
                say("`python -m webhook serve --help` fails: no webhook is registered\n")
        except BaseException:  # an interrupt too must leave no process behind
            plane.stop()
            raise
    kubectl = binaries.path(binaries.KUBECTL)
    version = (folder / "version").read_text()
    say(READ_ME.format(version=version, kubectl=kubectl, config=config, folder=folder))


def say(text: str) -> None:
    """Tell the user."""
    sys.stdout.write(text)
    sys.stdout.flush()


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.cluster", description=__doc__)
    parser.add_argument("action", choices=["build", "up", "down"])
    parser.add_argument("--name", default="kept", help="one of several (default: %(default)s)")
    arguments = parser.parse_args()
    folder = runs() / arguments.name
    match arguments.action:
        case "build":
            for program in binaries.ALL:
                binaries.path(program)
        case "up":
            up(folder)
        case _:
            end(folder)


if __name__ == "__main__":
    main()
