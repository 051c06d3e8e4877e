"""Compare copy, load and verify with cp, hf and sha256sum: `make bench-store`."""

import argparse
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec
from rich.console import Console

from benchmarks.startup.__main__ import positive, size
from benchmarks.store import report
from benchmarks.store.contest import Result, results
from benchmarks.store.contests import MODELCACHE, REPOSITORY, copies, downloads, verified
from tests.hub.running import hub_server
from tests.store.models import sharded

SHARDS = 4


@contextmanager
def _memory(folder: Path, size: int) -> Iterator[Path]:
    """Yield a tmpfs that holds a model of *size* bytes."""
    folder.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", f"size={size + 2**26}", "tmpfs", str(folder)]
    subprocess.run(words, check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def _measured(wanted: int, rounds: int, console: Console) -> list[Result]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=Path.cwd())))
        console.print(f"Model of {wanted / 1e9:g} GB", style="dim")
        model = sharded(folder / "source", SHARDS, wanted)
        hub = stack.enter_context(hub_server(folder / "hub"))
        commit = hub.commit(REPOSITORY, {path.name: path for path in model.iterdir()})
        store = folder / "store"
        store.mkdir()
        words = [MODELCACHE, "load", REPOSITORY, str(store)]
        subprocess.run(words, check=True, env={**os.environ, "HF_ENDPOINT": hub.url})
        place = store / REPOSITORY.replace("/", "--") / commit
        memory = stack.enter_context(_memory(folder / "memory", wanted))
        contests = [
            *copies(place, memory, wanted),
            verified(place, wanted),
            downloads(hub, folder / "download", wanted),
        ]
        found = []
        for result in results(contests, rounds):
            console.print(report.table(result))
            found.append(result)
        return found


def main() -> None:
    """Run, print the tables, write figures and picture."""
    made = argparse.ArgumentParser(prog="python -m benchmarks.store", description=__doc__)
    made.add_argument("--size", type=size, default="2GB", help="of the model; default: 2GB")
    made.add_argument("--rounds", type=positive, default=5, help="default: %(default)s")
    made.add_argument("--json", type=Path, default=Path(".bench/store.json"), metavar="FILE")
    made.add_argument(
        "--record",
        action="store_true",
        help="write the table and picture of --json into the README files",
    )
    options = made.parse_args()
    if options.record:
        report.record(report.read(options.json))
        return
    console = Console(width=110)
    load = os.getloadavg()[0]
    found = _measured(options.size, options.rounds, console)
    machine = f"{os.cpu_count()} cores, load {load:.1f} before, {options.size / 1e9:g} GB"
    machine += f" in {SHARDS} files, {options.rounds} rounds"
    options.json.parent.mkdir(parents=True, exist_ok=True)
    figures = report.Figures(machine=machine, results=found)
    options.json.write_bytes(msgspec.json.encode(figures))
    report.draw(found, options.json.with_suffix(".png"))
    console.print(f"{machine}\nWritten to {options.json} and .png", style="dim")


if __name__ == "__main__":
    main()
