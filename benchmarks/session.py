"""Run the benchmark: all servers run at once and are visited in rounds, in random order.

A ratio is the median over rounds of the ratios within a round. If the machine gets
slower during the run, both sides of a ratio get slower.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Final, TypeVar

from rich.progress import Progress

from benchmarks import measures
from benchmarks.figures import Figure
from benchmarks.load import Result
from benchmarks.measures import Scale
from benchmarks.reviews import SIZES
from benchmarks.servers import NAIVE, NAIVE_WITH_CLIENT, OURS, Kind, Server, old_jsonpatch, running

C = TypeVar("C")
T = TypeVar("T")

RATES: Final = (200, 1000)
HEADROOM: Final = 0.7
"""The share of its saturated throughput at which a server is measured."""
WANTED: Final = {"1.33": (1 / 7, 1 / 10), "current": (1 / 13, 1 / 22)}
"""The largest share of the naive webhook's processor time, by its jsonpatch, for each size."""
START: Final = 1 / 2
MEMORY: Final = 60.0


class Session:
    """A run and its progress bar."""

    def __init__(self, scale: Scale, folder: Path, progress: Progress) -> None:
        self._scale = scale
        self._folder = folder
        self._progress = progress
        self._kinds: dict[str, Kind] = {
            "ours": OURS,
            "1.33": replace(NAIVE, name="naive 1.33", path=str(old_jsonpatch())),
            "current": replace(NAIVE, name=f"naive {version('jsonpatch')}"),
        }
        self._servers: dict[str, Server] = {}

    def figures(self) -> Iterator[Figure]:
        """Measure everything, in the order of the table."""
        with ExitStack() as stack:
            for key, kind in self._kinds.items():
                self._servers[key] = stack.enter_context(running(kind, self._folder))
            for server in self._progress.track(self._servers.values(), description="Same work"):
                measures.check(server)
            busy = self._rounds(
                "Saturated",
                [(key, size) for key in self._servers for size in SIZES],
                lambda case: measures.saturated(self._servers[case[0]], case[1], self._scale),
            )
            yield from self._processor_time(busy)
            yield from self._latency(busy)
            yield from self._start()
        yield from self._in_process()
        yield from self._memory()

    def _processor_time(self, busy: dict[tuple[str, str], list[Result]]) -> Iterator[Figure]:
        for i, size in enumerate(SIZES):
            for key, wanted in WANTED.items():
                yield Figure(
                    what=f"Processor time, {size}",
                    unit="µs",
                    ours=[r.cpu_us for r in busy["ours", size]],
                    compared=self._kinds[key].name,
                    theirs=[r.cpu_us for r in busy[key, size]],
                    wanted=wanted[i],
                )

    def _latency(self, busy: dict[tuple[str, str], list[Result]]) -> Iterator[Figure]:
        size = SIZES[0]
        most = {key: median(r.per_second for r in busy[key, size]) for key in self._servers}
        holds = [(key, rate) for key in most for rate in RATES if rate <= HEADROOM * most[key]]
        found = self._rounds(
            "At a rate",
            holds,
            lambda case: measures.at_rate(self._servers[case[0]], case[1], self._scale),
        )
        for rate in RATES:
            if ("ours", rate) not in found:
                continue
            others = [key for key in WANTED if (key, rate) in found]
            unable = [
                f"{self._kinds[key].name}: {most[key]:.0f}/s at most"
                for key in WANTED
                if key not in others
            ]
            for what, read in _QUANTILES.items():
                for key in others or [""]:
                    theirs = [read(r) for r in found[key, rate]] if key else []
                    yield Figure(
                        what=f"{what} at {rate}/s, {size}",
                        unit="µs",
                        ours=[read(r) for r in found["ours", rate]],
                        compared=self._kinds[key].name if key else "",
                        theirs=theirs,
                        note="; ".join(unable),
                    )

    def _start(self) -> Iterator[Figure]:
        kinds = {"ours": OURS, "client": NAIVE_WITH_CLIENT}
        for kind in self._progress.track(kinds.values(), description="Start, not counted"):
            measures.start(kind, self._folder)
        found = self._rounds(
            "Start", list(kinds), lambda key: measures.start(kinds[key], self._folder)
        )
        yield Figure(
            what="Start to first answer",
            unit="s",
            ours=found["ours"],
            compared=NAIVE_WITH_CLIENT.name,
            theirs=found["client"],
            wanted=START,
        )

    def _in_process(self) -> Iterator[Figure]:
        found = self._rounds("In process", [""], lambda _: measures.in_process(self._scale))[""]
        for size in SIZES:
            for note, values in (
                ("a pod as those before", [round_.us[size] for round_ in found]),
                ("a pod like no other", [round_.decided_us[size] for round_ in found]),
            ):
                what = f"Bytes to bytes, {size}"
                yield Figure(what=what, unit="µs", ours=values, note=note)
        yield Figure(
            what=f"Garbage collections in {self._scale.warm:,} reviews",
            unit="",
            ours=[max(round_.collections for round_ in found)],
            wanted=0.0,
        )

    def _memory(self) -> Iterator[Figure]:
        [(at_rest, after)] = self._rounds(
            "Memory", [""], lambda _: measures.memory(OURS, self._folder, self._scale), 1
        )[""]
        for what, value in (
            ("Memory at rest", at_rest),
            (f"Memory after {self._scale.reviews:,} reviews", after),
        ):
            yield Figure(what=what, unit="MiB", ours=[value], wanted=MEMORY)

    def _rounds(
        self, title: str, cases: Sequence[C], measure: Callable[[C], T], rounds: int | None = None
    ) -> dict[C, list[T]]:
        found: dict[C, list[T]] = defaultdict(list)
        order = list(measures.shuffled(cases, rounds or self._scale.rounds))
        for case in self._progress.track(order, description=title):
            found[case].append(measure(case))
        return found


_QUANTILES: Final[dict[str, Callable[[Result], float]]] = {
    "Median answer": lambda result: result.p50_us,
    "99th of 100": lambda result: result.p99_us,
}
