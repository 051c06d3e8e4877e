"""Hold one row of the result: the rates of one kind of read."""

import statistics
from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """How bytes are read."""

    SEQUENTIAL = "sequential"
    PARALLEL = "parallel"
    MMAP = "mmap"


class Cache(StrEnum):
    """Whether the pages are in memory before the read."""

    COLD = "cold"
    WARM = "warm"


class Method(StrEnum):
    """The system call, or the flag, by which they are read."""

    DIRECT = "O_DIRECT"
    READ = "read"
    MMAP = "mmap"


@dataclass(slots=True)
class Row:
    """The rates of one kind of read, one for each round."""

    kind: Kind
    cache: Cache
    method: Method
    rates: list[float] = field(default_factory=list)
    """Bytes per second; empty if this kind can't be measured here."""
    notes: list[str] = field(default_factory=list)
    """What a reader of the rates must know."""

    @property
    def name(self) -> str:
        """The name of the row."""
        return f"{self.kind}, {self.cache}"

    @property
    def median(self) -> float | None:
        """Bytes per second; None if nothing was measured."""
        return statistics.median(self.rates) if self.rates else None

    def load_seconds(self, model: int) -> float | None:
        """Return the seconds that a model of *model* bytes takes at the median rate."""
        return model / self.median if self.median else None

    def note(self, text: str) -> None:
        """Add *text*, unless it is there."""
        if text not in self.notes:
            self.notes.append(text)
