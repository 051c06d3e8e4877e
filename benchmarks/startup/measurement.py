"""Measure all cells of all sizes in one cluster, round by round in random order."""

import os
import platform
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.progress import Progress

from benchmarks.startup import injection
from benchmarks.startup.cells import NAIVE, STRATEGIES, Cell, cells, schedule
from benchmarks.startup.figures import Figures, Injection, Start
from benchmarks.startup.installation import NAMESPACE, Installation
from benchmarks.startup.link import RATE
from benchmarks.startup.visit import visit


@dataclass(frozen=True, slots=True)
class Extent:
    """The sizes and counts of a run."""

    sizes: tuple[int, ...]
    """Bytes of the models."""
    rounds: int
    pairs: int
    """Create requests with and without annotations, for each strategy."""


def measure(
    extent: Extent, command: str, progress: Progress, keep: Callable[[Figures], None]
) -> Figures:
    """Return the figures of a run; *keep* is called with them as soon as they are complete."""
    machine = _machine()
    order = list(schedule(cells(extent.sizes, available()), extent.rounds, RATE))
    bar = progress.add_task("", total=None)
    with Installation(
        extent.sizes, RATE, lambda text: progress.update(bar, description=text)
    ) as place:
        carried = place.carried()
        progress.remove_task(bar)
        figures = Figures(
            time=datetime.now(UTC).isoformat(timespec="seconds"),
            command=command,
            machine=machine,
            rate=RATE,
            carried=carried,
            starts=_starts(place, order, progress),
            injection=_injection(place, extent.pairs, progress),
        )
        keep(figures)
    return figures


def _starts(place: Installation, order: Sequence[Cell], progress: Progress) -> tuple[Start, ...]:
    seconds: dict[Cell, list[float]] = defaultdict(list)
    bar = progress.add_task("", total=sum(cell.expected(RATE) for cell in order))
    for cell in order:
        progress.update(bar, description=str(cell))
        seconds[cell].append(visit(place, cell))
        progress.advance(bar, cell.expected(RATE))
    progress.remove_task(bar)
    return tuple(
        Start(
            strategy=cell.strategy,
            size=cell.size,
            replicas=cell.replicas,
            cache=cell.cache,
            seconds=tuple(seconds[cell]),
        )
        for cell in sorted(seconds, key=_in_order)
    )


def _in_order(cell: Cell) -> tuple[int, int, int, str]:
    return cell.size, (NAIVE, *STRATEGIES).index(cell.strategy), cell.replicas, cell.cache


def _injection(place: Installation, pairs: int, progress: Progress) -> tuple[Injection, ...]:
    bar = progress.add_task("Create requests", total=pairs + injection.UNCOUNTED)
    api = place.cluster.api
    return tuple(injection.measure(api, NAMESPACE, pairs, lambda: progress.advance(bar)))


def available() -> int:
    """Return the bytes of available memory."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    fields = dict(line.split(":") for line in lines)
    return int(fields["MemAvailable"].split()[0]) * 1024


def _machine() -> dict[str, str]:
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "cores": str(os.cpu_count()),
        "memory": f"{memory / 2**30:.0f} GiB",
        "load": f"{os.getloadavg()[0]:.1f}",
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
    }
