"""Compare the webhook with a naive one: `make bench`, `python -m benchmarks.run`."""

import argparse
import os
import platform
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

import msgspec
from rich.box import SIMPLE
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from benchmarks.figures import Figure
from benchmarks.measures import FULL, QUICK
from benchmarks.servers import write_certificate
from benchmarks.session import Session

PACKAGES: Final = (
    *("fastapi", "httptools", "jsonpatch", "kubernetes"),
    *("msgspec", "pydantic", "uvicorn", "uvloop"),
)
COLUMNS: Final = ("", "modelcache", "compared with", "ratio", "rounds", "wanted")

BUSY: Final = 0.7
"""Load average before the run, above which figures are less reliable."""
WIDTH: Final = 112
"""Columns if there is no terminal."""


def main() -> None:
    """Run, print the table and write the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument(
        "--json", type=Path, default=Path(".bench/results.json"), metavar="FILE",
        help="the file to write the figures to (default: %(default)s)",
    )  # fmt: skip
    options = parser.parse_args()
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH)
    load = os.getloadavg()[0]
    if load > BUSY:
        console.print(f"The machine is busy (load {load:.1f}): expect wide ranges.", style="yellow")
    columns = (
        TextColumn("{task.description:>20}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with (
        tempfile.TemporaryDirectory() as folder,
        Progress(*columns, console=console, transient=True) as progress,
    ):
        write_certificate(Path(folder))
        session = Session(QUICK if options.quick else FULL, Path(folder), progress)
        figures = list(session.figures())
    machine = {
        "cores": str(os.cpu_count()),
        "load": f"{load:.1f}",
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        **{name: version(name) for name in PACKAGES},
    }
    console.print(_table(figures))
    console.print(", ".join(f"{name} {value}" for name, value in machine.items()), style="dim")
    _write(options.json, figures, machine)
    console.print(f"Written to {options.json}", style="dim")


def _table(figures: Sequence[Figure]) -> Table:
    table = Table(*COLUMNS, box=SIMPLE, title="modelcache compared with a naive webhook")
    before = ""
    for figure in figures:
        cells = figure.row()
        if before and cells[0] != before:
            table.add_section()
        cells[0], before = ("" if cells[0] == before else cells[0]), cells[0]
        table.add_row(*cells)
    return table


def _write(path: Path, figures: Sequence[Figure], machine: dict[str, str]) -> None:
    document = {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine,
        "figures": [
            {**msgspec.to_builtins(figure), "ratios": figure.ratios, "met": figure.met}
            for figure in figures
        ],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(document)) + b"\n")


if __name__ == "__main__":
    main()
