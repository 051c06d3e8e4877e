"""Find which pages of a file are in memory, and drop them.

mincore(2) tells only the owner of a file, and users who may write to it, what is cached; it tells
everyone else that all pages are there. For them, the counters of /proc/self/io show whether storage
was read.
"""

import contextlib
import ctypes
import errno
import mmap
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from webhook.storage_bench.span import PAGE, Shrunk, Span, naming

_WINDOW: Final = 64 * 2**20
_NO_SYNC: Final = frozenset({errno.EROFS, errno.EINVAL, errno.ENOSYS})
_CAP_FOWNER: Final = 1 << 3
_LIBC: Final = ctypes.CDLL(None, use_errno=True)


def drop(files: Iterable[Path]) -> None:
    """Ask the kernel to drop the pages of *files*, after writing them to storage."""
    for file in files:
        with naming(file), _opened(file) as descriptor:
            try:
                os.fsync(descriptor)
            except OSError as error:
                if error.errno not in _NO_SYNC:
                    raise
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)


def resident(spans: Sequence[Span]) -> float | None:
    """Return the share of *spans* that is in memory; None: it can't be seen."""
    pages, present = 0, 0
    for span in spans:
        with naming(span.file), _opened(span.file) as descriptor:
            if not _is_shown(span.file, descriptor):
                return None
            for start in range(span.start, span.end, _WINDOW):
                if os.fstat(descriptor).st_size < span.end:
                    raise Shrunk(span.file, span.end)
                vector = _vector(descriptor, start, min(_WINDOW, span.end - start))
                if vector is None:
                    return None
                pages += len(vector)
                present += sum(byte & 1 for byte in vector)
    return present / pages if pages else 0.0


def bytes_from_storage() -> int | None:
    """Return how many bytes storage has delivered to this process so far; None: unknown."""
    try:
        lines = Path("/proc/self/io").read_text().splitlines()
    except OSError:
        return None
    counts = dict(line.split(": ") for line in lines)
    return int(counts["read_bytes"]) if "read_bytes" in counts else None


def storage_since(before: int | None) -> int | None:
    """Return how many bytes storage has delivered since the count *before*; None: unknown."""
    now = bytes_from_storage()
    return None if before is None or now is None else now - before


@contextlib.contextmanager
def _opened(file: Path) -> Iterator[int]:
    descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _is_shown(file: Path, descriptor: int) -> bool:
    """Whether mincore(2) is right about *file*."""
    if os.fstat(descriptor).st_uid == os.geteuid() or os.access(file, os.W_OK):
        return True
    with contextlib.suppress(OSError, IndexError, ValueError):
        status = Path("/proc/self/status").read_text()
        return bool(int(status.partition("CapEff:")[2].split()[0], 16) & _CAP_FOWNER)
    return False


def _vector(descriptor: int, start: int, length: int) -> bytes | None:
    """Return a byte for each page, whose lowest bit says whether it is in memory."""
    # Private and writable, but never written to: ctypes gives the address of no other mapping.
    mapping = mmap.mmap(
        descriptor,
        length,
        flags=mmap.MAP_PRIVATE,
        prot=mmap.PROT_READ | mmap.PROT_WRITE,
        offset=start,
    )
    with mapping:
        first = ctypes.c_char.from_buffer(mapping)
        vector = ctypes.create_string_buffer(-(-length // PAGE))
        failed = _LIBC.mincore(
            ctypes.c_void_p(ctypes.addressof(first)), ctypes.c_size_t(length), vector
        )
        del first
    return None if failed else vector.raw
