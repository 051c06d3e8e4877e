"""The cells of the table: how often and in which order each is measured."""

import random
from collections.abc import Iterator, Sequence
from math import ceil
from typing import Final

import msgspec

MB: Final = 1_000_000
SIZES: Final = (64 * MB, 512 * MB, 2000 * MB)
"""Bytes of the models."""
REPLICAS: Final = (1, 10)
CACHES: Final = ("warm", "cold")
NAIVE: Final = "naive"
STRATEGIES: Final = ("pvc", "hostPath", "image", "emptyDir")
PATIENCE: Final = 45.0
"""Seconds for all rounds of a cell after its first one, at most."""
_LOADER: Final = 512 * 2**20
"""Bytes that a loader may use in addition to its volume."""
_STEP: Final = 256 * 2**20


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """One way to start pods."""

    strategy: str
    size: int
    """Bytes of the model."""
    replicas: int
    cache: str
    """State of the page cache: warm or cold; empty for naive, whose download is always in it."""
    verify: bool = False
    """Whether the gate runs before the server."""

    def __str__(self) -> str:
        gate = "verified" if self.verify else ""
        words = (self.strategy, f"{self.size // MB} MB", f"{self.replicas} pods", self.cache, gate)
        return " ".join(filter(None, words))

    def on_link(self, rate: float) -> float:
        """Return the seconds that its models take over a link of *rate* bytes a second."""
        return self.replicas * self.size / rate if self.strategy == NAIVE else 0.0

    def expected(self, rate: float) -> float:
        """Return about how many seconds a visit takes, for the bar."""
        loader = 0.6 if self.strategy == "emptyDir" else 0.0
        return self.on_link(rate) + 3.0 + self.replicas * (0.2 + loader + self.size / 1.5e9)


def in_memory(size: int) -> int:
    """Return the bytes that a pod of strategy emptyDir may use while it loads."""
    return ceil(size * 1.05 / _STEP) * _STEP + _LOADER


def cells(sizes: Sequence[int], available: int) -> list[Cell]:
    """Return all cells; pods in memory use at most two thirds of *available* bytes."""
    found = []
    for size in sizes:
        fit = max(1, available * 2 // 3 // in_memory(size))
        for strategy in STRATEGIES:
            most = fit if strategy == "emptyDir" else max(REPLICAS)
            found += [
                Cell(strategy=strategy, size=size, replicas=count, cache=cache)
                for count in dict.fromkeys(min(count, most) for count in REPLICAS)
                for cache in CACHES
            ]
        found += [Cell(strategy=NAIVE, size=size, replicas=n, cache="") for n in REPLICAS]
    return found


def visits(cell: Cell, rounds: int, rate: float) -> int:
    """Return in how many of *rounds* a cell is visited: the first, and more if they are short."""
    return min(rounds, max(1, int(PATIENCE / cell.expected(rate))))


def schedule(every: Sequence[Cell], rounds: int, rate: float) -> Iterator[Cell]:
    """Yield the cells round by round, in a new random order each time."""
    for number in range(rounds):
        due = [cell for cell in every if number < visits(cell, rounds, rate)]
        yield from random.sample(due, len(due))
