"""From a store into memory: modelcache copy, the loader of strategy emptyDir.

What an earlier attempt left is removed first: a tmpfs outlives a killed loader.
The space is asked for before the first byte. A server starts only when its
loader has ended well, so it never sees a part of a model.
"""

import os
import shutil
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Final, NoReturn

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

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
    link: str | None = None
    """What the link says, from where it is."""


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
    work = [(source, destination, _listed(source, destination)) for source, destination in pairs]
    os.umask(0o022)  # the server may run as another user
    for _, destination, _ in work:
        destination.mkdir(parents=True, exist_ok=True)
        _empty(destination)
    _fits([(destination, items) for _, destination, items in work])
    for source, _, items in work:
        _copy(source, items)
    verify_models([destination for _, destination, _ in work])


def _listed(source: Path, destination: Path) -> list[Item]:
    if not source.is_dir():
        raise ValueError(f"{source}: is not a directory: the model was not published here")
    here, there = source.resolve(), destination.resolve()
    if here.is_relative_to(there) or there.is_relative_to(here):
        raise ValueError(f"{destination}: what it holds is removed, so it can't overlap {source}")
    items = list(_items(source, destination))
    if not items:
        raise ValueError(f"{source}: is empty: the model was not published here")
    return items


def _empty(directory: Path) -> None:
    for entry in directory.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def _raise(error: OSError) -> NoReturn:
    raise error


def _items(source: Path, destination: Path) -> Iterator[Item]:
    root = source.resolve()
    for folder, folders, names in os.walk(source, onerror=_raise):
        here = Path(folder)
        for name in sorted((*names, *(f for f in folders if (here / f).is_symlink()))):
            path = here / name
            target = destination / path.relative_to(source)
            if path.is_symlink():
                yield Item(path, target, 0, _link(path, root))
            elif path.is_file():
                yield Item(path, target, path.stat().st_size)
            else:
                raise ValueError(f"{path}: is neither file, directory nor link")


def _link(path: Path, root: Path) -> str:
    """Return the link to make in the copy; ValueError if it leaves the model."""
    try:
        end = path.resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise ValueError(f"{path}: is a link that leads nowhere") from error
    if not end.is_relative_to(root):
        raise ValueError(f"{path}: is a link that leaves the model")
    said = path.readlink()
    return os.path.relpath(end, path.parent.resolve()) if said.is_absolute() else str(said)


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
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    pool = ThreadPoolExecutor(_THREADS)
    try:
        running = {pool.submit(_copy_one, item, counter.add) for item in items}
        show = _Bar if console.is_terminal else _Lines
        with show(console, source, total) as report:
            while running:
                done, running = wait(running, timeout=0.2, return_when=FIRST_EXCEPTION)
                for copied in done:
                    copied.result()
                report(counter.done)
    finally:
        pool.shutdown(cancel_futures=True)
    _say(f"{source}: {total} bytes in {time.monotonic() - started:.1f} s")


class _Lines:
    """Progress as a line every few seconds, for logs."""

    def __init__(self, _console: Console, source: Path, total: int) -> None:
        self._source, self._total = source, total
        self._last = time.monotonic()

    def __enter__(self) -> Callable[[int], None]:
        return self._report

    def __exit__(self, *_: object) -> None:
        pass

    def _report(self, done: int) -> None:
        if time.monotonic() - self._last > _SECONDS_BETWEEN_LINES:
            self._last = time.monotonic()
            _say(f"{self._source}: {done * 100 // max(self._total, 1)} % of {self._total} bytes")


class _Bar:
    """Progress as a bar, for a terminal."""

    def __init__(self, console: Console, source: Path, total: int) -> None:
        self._progress = Progress(
            TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(),
            TransferSpeedColumn(), console=console, transient=True,
        )  # fmt: skip
        self._task = self._progress.add_task(str(source), total=total)

    def __enter__(self) -> Callable[[int], None]:
        self._progress.start()
        return self._report

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def _report(self, done: int) -> None:
        self._progress.update(self._task, completed=done)


def _say(line: str) -> None:
    sys.stderr.write(f"modelcache: {line}\n")
    sys.stderr.flush()


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
