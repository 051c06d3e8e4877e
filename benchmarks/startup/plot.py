"""Draw the figures: bars of seconds, all from zero."""

import io
from pathlib import Path
from typing import Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from PIL import Image

from benchmarks.startup.cells import CACHES, NAIVE, REPLICAS, STRATEGIES
from benchmarks.startup.figures import Figures, Start
from benchmarks.startup.tables import seconds_of, shown, size_of, times_of

mpl.use("agg")
COLOURS: Final = {"warm": "#0072b2", "cold": "#56b4e9", "": "#d55e00"}
"""The colours of Okabe and Ito, which people with any colour vision can distinguish."""
LABELS: Final = {
    "warm": "model in the node's page cache",
    "cold": "model on the node's disk alone",
    "": "naive: downloads at every start",
}
NAMES: Final = (NAIVE, *STRATEGIES)
THICKNESS: Final = 0.36
DOTS: Final = 90
"""Per inch."""
COLOURS_KEPT: Final = 32
"""Dots per inch: enough for smooth letters, and few, because the README shows the picture."""


def draw(figures: Figures, path: Path) -> None:
    """Write the picture as PNG: a row for each number of replicas, a column for each size."""
    sizes = figures.sizes()
    figure = Figure(figsize=(3.7 * len(sizes) + 0.8, 6.4), layout="constrained")
    every = figure.subplots(len(REPLICAS), len(sizes), squeeze=False)
    for above, replicas in zip(every, REPLICAS, strict=True):
        for axes, size in zip(above, sizes, strict=True):
            _bars(axes, figures, size, replicas)
    figure.suptitle(
        "Seconds from the create request to the first byte of the last pod\n"
        f"compared with naive pods, whose hub serves {figures.rate / 1e6:.0f} MB/s in all",
        fontsize=11,
    )
    patches = [Patch(color=COLOURS[cache], label=LABELS[cache]) for cache in LABELS]
    figure.legend(handles=patches, loc="outside lower center", ncols=3, fontsize=9, frameon=False)
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", dpi=DOTS)
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.open(drawn).convert("RGB")
    image.quantize(COLOURS_KEPT, dither=Image.Dither.NONE).save(path, format="png", optimize=True)


def _bars(axes: Axes, figures: Figures, size: int, replicas: int) -> None:
    most = 0.0
    for place, strategy in enumerate(NAMES):
        caches = ("",) if strategy == NAIVE else CACHES
        for number, cache in enumerate(caches):
            start = shown(figures, size, strategy, replicas, cache)
            if start is None:
                continue
            height = place + (number - (len(caches) - 1) / 2) * THICKNESS
            axes.barh(height, start.median, THICKNESS * 0.92, color=COLOURS[cache])
            axes.plot(start.seconds, [height] * len(start.seconds), "k.", markersize=3)
            text = f" {_label(figures, start, replicas)}"
            axes.text(max(start.seconds), height, text, va="center", fontsize=8)
            most = max(most, *start.seconds)
    axes.set_yticks(range(len(NAMES)), NAMES)
    axes.set_ylim(len(NAMES) - 0.5, -0.5)
    axes.set_xlim(0, most * 1.3)  # room for the text next to the longest bar
    axes.xaxis.set_major_formatter("{x:g} s")
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    count = f"{replicas} replica{'s' if replicas > 1 else ''}"
    axes.set_title(f"{size_of(size)}, {count}", fontsize=10)


def _label(figures: Figures, start: Start, replicas: int) -> str:
    fewer = f", {start.replicas} pods" if start.replicas != replicas else ""
    ratio = None if start.strategy == NAIVE else figures.sooner(start)
    sooner = f", {times_of(ratio)} sooner" if ratio else ""
    return f"{seconds_of(start.median)}{fewer}{sooner}"
