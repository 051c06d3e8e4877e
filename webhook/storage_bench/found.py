"""Choose the files of a store to read: the largest, safetensors before others."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from webhook.models.layout import INCOMING
from webhook.storage_bench.interruption import Interruption
from webhook.storage_bench.span import Span
from webhook.values.quantity import MI

SMALLEST: Final = 16 * MI
"""Bytes: reading a smaller file says little about the speed of a store."""
_WEIGHTS: Final = ".safetensors"


@dataclass(frozen=True, slots=True)
class Found:
    """The files of a store to read."""

    spans: list[Span]
    model: int | None
    """Bytes of all weights in the folder of the first file; None if that is not safetensors."""
    unreadable: list[OSError]


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    size: int
    inode: int

    @property
    def is_weights(self) -> bool:
        return self.path.suffix == _WEIGHTS


def found(directory: Path, limit: int, interruption: Interruption) -> Found:
    """Return what to read in *directory*, at most *limit* bytes; OSError if it can't be listed."""
    unreadable: list[OSError] = []
    listed = sorted(_files(directory, unreadable, interruption), key=lambda f: f.is_weights)
    # Of hard links to one file, keep one that has the suffix of weights.
    files = list({f.inode: f for f in listed}.values())
    large = [file for file in files if file.size >= min(SMALLEST, limit)]
    spans: list[Span] = []
    left = limit
    for file in sorted(large, key=lambda f: (not f.is_weights, -f.size, f.path)):
        if left and _readable(file.path, unreadable):
            spans.append(Span(file.path, 0, min(left, file.size)))
            left -= spans[-1].length
    model = None
    if spans and spans[0].file.suffix == _WEIGHTS:
        folder = spans[0].file.parent
        model = sum(f.size for f in files if f.is_weights and f.path.parent == folder)
    return Found(spans, model, unreadable)


def _files(
    directory: Path, unreadable: list[OSError], interruption: Interruption
) -> Iterator[_File]:
    """Yield the files below *directory* and links to these, on the same file system."""
    device, top = directory.stat().st_dev, directory.resolve()
    for root, folders, names in os.walk(directory, onerror=unreadable.append):
        interruption.check()
        if Path(root) == directory and INCOMING in folders:
            folders.remove(INCOMING)
        for name in names:
            path = Path(root, name)
            try:
                status = path.stat()
            except FileNotFoundError:
                continue  # a dangling link, or a file that was removed meanwhile
            except OSError as error:
                unreadable.append(error)
                continue
            is_ours = not path.is_symlink() or path.resolve().is_relative_to(top)
            if is_ours and stat.S_ISREG(status.st_mode) and status.st_dev == device:
                yield _File(path, status.st_size, status.st_ino)


def _readable(file: Path, unreadable: list[OSError]) -> bool:
    try:
        os.close(os.open(file, os.O_RDONLY | os.O_CLOEXEC))
    except OSError as error:
        unreadable.append(error)
        return False
    return True
