"""Measure how much the gate delays a pod's start: `python -m benchmarks.startup.gate`."""

import argparse
import os
import statistics

from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.startup.__main__ import positive
from benchmarks.startup.cells import MB, Cell
from benchmarks.startup.installation import Installation
from benchmarks.startup.visit import visit

SIZE = 64 * MB
RATE = 1e9


def main() -> None:
    """Start pods with and without the gate in turn, and print the difference."""
    made = argparse.ArgumentParser(prog="python -m benchmarks.startup.gate", description=__doc__)
    made.add_argument("--rounds", type=positive, default=21, help="default: %(default)s")
    rounds: int = made.parse_args().rounds
    console = Console(width=100)
    load = os.getloadavg()[0]
    cells = [
        Cell(strategy=strategy, size=SIZE, replicas=1, cache="warm", verify=verify)
        for strategy in ("pvc", "hostPath")
        for verify in (False, True)
    ]
    seconds: dict[Cell, list[float]] = {cell: [] for cell in cells}
    with Installation((SIZE,), RATE, console.print) as place:
        for cell in track(cells * rounds, "Pods", console=console):
            seconds[cell].append(visit(place, cell))
    table = Table(
        "strategy", "without", "with", "added, median", "least", "most", title=f"load {load:.1f}"
    )
    for plain, gated in zip(cells[::2], cells[1::2], strict=True):
        added = [
            after - before for before, after in zip(seconds[plain], seconds[gated], strict=True)
        ]
        figures = (statistics.median(seconds[plain]), statistics.median(seconds[gated]))
        spread = (statistics.median(added), min(added), max(added))
        table.add_row(plain.strategy, *(f"{one:.2f} s" for one in (*figures, *spread)))
    console.print(table)


if __name__ == "__main__":
    main()
