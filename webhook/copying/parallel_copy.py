"""Copy files with several threads, block by block, and hash them on the way.

A thread takes the next block of the file that the fewest threads read, so that all of them work on
a single large file. It reads the block, writes it, and adds it to the file's digest after all
earlier blocks: the digest is of the bytes that were written, and nothing is read twice. That took
less time than hashing the copy in a second pass. Direct reads, copy_file_range(2) and sendfile(2)
were no faster than read and write, or do not work from a disk to a tmpfs.
"""

import contextlib
import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from pathlib import Path
from threading import Condition
from typing import Final, Protocol

from blake3 import blake3

from webhook.copying.model_tree import Item

READERS: Final = 8
BLOCK: Final = 2**20
"""Bytes of a block, and of the one buffer of each thread."""


class _Digest(Protocol):
    def update(self, block: memoryview, /) -> object: ...

    def hexdigest(self) -> str: ...


class CorruptError(ValueError):
    """A file has another digest than the manifest says."""


class _File:
    """A file that is being copied: how much of it is handed out to threads, how much is hashed."""

    def __init__(self, item: Item, destination: Path) -> None:
        self.item, self.destination = item, destination
        self.taken = self.hashed = self.readers = 0
        self.digest: _Digest | None = None
        if item.blake3:  # the faster one
            self.digest, self._name, self._said = blake3(), "blake3", item.blake3
        elif item.sha256:
            self.digest, self._name, self._said = hashlib.sha256(), "sha256", item.sha256

    def check(self) -> None:
        """Raise ValueError if the digest differs from the manifest's."""
        if self.digest and (found := self.digest.hexdigest()) != self._said:
            raise CorruptError(
                f"{self.item.source}: has the {self._name} {found}, the manifest says {self._said}"
            )


class ParallelCopy:
    """Copies *items* below *directory*, where their folders exist."""

    def __init__(self, items: Sequence[Item], directory: Path) -> None:
        self._files = [_File(item, directory / item.path) for item in items if item.link is None]
        largest_first = sorted(self._files, key=lambda file: -file.item.size)
        self._waiting = [file for file in largest_first if file.item.size]
        self._changed = Condition()
        self._ended = False
        self._done = 0

    def run(self, report: Callable[[int], None]) -> None:
        """Copy everything; ValueError if a file changed or its digest differs, OSError.

        *report* is called from time to time with the number of bytes copied so far.
        """
        for file in self._files:
            file.destination.touch()
            if not file.item.size:
                file.check()
        blocks = sum(-(-file.item.size // BLOCK) for file in self._waiting)
        readers = max(1, min(READERS, blocks))
        pool = ThreadPoolExecutor(readers)
        try:
            running = {pool.submit(self._read) for _ in range(readers)}
            while running:
                ended, running = wait(running, timeout=0.2, return_when=FIRST_EXCEPTION)
                for reader in ended:
                    reader.result()
                report(self._done)
        finally:
            self._end()
            pool.shutdown()

    def _end(self) -> None:
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _read(self) -> None:
        """Copy blocks until none is left or another thread has failed."""
        try:
            view = memoryview(bytearray(BLOCK))
            with contextlib.ExitStack() as opened:
                last = None
                while taken := self._next():
                    file, start = taken
                    if file is not last:
                        opened.close()
                        source = opened.enter_context(_opened(file.item.source, os.O_RDONLY))
                        copy = opened.enter_context(_opened(file.destination, os.O_WRONLY))
                        last = file
                    self._block(file, start, view, source, copy)
        except BaseException:
            self._end()
            raise

    def _next(self) -> tuple[_File, int] | None:
        """Return a file and the offset of its next block; None: nothing is left."""
        with self._changed:
            near = self._waiting[:READERS]  # no thread reads any file after these
            if self._ended or not near:
                return None
            file = min(near, key=lambda file: file.readers)
            start = file.taken
            file.readers += 1
            file.taken = min(start + BLOCK, file.item.size)
            if file.taken == file.item.size:
                self._waiting.remove(file)
            return file, start

    def _block(self, file: _File, start: int, view: memoryview, source: int, copy: int) -> None:
        """Copy the block at *start*."""
        block = view[: min(BLOCK, file.item.size - start)]
        with _naming(file.item.source):
            got = _filled(block, source, start)
            size = os.fstat(source).st_size
        if got < len(block) or size != file.item.size:
            there = start + got if got < len(block) else size
            raise ValueError(
                f"{file.item.source}: had {file.item.size} bytes and has {there}: it changed"
            )
        with _naming(file.destination):
            _write(block, copy, start)
        if file.digest:
            self._hash(file, file.digest, start, block)
        with self._changed:
            file.readers -= 1
            self._done += len(block)

    def _hash(self, file: _File, digest: _Digest, start: int, block: memoryview) -> None:
        """Add a block to the digest in its turn; ValueError if the digest of the whole is wrong."""
        with self._changed:
            self._changed.wait_for(lambda: file.hashed == start or self._ended)
            if self._ended:
                return
        digest.update(block)  # no other thread's turn: the lock is not needed
        if start + len(block) == file.item.size:
            file.check()
        with self._changed:
            file.hashed = start + len(block)
            self._changed.notify_all()


def _filled(block: memoryview, descriptor: int, start: int) -> int:
    """Fill *block* from the file; return how many bytes the file had."""
    done = 0
    while done < len(block) and (got := os.preadv(descriptor, [block[done:]], start + done)):
        done += got
    return done


def _write(block: memoryview, descriptor: int, start: int) -> None:
    done = 0
    while done < len(block):
        done += os.pwrite(descriptor, block[done:], start + done)


@contextlib.contextmanager
def _opened(path: Path, flags: int) -> Iterator[int]:
    descriptor = os.open(path, flags | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Add the file's name to an error of reading or writing, which has none."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
