"""Compare the start of pods with that of pods that download: `make bench-startup`."""

import argparse
import os
import re
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from benchmarks.startup import readme, tables
from benchmarks.startup.cells import MB, SIZES
from benchmarks.startup.figures import Figures, read, write
from benchmarks.startup.measurement import Extent, measure
from benchmarks.startup.plot import draw

ROUNDS: Final = 3
PAIRS: Final = 200
QUICK_SIZES: Final = (256 * MB,)
QUICK_PAIRS: Final = 50
LARGEST: Final = 8000 * MB
UNITS: Final = {"MB": MB, "GB": 1000 * MB}
BUSY: Final = 0.7
"""Load average before the run, above which figures are less reliable."""
WIDTH: Final = 140
"""Columns if there is no terminal."""


def size(text: str) -> int:
    """Return the bytes of a size such as 64MB or 2GB."""
    match = re.fullmatch(r"(\d+)(MB|GB)", text)
    if not match or not MB <= int(match[1]) * UNITS[match[2]] <= LARGEST:
        raise argparse.ArgumentTypeError(f"{text!r} is not a size from 1MB to 8GB, such as 512MB")
    return int(match[1]) * UNITS[match[2]]


def positive(text: str) -> int:
    """Return a whole number above zero."""
    if not re.fullmatch(r"[1-9]\d{0,5}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def recorded(text: str) -> Figures:
    """Return the figures of a file that an earlier run wrote."""
    try:
        return read(Path(text))
    except (OSError, ValueError) as error:
        raise argparse.ArgumentTypeError(f"{text}: {error}") from error


def arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the options in *words* or on the command line; SystemExit if they are wrong."""
    made = argparse.ArgumentParser(prog="python -m benchmarks.startup", description=__doc__)
    made.add_argument(
        "--sizes", type=size, nargs="+", metavar="SIZE", help="of models (default: 64MB 512MB 2GB)"
    )
    made.add_argument(
        "--rounds", type=positive, help=f"visits to a cell, at most (default: {ROUNDS})"
    )
    made.add_argument(
        "--pairs", type=positive, help=f"create requests of each strategy (default: {PAIRS})"
    )
    made.add_argument("--quick", action="store_true", help="one size, one round")
    made.add_argument(
        "--json", type=Path, default=Path(".bench/startup.json"), metavar="FILE",
        help="the file for the figures (default: %(default)s); the picture is put next to it",
    )  # fmt: skip
    made.add_argument(
        "--show", type=recorded, metavar="FILE", help="show an earlier run instead of measuring"
    )
    made.add_argument(
        "--record", action="store_true", help="write the README's tables and picture from --show"
    )
    options = made.parse_args(words)
    if options.record and not options.show:
        made.error("--record needs --show: first look at a run, then record it")
    if options.show and (options.sizes or options.rounds or options.pairs or options.quick):
        made.error("--show measures nothing: leave out --sizes, --rounds, --pairs and --quick")
    if options.quick and (options.sizes or options.rounds or options.pairs):
        made.error("--quick chooses sizes, rounds and pairs itself")
    return options


def main() -> None:
    """Run, print the tables, write the figures and the picture."""
    options = arguments()
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH)
    figures: Figures = options.show or _measured(options, console)
    tables.show(figures, console)
    machine = ", ".join(f"{name} {value}" for name, value in figures.machine.items())
    console.print(f"{figures.command}\n{machine}", style="dim")
    if options.record:
        write(readme.RECORDED, figures)
        draw(figures, readme.PICTURE)
        readme.update(figures)
        console.print("Recorded", style="dim")
    elif not options.show:
        picture = options.json.with_suffix(".png")
        draw(figures, picture)
        console.print(f"Written to {options.json} and {picture}", style="dim")


def _measured(options: argparse.Namespace, console: Console) -> Figures:
    """Measure, and show the progress."""
    quick = options.quick
    extent = Extent(
        sizes=tuple(sorted(set(options.sizes or (QUICK_SIZES if quick else SIZES)))),
        rounds=options.rounds or (1 if quick else ROUNDS),
        pairs=options.pairs or (QUICK_PAIRS if quick else PAIRS),
    )
    load = os.getloadavg()[0]
    if load > BUSY:
        console.print(f"The machine is busy (load {load:.1f}): expect wide ranges.", style="yellow")
    columns = (
        TextColumn("{task.description:>28}"),
        BarColumn(),
        TimeElapsedColumn(),
        TextColumn("about"),
        TimeRemainingColumn(),
        TextColumn("to go"),
    )
    command = shlex.join(["python", "-m", "benchmarks.startup", *sys.argv[1:]])
    with Progress(*columns, console=console, transient=True) as progress:
        return measure(extent, command, progress, lambda figures: write(options.json, figures))


if __name__ == "__main__":
    main()
