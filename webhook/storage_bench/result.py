"""Hold the result of a measurement, and write its numbers for people."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from webhook.storage_bench.hint import hint
from webhook.storage_bench.row import Row
from webhook.storage_bench.span import Span, total
from webhook.values.quantity import MI, Quantity


@dataclass(frozen=True, slots=True)
class Result:
    """What was read, in which way, and how fast."""

    directory: Path
    file_system: str
    spans: Sequence[Span]
    is_scratch: bool
    rounds: int
    readers: int
    model: int
    """Bytes of the model whose load time is shown."""
    rows: Sequence[Row]

    @property
    def size(self) -> int:
        """Bytes that each read of each round reads."""
        return total(self.spans)

    @property
    def longest(self) -> float:
        """The longest load time of all rows, in seconds; 0 if nothing could be measured."""
        return max((row.load_seconds(self.model) or 0 for row in self.rows), default=0)

    @property
    def hint(self) -> str:
        """Which setting of a server helps; "" if none is known."""
        return hint(self.rows, self.readers)

    @property
    def title(self) -> str:
        """What was read, on one line."""
        files = "a scratch file" if self.is_scratch else f"{len(self.spans)} files"
        if len(self.spans) == 1 and not self.is_scratch:
            files = self.spans[0].file.name
        rounds = f"{self.rounds} rounds" if self.rounds > 1 else "1 round"
        return f"{self.directory} ({self.file_system}): {binary(self.size)} of {files}, {rounds}"


def mebibytes(value: float) -> str:
    """Return *value* bytes in MiB for people, such as 1,204."""
    return f"{value / MI:,.{0 if value >= 10 * MI else 2}f}"


def rate(value: float) -> str:
    """Return bytes per second for people, such as 1,204 MiB/s."""
    return f"{mebibytes(value)} MiB/s"


def seconds(value: float) -> str:
    """Return a load time for people, such as 13.4 s."""
    return f"{value:,.{0 if value >= 100 else 1 if value >= 1 else 3}f} s"


def binary(value: int) -> str:
    """Return *value* bytes for people: exact if that is short, else rounded."""
    exact = str(Quantity(value))
    if not exact.isdigit() and len(exact) <= 6:
        return exact
    for suffix, unit in (("Gi", 2**30), ("Mi", 2**20), ("Ki", 2**10)):
        if value >= unit:
            return f"{value / unit:.1f}{suffix}"
    return exact
