"""Show the results: a table on a terminal and in Markdown, and a picture."""

import io
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import matplotlib as mpl
import msgspec
from matplotlib.figure import Figure
from PIL import Image
from rich.table import Table

from benchmarks.startup.readme import ROOT, marked
from benchmarks.store.contest import Result

mpl.use("agg")
OURS, THEIRS = "#0072b2", "#d55e00"
RECORDED = Path(__file__).with_name("recorded.json")
"""The run that the README shows."""
README = ROOT / "benchmarks" / "README.md"
HEAD = ("", "median", "GB/s", "ours is so many times as fast", "peak memory")


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """All results of one run of the benchmark, and the machine."""

    machine: str
    results: list[Result]


def read(path: Path) -> Figures:
    """Return the figures of an earlier run; ValueError, OSError if they can't be read."""
    return msgspec.json.decode(path.read_bytes(), type=Figures)


def recorded(figures: Figures, text: str) -> str:
    """Return the text of a README with the table of *figures* between its marks."""
    source = f"`python -m benchmarks.store`, {figures.machine}.\n"
    return marked(text, markdown(figures.results) + f"\n{source}", "store")


def record(figures: Figures) -> None:
    """Write *figures*, the table and the picture."""
    RECORDED.write_bytes(msgspec.json.format(msgspec.json.encode(figures)) + b"\n")
    draw(figures.results, RECORDED.with_suffix(".png"))
    README.write_text(recorded(figures, README.read_text()))


def rows(result: Result) -> list[tuple[str, ...]]:
    """Return a row for each command of a contest."""
    found: list[tuple[str, ...]] = []
    for name in result.runs:
        ratios = result.faster(name)
        ratio = f"{median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
        seconds = result.median(name)
        found.append(
            (
                name,
                f"{seconds:.2f} s",
                f"{result.size / seconds / 1e9:.2f}",
                "" if name == result.ours else ratio,
                f"{result.peak(name) / 2**20:.0f} MiB",
            )
        )
    return found


def table(result: Result) -> Table:
    """Return the table of a contest for a terminal."""
    made = Table(*HEAD, title=result.title)
    for row in rows(result):
        made.add_row(*row)
    return made


def markdown(results: Sequence[Result]) -> str:
    """Return all tables as one, for a README file."""
    lines = ["| " + " | ".join(("", *HEAD[1:])) + " |", "|---" * len(HEAD) + "|"]
    for result in results:
        lines.append(f"| **{result.title}** |" + " |" * (len(HEAD) - 1))
        lines += ["| " + " | ".join(row) + " |" for row in rows(result)]
    return "\n".join(lines) + "\n"


def draw(results: Sequence[Result], path: Path) -> None:
    """Write the medians as PNG: bars of GB/s, all from zero, each run a dot."""
    figure = Figure(figsize=(7.5, 1.2 + 0.9 * len(results)), layout="constrained")
    every = figure.subplots(len(results), 1, squeeze=False)
    for (axes,), result in zip(every, results, strict=True):
        for place, name in enumerate(result.runs):
            speeds = [result.size / run.seconds / 1e9 for run in result.runs[name]]
            axes.barh(place, median(speeds), 0.7, color=OURS if name == result.ours else THEIRS)
            axes.plot(speeds, [place] * len(speeds), "k.", markersize=3)
        axes.set_yticks(range(len(result.runs)), list(result.runs), fontsize=8)
        axes.invert_yaxis()
        axes.set_xlim(0)
        axes.tick_params(labelsize=8)
        axes.xaxis.set_major_formatter("{x:g} GB/s")
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_title(result.title, fontsize=9, loc="left")
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", dpi=90)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.open(drawn).convert("RGB").quantize(32).save(path, format="png", optimize=True)
