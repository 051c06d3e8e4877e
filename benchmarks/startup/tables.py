"""Show the figures as tables: on the terminal, and in Markdown for the documents."""

from collections.abc import Iterator, Sequence
from statistics import median
from typing import Final

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from benchmarks.startup.cells import CACHES, NAIVE, REPLICAS, STRATEGIES
from benchmarks.startup.figures import (
    ARTICLE,
    ARTICLE_NAIVE,
    INJECTION,
    WANTED,
    WANTED_OF,
    WANTED_REPLICAS,
    Figures,
    Injection,
    Start,
)

COLUMNS: Final = tuple((count, cache) for count in REPLICAS for cache in CACHES)
HEADS: Final = tuple(
    f"{count} replica{'s' if count > 1 else ''}, {cache}" for count, cache in COLUMNS
)


def size_of(size: int) -> str:
    """Return bytes in MB or GB: 64 MB, 2 GB."""
    mega = size / 1_000_000
    return f"{mega / 1000:g} GB" if mega >= 1000 else f"{mega:g} MB"


def seconds_of(value: float) -> str:
    """Return seconds with the digits that are significant."""
    return f"{value:.0f} s" if value >= 99.5 else f"{value:.1f} s"


def times_of(ratio: float) -> str:
    """Return how many times sooner."""
    return f"{ratio:.0f} times" if ratio >= 9.95 else f"{ratio:.1f} times"


def range_of(values: Sequence[float]) -> str:
    """Return the minimum, the maximum and the number of several visits."""
    if len(values) == 1:
        return "n 1"
    least, most = seconds_of(min(values)), seconds_of(max(values))
    return f"{least.removesuffix(' s')} to {most}, n {len(values)}"


def shown(figures: Figures, size: int, strategy: str, replicas: int, cache: str) -> Start | None:
    """Return the cell for a column; pods in memory may be fewer than the column says."""
    most = [count for count in figures.replicas(size, strategy) if count <= replicas]
    return figures.start(strategy, size, max(most), cache) if most else None


def cell(figures: Figures, start: Start, replicas: int) -> tuple[str, str]:
    """Return the two lines of a cell: median and ratio; range, visits and remarks."""
    special = f"{start.replicas} pods; " if start.replicas != replicas else ""
    ratio = None if start.strategy == NAIVE else figures.sooner(start)
    return (
        seconds_of(start.median) + (f", {times_of(ratio)}" if ratio else ""),
        special + range_of(start.seconds),
    )


def line(figures: Figures, size: int, strategy: str) -> Iterator[tuple[str, str]]:
    """Yield the cells of a strategy, in the order of COLUMNS; naive pods have no cold cache."""
    for count, cache in COLUMNS:
        start = shown(figures, size, strategy, count, cache)
        if start is None or (strategy == NAIVE and cache == "cold"):
            yield "", ""
        else:
            yield cell(figures, start, count)


def met(figures: Figures, size: int, strategy: str) -> bool | None:
    """Return whether a strategy meets the goal, warm and cold; None if there is no goal."""
    if strategy not in WANTED_OF or WANTED_REPLICAS not in figures.replicas(size, strategy):
        return None
    starts = [figures.start(strategy, size, WANTED_REPLICAS, cache) for cache in CACHES]
    return all(figures.met(start) for start in starts)


def article_of(strategy: str) -> str:
    """Return the article's figure for 16 GB: seconds, and the ratio to its download."""
    if strategy == NAIVE:
        return f"{ARTICLE_NAIVE / 60:g} min"
    seconds = ARTICLE[strategy]
    return f"{seconds:g} s, {times_of(ARTICLE_NAIVE / seconds)}" if seconds else "0 s after pull"


def _starts(figures: Figures, size: int) -> Table:
    table = Table(box=SIMPLE, title=f"Model of {size_of(size)}")
    for head in ("", *HEADS, "wanted", "article, 16 GB"):
        table.add_column(head)
    for strategy in (NAIVE, *STRATEGIES):
        cells = [f"{top}\n[dim]{below}[/]" for top, below in line(figures, size, strategy)]
        verdict = met(figures, size, strategy)
        wanted = "" if verdict is None else "[green]yes[/]" if verdict else "[red]no[/]"
        table.add_row(strategy, *cells, wanted, article_of(strategy))
    return table


def _added(one: Injection) -> list[str]:
    return [
        one.strategy,
        f"{median(one.annotated):.1f} ms",
        f"{median(one.plain):.1f} ms",
        f"{one.added:.1f} ms",
        str(len(one.annotated)),
    ]


ADDED: Final = ("", "annotated", "without", "injection adds", "pairs")


def _injection(figures: Figures) -> Table:
    table = Table(box=SIMPLE, title="Create request of a pod, median")
    for head in (*ADDED, "wanted"):
        table.add_column(head)
    for one in figures.injection:
        verdict = "[green]yes[/]" if one.met else "[red]no[/]"
        table.add_row(*_added(one), f"< {INJECTION:g} ms {verdict}")
    return table


def show(figures: Figures, console: Console) -> None:
    """Print all tables."""
    for size in figures.sizes():
        console.print(_starts(figures, size))
    if figures.sizes():
        console.print(
            "Seconds from the create request to the first byte of the last pod, and how many times "
            "sooner than as many naive pods;\nbelow, the least and the most of n visits. Wanted: "
            f"{', '.join(WANTED_OF)} start {WANTED_REPLICAS} replicas {WANTED:g} times sooner.\n"
            f"Link: {figures.rate / 1e6:.1f} MB/s for all pods together, "
            f"{figures.carried / 1e6:.1f} MB/s seen.",
            style="dim",
        )
    if figures.injection:
        console.print(_injection(figures))


def starts_markdown(figures: Figures, size: int) -> str:
    """Return the table of one size in Markdown."""
    heads = (f"{size_of(size)} from", *HEADS, "article, 16 GB")
    rows = [heads, ("---",) * len(heads)]
    for strategy in (NAIVE, *STRATEGIES):
        cells = [f"{top} ({below})" if top else "" for top, below in line(figures, size, strategy)]
        rows.append((strategy, *cells, article_of(strategy)))
    return _markdown(rows)


def headline_markdown(figures: Figures) -> str:
    """Return the sentence of README.md about many pods of the largest model in a node's cache."""
    size, replicas = figures.sizes()[-1], max(REPLICAS)
    ours = figures.start("hostPath", size, replicas, "warm")
    naive = figures.start(NAIVE, size, replicas, "")
    return (
        f"**{replicas} pods, {size_of(size)}: {seconds_of(ours.median)} instead of "
        f"{seconds_of(naive.median)}** until the last pod serves. The pods read their node's\n"
        "cache (strategy `hostPath`). Without modelcache each pod downloads the model when it\n"
        f"starts, over one link of {figures.rate / 1e6:.0f} MB/s "
        "([how it was measured](benchmarks/README.md#start-up-measured)).\n"
    )


def injection_markdown(figures: Figures) -> str:
    """Return the table of create requests in Markdown."""
    return _markdown([ADDED, ("---",) * len(ADDED), *map(_added, figures.injection)])


def _markdown(rows: Sequence[Sequence[str]]) -> str:
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)
