"""Write a scratch file of random bytes to read, and remove it at the end."""

import contextlib
import errno
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from webhook.models.layout import INCOMING
from webhook.storage_bench.interruption import Interruption
from webhook.storage_bench.span import BLOCK
from webhook.terminal.progress import say, shown
from webhook.values.quantity import Quantity

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def why_not(directory: Path) -> str:
    """Return why no file can be written to *directory*; "" if one can."""
    if os.statvfs(directory).f_flag & os.ST_RDONLY:
        return "is read-only"
    return "" if os.access(directory, os.W_OK | os.X_OK) else "is not writable"


@contextlib.contextmanager
def scratch(directory: Path, size: int, interruption: Interruption) -> Iterator[Path]:
    """Yield a file of *size* random bytes below *directory*; ValueError if it does not fit."""
    space = os.statvfs(directory)
    free = space.f_bavail * space.f_frsize
    if size > free:
        raise ValueError(
            f"{directory}: the scratch file needs {size} bytes, and {free} are free "
            f"({Quantity(size)} of {Quantity(free)}): give a smaller --limit"
        )
    incoming = directory / INCOMING
    # In a folder: if this process is killed, the next loader removes it.
    folder = incoming / f"bench-storage-{secrets.token_hex(8)}"
    file = folder / "scratch"
    made = not incoming.exists()
    try:
        folder.mkdir(parents=True)
        with shown("auto")(file, size) as report:
            _fill(file, size, interruption, report)
        yield file
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if folder.exists():
            say(f"{folder}: could not be removed: remove it by hand")
        if made:
            with contextlib.suppress(OSError):  # a loader uses it meanwhile
                incoming.rmdir()


def _fill(file: Path, size: int, interruption: Interruption, report: Callable[[int], None]) -> None:
    """Write random bytes, which no file system can compress or deduplicate."""
    done = 0
    try:
        with file.open("xb", buffering=0) as stream:
            while done < size:
                interruption.check()
                done += stream.write(os.urandom(min(BLOCK, size - done)))
                report(done)
            os.fsync(stream.fileno())
    except OSError as error:
        if error.errno not in _FULL:
            raise
        what = f"{error.strerror} after {done} of {size} bytes: give a smaller --limit"
        raise OSError(error.errno, what, str(file)) from error
