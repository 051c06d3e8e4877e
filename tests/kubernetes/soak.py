"""Owns a long run: reviews at a steady rate while leaf certificates are renewed each minute.

`python -m tests.kubernetes.soak` installs the chart in a cluster of two nodes and runs for an hour.
It prints how memory, descriptors, threads and tasks developed, and fails if one of them grew or a
review failed.
"""

import argparse
import contextlib
import os
import re
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Final

from rich.console import Console
from rich.progress import Progress
from rich.table import Column, Table

from tests.background import in_background
from tests.kubernetes.callers import callers, get, write_bundle
from tests.kubernetes.calling import Met
from tests.kubernetes.release import Release, on_two_nodes

RATE: Final = 50.0
LEAF_SECONDS: Final = 90
"""Leaf certificates are renewed at two thirds of it, which is each minute."""
PERIOD: Final = 5.0
"""Seconds between two samples."""
WARM_SECONDS: Final = 15.0
"""Seconds at the start that are not compared: the first reviews and probes load modules."""
PAGE: Final = os.sysconf("SC_PAGE_SIZE")
MOST_GROWTH: Final = 0.05
_TASKS: Final = re.compile(r"^modelcache_asyncio_tasks (\S+)$", re.MULTILINE)
_SHARE: Final = 4
"""The first and the last of so many parts of the samples are compared."""


def values(authority: str) -> str:
    """Return the chart's values; an authority is valid for *authority*."""
    lives = f"leafLifetime: {LEAF_SECONDS}s, authorityLifetime: {authority}, settle: 5s"
    return f"certificates: {{{lives}}}\n"


class Samples:
    """Samples of each process of each replica, taken every few seconds.

    A sample has the process's memory in bytes, descriptors, threads and, for a server, the tasks of
    its event loop.
    """

    def __init__(self, release: Release) -> None:
        self.taken: dict[str, list[dict[str, float]]] = {}
        self._release = release
        self._processes = {
            (number, kind): (pid, replica["status"]["podIP"])
            for number, replica in enumerate(release.installed.replicas(), start=1)
            for kind, pid in release.processes(replica).items()
        }

    def take(self) -> None:
        for (number, kind), (pid, address) in self._processes.items():
            of = Path(f"/proc/{pid}")
            sample = {
                "memory": float(of.joinpath("statm").read_text().split()[1]) * PAGE,
                "descriptors": float(len(list((of / "fd").iterdir()))),
                "threads": float(len(list((of / "task").iterdir()))),
            }
            if kind == "server":
                text = get(self._release, f"http://{address}:8080/metrics")
                sample["tasks"] = float(_TASKS.findall(text)[0])
            self.taken.setdefault(f"{number} {kind}", []).append(sample)

    def growth(self, name: str, field: str) -> float:
        """Return by what share each value grew from the first samples to the last."""
        values = [sample[field] for sample in self.taken[name]]
        part = max(1, len(values) // _SHARE)
        return median(values[-part:]) / median(values[:part]) - 1

    def grown(self, most: float) -> list[str]:
        """Return the values that grew by more than the allowed share."""
        return [
            f"{name}: {field} {self.growth(name, field):+.1%}"
            for name, samples in self.taken.items()
            for field in samples[0]
            if self.growth(name, field) > most
        ]

    def table(self) -> Table:
        """Return how the values of each process developed, as text."""
        right = [Column(title, justify="right") for title in ("first", "last", "growth")]
        table = Table("replica, process", "of", *right)
        for name, samples in self.taken.items():
            for field in samples[0]:
                unit = 2**20 if field == "memory" else 1
                first, last = (one[field] / unit for one in (samples[0], samples[-1]))
                growth = f"{self.growth(name, field):+.1%}"
                table.add_row(name, field, f"{first:.4g}", f"{last:.4g}", growth)
        return table


@contextlib.contextmanager
def sampled(release: Release) -> Iterator[Samples]:
    """Take samples for the time of a `with` block."""
    samples = Samples(release)

    def run(over: threading.Event) -> None:
        due = time.monotonic() + PERIOD
        while not over.wait(max(0.0, due - time.monotonic())):
            samples.take()  # which takes seconds on a busy machine
            due = max(due + PERIOD, time.monotonic())

    with in_background(run):
        yield samples


def soak(release: Release, seconds: float) -> tuple[Met, Samples]:
    """Run callers and samplers for *seconds*, with a progress bar; return their results."""
    with (
        tempfile.TemporaryDirectory(prefix="modelcache-soak-") as folder,
        callers(release, Path(folder), rate=RATE) as met,
        Progress(console=Console(file=sys.stderr)) as progress,
    ):
        bar = progress.add_task("soaking", total=seconds)
        time.sleep(WARM_SECONDS)
        began = time.monotonic()
        with sampled(release) as samples:
            while (passed := time.monotonic() - began) < seconds:
                progress.update(bar, completed=passed)
                write_bundle(release, Path(folder))  # callers must trust what API servers trust
                time.sleep(1)
    return met, samples


def main() -> None:
    """Install the chart, run, print the result, and exit with 1 if anything failed or grew."""
    parser = argparse.ArgumentParser(prog="soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    minutes = parser.parse_args().minutes
    with on_two_nodes() as release:
        release.change("install", values(authority="12m"))
        release.installed.wait_until_strict()
        met, samples = soak(release, minutes * 60)
        renewed = release.metric(r'modelcache_certificate_reloads_total\{result="ok"\}')
    console = Console()
    console.print(samples.table())
    console.print(f"answered: {dict(met.answered)}; faults: {dict(met.faults)}")
    console.print(f"certificates served, by replica: {renewed}; load {os.getloadavg()[0]:.1f}")
    grown = samples.grown(MOST_GROWTH)
    console.print("\n".join(grown) or f"nothing grew by more than {MOST_GROWTH:.0%}")
    raise SystemExit(1 if met.faults or grown else 0)


if __name__ == "__main__":
    main()
