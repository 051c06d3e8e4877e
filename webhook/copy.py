"""From a store into memory: modelcache copy, the loader of strategy emptyDir.

What an earlier attempt left is removed first: a tmpfs outlives a killed loader.
The space is asked for before the first byte. A server starts only when its
loader has ended well, so it never sees a part of a model.
"""

import os
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from webhook.quantity import Quantity
from webhook.verify import verify_models

_PAGE: Final = 4096
_THREADS: Final = 4
_CHUNK: Final = 16 * 2**20
_SECONDS_BETWEEN_LINES: Final = 5


@dataclass(frozen=True, slots=True)
class Item:
    """One file or link to copy."""

    source: Path
    destination: Path
    size: int
    """Bytes."""


def copy_models(pairs: Sequence[tuple[Path, Path]]) -> None:
    """Copy each source directory to its destination; ValueError says what does not fit."""
    for source, destination in pairs:
        if not source.is_dir():
            raise ValueError(f"{source}: is not a directory: the model was not published here")
        destination.mkdir(parents=True, exist_ok=True)
        _empty(destination)
    work = [(*pair, list(_items(*pair))) for pair in pairs]
    for source, destination, items in work:
        if not items:
            raise ValueError(f"{source}: is empty: the model was not published here")
        _fits(destination, items)
    for source, destination, items in work:
        _copy(source, items)
        verify_models([destination])


def _empty(directory: Path) -> None:
    for entry in directory.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def _items(source: Path, destination: Path) -> Iterator[Item]:
    root = source.resolve()
    for folder, folders, names in os.walk(source):
        here = Path(folder)
        for name in sorted((*names, *(f for f in folders if (here / f).is_symlink()))):
            path = here / name
            target = destination / path.relative_to(source)
            if path.is_symlink():
                if not path.resolve().is_relative_to(root):
                    raise ValueError(f"{path}: is a link that leaves the model")
                yield Item(path, target, 0)
            elif path.is_file():
                yield Item(path, target, path.stat().st_size)
            else:
                raise ValueError(f"{path}: is neither file, directory nor link")


def _fits(destination: Path, items: Sequence[Item]) -> None:
    needed = sum(-(-item.size // _PAGE) * _PAGE for item in items)
    space = os.statvfs(destination)
    free = space.f_bavail * space.f_frsize
    if needed > free:
        raise ValueError(
            f"{destination}: the model needs {needed} bytes, and {free} are free "
            f"({Quantity(needed).up_to(2**20)} of {Quantity(free)}): "
            "set modelcache.io/size to the model's true size"
        )


def _copy(source: Path, items: Sequence[Item]) -> None:
    total, done, last = sum(item.size for item in items), 0, time.monotonic()
    for folder in sorted({item.destination.parent for item in items}):
        folder.mkdir(parents=True, exist_ok=True)
    started = last
    with ThreadPoolExecutor(_THREADS) as pool:
        for copied in pool.map(_copy_one, items):
            done += copied
            if time.monotonic() - last > _SECONDS_BETWEEN_LINES:
                last = time.monotonic()
                _say(f"{source}: {done * 100 // max(total, 1)} % of {total} bytes")
    _say(f"{source}: {total} bytes in {time.monotonic() - started:.1f} s")


def _say(line: str) -> None:
    sys.stderr.write(f"modelcache: {line}\n")
    sys.stderr.flush()


def _copy_one(item: Item) -> int:
    """Copy one file, or make its link anew; return its bytes."""
    if item.source.is_symlink():
        item.destination.symlink_to(item.source.readlink())
        return 0
    with item.source.open("rb") as source, item.destination.open("wb") as destination:
        shutil.copyfileobj(source, destination, _CHUNK)
        written = destination.tell()
    if written != item.size:
        raise ValueError(f"{item.source}: had {item.size} bytes and gave {written}: it changed")
    return written
