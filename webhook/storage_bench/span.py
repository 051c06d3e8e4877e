"""Divide files into spans and blocks, and share them among readers."""

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
    """One read of all spans."""

    seconds: float
    storage: int | None
    """Bytes that storage delivered, by the kernel's count; None: unknown."""


@dataclass(frozen=True, slots=True)
class Span:
    """*length* bytes of *file* from *start* on."""

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
    """Return the blocks for each of at most *readers* readers; each share is contiguous."""
    every = blocks(spans)
    readers = min(readers, len(every))
    edges = [len(every) * reader // readers for reader in range(readers + 1)]
    return [every[start:end] for start, end in pairwise(edges)]


def total(spans: Sequence[Span]) -> int:
    """Return the bytes of all *spans*."""
    return sum(span.length for span in spans)


@contextlib.contextmanager
def naming(file: Path) -> Iterator[None]:
    """Add the name of *file* to an OSError that has none."""
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
