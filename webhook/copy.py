"""From a store into memory: modelcache copy, the loader of strategy emptyDir.

What an earlier attempt left is removed first: a tmpfs outlives a killed loader.
The space is asked for before the first byte. A server starts only when its
loader has ended well, so it never sees a part of a model.
"""

import os
import shutil
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Final

from webhook.model_tree import Item, listed
from webhook.progress import say, shown
from webhook.quantity import Quantity
from webhook.verify import verify_models

_PAGE: Final = 4096
_THREADS: Final = 4
_CHUNK: Final = 16 * 2**20


@dataclass(slots=True)
class _Counter:
    """Bytes copied so far, by all threads."""

    done: int = 0
    lock: Lock = field(default_factory=Lock)

    def add(self, count: int) -> None:
        with self.lock:
            self.done += count


def copy_models(pairs: Sequence[tuple[Path, Path]]) -> None:
    """Copy each source directory to its destination; ValueError says what does not fit."""
    work = [(source, destination, listed(source, destination)) for source, destination in pairs]
    os.umask(0o022)  # the server may run as another user
    for _, destination, _ in work:
        destination.mkdir(parents=True, exist_ok=True)
        _empty(destination)
    _fits([(destination, items) for _, destination, items in work])
    for source, _, items in work:
        _copy(source, items)
    verify_models([destination for _, destination, _ in work])


def _empty(directory: Path) -> None:
    for entry in directory.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def _fits(work: Sequence[tuple[Path, Sequence[Item]]]) -> None:
    needed: dict[int, int] = defaultdict(int)
    for destination, items in work:
        device = destination.stat().st_dev
        needed[device] += sum(-(-item.size // _PAGE) * _PAGE for item in items)
        space = os.statvfs(destination)
        free = space.f_bavail * space.f_frsize
        if needed[device] > free:
            raise ValueError(
                f"{destination}: the model needs {needed[device]} bytes, and {free} are free "
                f"({Quantity(needed[device]).up_to(2**20)} of {Quantity(free)}): "
                "set modelcache.io/size to the model's true size"
            )


def _copy(source: Path, items: Sequence[Item]) -> None:
    for folder in sorted({item.destination.parent for item in items}):
        folder.mkdir(parents=True, exist_ok=True)
    total, started, counter = sum(item.size for item in items), time.monotonic(), _Counter()
    pool = ThreadPoolExecutor(_THREADS)
    try:
        running = {pool.submit(_copy_one, item, counter.add) for item in items}
        with shown("auto")(source, total) as report:
            while running:
                done, running = wait(running, timeout=0.2, return_when=FIRST_EXCEPTION)
                for copied in done:
                    copied.result()
                report(counter.done)
    finally:
        pool.shutdown(cancel_futures=True)
    say(f"{source}: {total} bytes in {time.monotonic() - started:.1f} s")


def _copy_one(item: Item, copied: Callable[[int], None]) -> None:
    """Copy one file, or make its link anew."""
    if item.link is not None:
        item.destination.symlink_to(item.link)
        return
    with item.source.open("rb") as source, item.destination.open("wb") as destination:
        while block := source.read(_CHUNK):
            destination.write(block)
            copied(len(block))
        written = destination.tell()
    if written != item.size:
        raise ValueError(f"{item.source}: had {item.size} bytes and gave {written}: it changed")
