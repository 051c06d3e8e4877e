"""Read by read(2) with one thread or several, each with its own descriptor and buffer."""

import errno
import mmap
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from pathlib import Path
from threading import Event, Lock
from typing import Final

from webhook.storage_bench.interruption import Interruption
from webhook.storage_bench.page_cache import bytes_from_storage, storage_since
from webhook.storage_bench.span import BLOCK, PAGE, Pass, Shrunk, Span, naming, shares

_PRIVATE_READY: Final = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE
_NOT_DIRECT: Final = frozenset({errno.EINVAL, errno.EOPNOTSUPP})


def takes_direct(file: Path) -> bool:
    """Whether *file* can be read with O_DIRECT, past the page cache."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_DIRECT | os.O_CLOEXEC)
        try:
            with naming(file), mmap.mmap(-1, PAGE) as buffer:
                os.preadv(descriptor, [buffer], 0)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno in _NOT_DIRECT:
            return False
        raise
    return True


class Readers:
    """Threads that read spans, each its share."""

    def __init__(
        self,
        spans: Sequence[Span],
        readers: int,
        interruption: Interruption,
        report: Callable[[int], None],
        *,
        direct: bool = False,
    ) -> None:
        self._shares = shares(spans, readers)
        self._interruption, self._report = interruption, report
        self._direct = direct
        self._done, self._lock, self._failed = 0, Lock(), Event()

    def read(self) -> Pass:
        """Read everything once; Shrunk if a file ends too early."""
        before = bytes_from_storage()
        pool = ThreadPoolExecutor(len(self._shares))
        # Their pages are allocated before the clock starts.
        buffers = [mmap.mmap(-1, BLOCK, flags=_PRIVATE_READY) for _ in self._shares]
        try:
            pairs = zip(self._shares, buffers, strict=True)
            futures = {pool.submit(self._share, *pair) for pair in pairs}
            running = futures
            while running:
                finished, running = wait(running, timeout=0.2, return_when=FIRST_EXCEPTION)
                for future in finished:
                    future.result()
                self._report(self._done)
        finally:
            self._failed.set()
            pool.shutdown(cancel_futures=True)
        times = [future.result() for future in futures]
        seconds = max(end for _, end in times) - min(start for start, _ in times)
        return Pass(seconds, storage_since(before))

    def _share(self, share: Sequence[Span], buffer: mmap.mmap) -> tuple[float, float]:
        """Read one share; return the times of start and end, in seconds."""
        flags = os.O_RDONLY | os.O_CLOEXEC | (os.O_DIRECT if self._direct else 0)
        file, descriptor = None, -1
        with buffer, memoryview(buffer) as view:
            started = time.perf_counter()
            try:
                for block in share:
                    self._interruption.check()
                    if self._failed.is_set():
                        break
                    if block.file != file:
                        if descriptor >= 0:
                            os.close(descriptor)
                            descriptor = -1
                        descriptor, file = os.open(block.file, flags), block.file
                    with naming(block.file):
                        _read(descriptor, block, view, direct=self._direct)
                    with self._lock:
                        self._done += block.length
            finally:
                if descriptor >= 0:
                    os.close(descriptor)
            return started, time.perf_counter()


def _read(descriptor: int, block: Span, view: memoryview, *, direct: bool) -> None:
    done = 0
    while done < block.length:
        # O_DIRECT needs whole pages; at the end of the file it reads less.
        wanted = -(-(block.length - done) // PAGE) * PAGE
        got = os.preadv(descriptor, [view[:wanted]], block.start + done)
        done += got
        if done < block.length and (got == 0 or (direct and got % PAGE)):
            raise Shrunk(block.file, block.end)
