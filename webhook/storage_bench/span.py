"""What is read of a file, and how readers share it."""

import contextlib
import mmap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

BLOCK: Final = 4 * 2**20
"""Bytes of one read, and of a reader's buffer."""
PAGE: Final = mmap.PAGESIZE


@dataclass(frozen=True, slots=True)
class Pass:
    """One reading of all spans."""

    seconds: float
    storage: int | None
    """Bytes that storage gave, by the kernel's count; None: unknown."""


@dataclass(frozen=True, slots=True)
class Span:
    """The bytes of *file* from *start* on."""

    file: Path
    start: int
    length: int
    """Bytes."""

    @property
    def end(self) -> int:
        """Where it ends in the file."""
        return self.start + self.length


def blocks(spans: Sequence[Span]) -> list[Span]:
    """Return *spans* cut into blocks, in order."""
    return [
        Span(span.file, start, min(BLOCK, span.end - start))
        for span in spans
        for start in range(span.start, span.end, BLOCK)
    ]


def shares(spans: Sequence[Span], readers: int) -> list[list[Span]]:
    """Return the blocks for each of at most *readers* readers, each share in one piece."""
    every = blocks(spans)
    readers = min(readers, len(every))
    edges = [len(every) * reader // readers for reader in range(readers + 1)]
    return [every[start:end] for start, end in pairwise(edges)]


def total(spans: Sequence[Span]) -> int:
    """Return the bytes of all *spans*."""
    return sum(span.length for span in spans)


@contextlib.contextmanager
def naming(file: Path) -> Iterator[None]:
    """Let an OSError say *file*, where it names none."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(file)
        raise


class Shrunk(ValueError):
    """A file became shorter while it was read."""

    def __init__(self, file: Path, end: int) -> None:
        super().__init__(
            f"{file}: became shorter while it was read, it had {end} bytes or more: "
            "measure a store that nobody writes to"
        )
