"""Choose what to measure: files of a store, or a scratch file."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from webhook.storage_bench.found import SMALLEST, found
from webhook.storage_bench.interruption import Interruption
from webhook.storage_bench.scratch import scratch, why_not
from webhook.storage_bench.span import Span
from webhook.terminal.progress import say
from webhook.values.quantity import GI, Quantity

_MODEL: Final = 16 * GI
"""Bytes of the model whose load time is shown if none is read: 8 billion weights of 2 bytes."""


@dataclass(frozen=True, slots=True)
class Target:
    """What to read, and the size of the model whose load time is shown."""

    spans: list[Span]
    model: int
    """Bytes."""
    is_scratch: bool


@contextlib.contextmanager
def target(
    directory: Path, limit: int, interruption: Interruption, *, write: bool
) -> Iterator[Target]:
    """Yield what to read in *directory*; ValueError or OSError if there is nothing."""
    if not directory.is_dir():
        directory.stat()
        raise ValueError(f"{directory}: is not a directory")
    store = None if write else found(directory, limit, interruption)
    unreadable = [f"{e.filename}: {e.strerror}" for e in store.unreadable] if store else []
    for line in unreadable:
        say(line)
    if store and store.spans:
        yield Target(store.spans, store.model or _MODEL, is_scratch=False)
        return
    why = why_not(directory)
    least = Quantity(min(SMALLEST, limit))
    if why and write:
        raise ValueError(f"{directory}: {why}: leave out --write to read the files that it holds")
    if why:
        raise ValueError(
            f"{directory}: holds no file of {least} or more and {why}: there is nothing to read: "
            "publish a model there, or measure a directory that is writable"
        )
    if not write:
        say(
            f"{directory}: holds no file of {least} or more: writing a scratch file, which is "
            "removed at the end"
        )
    with scratch(directory, limit, interruption) as file:
        yield Target([Span(file, 0, limit)], _MODEL, is_scratch=True)
