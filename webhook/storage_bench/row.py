"""A row of the result: one kind of read, and what it means for a model."""

import statistics
from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """How bytes are read."""

    SEQUENTIAL = "sequential"
    PARALLEL = "parallel"
    MMAP = "mmap"


class Cache(StrEnum):
    """Whether their pages lie in memory before."""

    COLD = "cold"
    WARM = "warm"


class Method(StrEnum):
    """By which system call."""

    DIRECT = "O_DIRECT"
    READ = "read"
    MMAP = "mmap"


@dataclass(slots=True)
class Row:
    """The rates of one kind of read, one of each round."""

    kind: Kind
    cache: Cache
    method: Method
    rates: list[float] = field(default_factory=list)
    """Bytes per second; none where the kind can't be measured here."""
    notes: list[str] = field(default_factory=list)
    """What a reader of the rates must know."""

    @property
    def name(self) -> str:
        """What the row is called."""
        return f"{self.kind}, {self.cache}"

    @property
    def median(self) -> float | None:
        """Bytes per second."""
        return statistics.median(self.rates) if self.rates else None

    def load_seconds(self, model: int) -> float | None:
        """Return how long a model of *model* bytes takes at the median."""
        return model / self.median if self.median else None

    def note(self, text: str) -> None:
        """Add *text*, once."""
        if text not in self.notes:
            self.notes.append(text)
