"""Read by page faults: run the process that touches the pages, and read what it prints."""

import errno
import json
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from typing import IO

from webhook.storage_bench.interruption import Interruption
from webhook.storage_bench.page_faults import SHRUNK, arguments
from webhook.storage_bench.span import Pass, Shrunk, Span


def touch(spans: Sequence[Span], interruption: Interruption, report: Callable[[int], None]) -> Pass:
    """Touch each page of *spans* once; Shrunk if a file ends too early."""
    done, taken = 0, None
    module = "webhook.storage_bench.page_faults"
    with subprocess.Popen(  # noqa: S603  # our own module
        [sys.executable, "-P", "-m", module, *arguments(spans)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        start_new_session=True,  # this process handles Ctrl-C of the terminal
    ) as process:  # fmt: skip
        try:
            for line in _lines(process.stdout, interruption):
                match json.loads(line):
                    case int() as done:
                        report(done)
                    case said:
                        taken = Pass(said["seconds"], said["storage"])
            _, err = process.communicate()
        finally:
            process.kill()
    if process.returncode in (SHRUNK, -signal.SIGBUS):
        raise _fault(spans, done)
    if taken is None:
        raise ValueError(err.decode(errors="replace").strip() or _ended(process.returncode))
    return taken


def _lines(stream: IO[bytes] | None, interruption: Interruption) -> Iterator[bytes]:
    """Yield the lines of *stream* as they arrive; Interrupted if a signal has come."""
    rest, ended = b"", stream is None
    while stream and not ended:
        interruption.check()
        if select.select([stream], [], [], 0.2)[0]:
            got = stream.read1(2**16)  # type: ignore[attr-defined]  # it is buffered
            ended = not got
            *lines, rest = (rest + got).split(b"\n")
            yield from lines


def _fault(spans: Sequence[Span], done: int) -> OSError | Shrunk:
    """Return why a file could not be touched; *done*: the bytes of all spans reported last."""
    ends = accumulate(span.length for span in spans)
    span = next((s for s, end in zip(spans, ends, strict=True) if done < end), spans[-1])
    if span.file.stat().st_size < span.end:
        return Shrunk(span.file, span.end)
    return OSError(errno.EIO, "a page of it could not be read (SIGBUS)", str(span.file))


def _ended(status: int) -> str:
    return f"the process that touches mapped pages ended with status {status}"
