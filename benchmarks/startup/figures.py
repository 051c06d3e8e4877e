"""The figures of one run: medians, ratios, and whether the goals are met.

A ratio compares two medians. Naive pods, which keep the link busy for minutes, are visited
in fewer rounds than the others, so not every round has both.
"""

from pathlib import Path
from statistics import median
from typing import Final

import msgspec

from benchmarks.startup.cells import NAIVE, Cell

WANTED: Final = 10.0
"""The goal: so many times sooner than naive pods at the same link, when ten pods start."""
WANTED_OF: Final = ("pvc", "hostPath", "image")
WANTED_REPLICAS: Final = 10
INJECTION: Final = 5.0
"""Milliseconds by which injection may lengthen a create request, in the median."""
ARTICLE_NAIVE: Final = 300.0
ARTICLE: Final = {"pvc": 30.0, "hostPath": 5.0, "image": 0.0, "emptyDir": 60.0}
"""Seconds, for 16 GB: the article's figures, for a download at each start and for each strategy.
The figure of image counts from the end of the pull."""


class Start(Cell, frozen=True, kw_only=True):
    """A cell, and the seconds of each visit."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """The median of the visits."""
        return median(self.seconds)


class Injection(msgspec.Struct, frozen=True, kw_only=True):
    """Create requests of pods with annotations and without, pair by pair."""

    strategy: str
    annotated: tuple[float, ...]
    """Milliseconds."""
    plain: tuple[float, ...]

    @property
    def added(self) -> float:
        """The milliseconds between the two medians."""
        return median(self.annotated) - median(self.plain)

    @property
    def met(self) -> bool:
        """Whether the goal is met."""
        return self.added < INJECTION


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """One run."""

    time: str
    command: str
    machine: dict[str, str]
    rate: float
    """Bytes of files per second: the rate that the link is set to."""
    carried: float
    """The measured rate."""
    starts: tuple[Start, ...]
    injection: tuple[Injection, ...]

    def sizes(self) -> list[int]:
        """Return the sizes of models, ascending."""
        return sorted({start.size for start in self.starts})

    def replicas(self, size: int, strategy: str) -> list[int]:
        """Return how many pods were started of a strategy, ascending."""
        found = {s.replicas for s in self.starts if (s.size, s.strategy) == (size, strategy)}
        return sorted(found)

    def start(self, strategy: str, size: int, replicas: int, cache: str) -> Start:
        """Return one cell; KeyError if it was not measured."""
        for start in self.starts:
            if (start.strategy, start.size, start.replicas) == (strategy, size, replicas) and (
                start.cache == cache or strategy == NAIVE
            ):
                return start
        raise KeyError((strategy, size, replicas, cache))

    def sooner(self, start: Start) -> float | None:
        """Return how many times sooner its pods serve than as many naive ones, if any."""
        if start.replicas not in self.replicas(start.size, NAIVE):
            return None
        return self.start(NAIVE, start.size, start.replicas, "").median / start.median

    def met(self, start: Start) -> bool | None:
        """Return whether the goal is met; None if there is no goal."""
        ratio = self.sooner(start)
        if start.strategy not in WANTED_OF or start.replicas != WANTED_REPLICAS or ratio is None:
            return None
        return ratio >= WANTED


def write(path: Path, figures: Figures) -> None:
    """Write a run as JSON, with the values derived from each figure."""
    document = msgspec.to_builtins(figures)
    for start, entry in zip(figures.starts, document["starts"], strict=True):
        entry["median"] = start.median
        if start.strategy != NAIVE:
            entry["sooner"] = figures.sooner(start)
            entry["met"] = figures.met(start)
    for injection, entry in zip(figures.injection, document["injection"], strict=True):
        entry |= {"added": injection.added, "met": injection.met}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(document)) + b"\n")


def read(path: Path) -> Figures:
    """Read what write() wrote; ValueError if it is something else."""
    return msgspec.json.decode(path.read_bytes(), type=Figures)
