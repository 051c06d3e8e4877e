"""Load a model larger than the memory limit of its loader, and print the memory it used."""

import argparse
import os
import subprocess
import tempfile
import time
from pathlib import Path

from rich.console import Console

from benchmarks.startup.__main__ import size
from benchmarks.store.contests import MODELCACHE, REPOSITORY
from tests.hub.running import hub_server
from tests.kubernetes import cgroups
from tests.kubernetes.cgroups import Cgroup
from tests.store.models import sharded
from webhook.rendering.loader import MEMORY

_INSIDE = 'echo $$ > "$1" && shift && exec "$@"'
"""A shell that enters the control group of its first argument, and becomes a command."""


def measured(group: Cgroup, command: list[str], env: dict[str, str]) -> tuple[float, int]:
    """Return the seconds of a command in *group*, and its peak anonymous memory in bytes."""
    procs = str(group.memory / "cgroup.procs")
    began = time.monotonic()
    most = 0
    with subprocess.Popen(["sh", "-c", _INSIDE, "sh", procs, *command], env=env) as process:
        while process.poll() is None:
            most = max(most, group.charged()["anon"])
            time.sleep(0.05)
    if process.returncode:
        raise RuntimeError(f"ended with {process.returncode}: {command}")
    return time.monotonic() - began, most


def main() -> None:
    """Run, and print a line."""
    made = argparse.ArgumentParser(prog="python -m benchmarks.store.limited", description=__doc__)
    made.add_argument("--size", type=size, default="5GB", help="of the model; default: 5GB")
    wanted: int = made.parse_args().size
    group = Cgroup(f"modelcache-bench-{os.getpid()}")
    cgroups.create(group.name)
    limit = next(
        path for path in (group.memory / "memory.max", group.memory / "memory.limit_in_bytes")
        if path.exists()
    )  # fmt: skip
    limit.write_text(str(int(MEMORY)))
    try:
        with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:
            folder = Path(name)
            model = sharded(folder / "source", 4, wanted)
            with hub_server(folder / "hub") as hub:
                hub.commit(REPOSITORY, {path.name: path for path in model.iterdir()})
                (folder / "store").mkdir()
                command = [MODELCACHE, "load", REPOSITORY, str(folder / "store")]
                env = {**os.environ, "HF_ENDPOINT": hub.url}
                seconds, anonymous = measured(group, command, env)
            line = (
                f"{wanted / 1e9:g} GB in {seconds:.1f} s under a limit of {MEMORY}: anonymous "
                f"{anonymous / 2**20:.0f} MiB at most; with pages of files "
                f"{group.peak() / 2**20:.0f} MiB"
            )
    finally:
        cgroups.remove(group.name)
    Console(width=200).print(line)


if __name__ == "__main__":
    main()
