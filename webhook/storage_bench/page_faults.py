"""Touch each page of files, in order, as a server that maps safetensors does.

This runs as a separate process, because SIGBUS kills a process that touches a mapped file which
became shorter. Its arguments are file, start and length of each span. It prints the number of bytes
touched so far, and at the end how long that took, each as a line of JSON.
"""

import json
import mmap
import os
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from webhook.storage_bench.page_cache import bytes_from_storage, storage_since
from webhook.storage_bench.span import PAGE, Span

SHRUNK: Final = 3
"""Exit status if a file is shorter than its span."""
WINDOW: Final = 64 * 2**20
"""Bytes of one mapping."""


def arguments(spans: Sequence[Span]) -> list[str | bytes]:
    """Return *spans* as arguments of the command line."""
    return [word for s in spans for word in (os.fsencode(s.file), str(s.start), str(s.length))]


def _spans(words: Sequence[str]) -> Iterator[Span]:
    for file, start, length in zip(words[::3], words[1::3], words[2::3], strict=True):
        yield Span(Path(file), int(start), int(length))


def _touch(span: Span) -> Iterator[int]:
    """Touch the pages of *span*; yield the bytes of each window after it is touched."""
    descriptor = os.open(span.file, os.O_RDONLY | os.O_CLOEXEC)
    try:
        for start in range(span.start, span.end, WINDOW):
            length = min(WINDOW, span.end - start)
            if os.fstat(descriptor).st_size < start + length:
                raise SystemExit(SHRUNK)
            with mmap.mmap(descriptor, length, prot=mmap.PROT_READ, offset=start) as mapping:
                mapping[::PAGE]  # a loop in C
            yield length
    finally:
        os.close(descriptor)


def main() -> None:
    """Touch the spans in the arguments of the command line."""
    spans = list(_spans(sys.argv[1:]))
    done, before, started = 0, bytes_from_storage(), time.perf_counter()
    for span in spans:
        for length in _touch(span):
            done += length
            _say(done)
    seconds = time.perf_counter() - started
    _say({"seconds": seconds, "storage": storage_since(before)})


def _say(what: int | dict[str, float | None]) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    try:
        main()
    except OSError as error:
        sys.exit(f"{error.filename or 'mmap'}: {error.strerror}")
