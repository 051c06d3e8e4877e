"""Touches each page of files, in order, as a server that maps safetensors does.

It is a process of its own, because a mapped file that becomes shorter ends the process that
touches it (SIGBUS). Its arguments are file, start and length of each span. It prints how
many bytes it has touched, and at last how long that took, a line of JSON each.
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
"""Exit status for a file that is shorter than the span to be touched."""
WINDOW: Final = 64 * 2**20
"""Bytes that are mapped at once."""


def arguments(spans: Sequence[Span]) -> list[str | bytes]:
    """Return the command line that says *spans*."""
    return [word for s in spans for word in (os.fsencode(s.file), str(s.start), str(s.length))]


def _spans(words: Sequence[str]) -> Iterator[Span]:
    for file, start, length in zip(words[::3], words[1::3], words[2::3], strict=True):
        yield Span(Path(file), int(start), int(length))


def _touch(span: Span) -> Iterator[int]:
    """Touch the pages of *span*; yield the bytes of each window once it is done."""
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
    """Touch the spans that the command line says."""
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
