"""Say in numbers what a full file system has left."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


def is_full(error: OSError) -> bool:
    """Whether *error* says that a file system or a quota has no room."""
    return error.errno in _FULL


def nearest(path: str | Path) -> Path:
    """Return *path*, or the nearest folder above it that exists."""
    whole = Path(path).absolute()
    return next(one for one in (whole, *whole.parents) if one.exists())


def left(path: str | Path) -> str:
    """Return how many bytes, and if that is the reason how many files, a file system has left.

    *path*: a file or a directory on it, which may be gone by now.
    """
    space = os.statvfs(nearest(path))
    free, total = space.f_bavail * space.f_frsize, space.f_blocks * space.f_frsize
    said = f"{free} of {total} bytes are free"
    if space.f_files and not space.f_favail:
        said += f", and none of {space.f_files} files"
    return said


def lack(error: OSError, path: str | Path) -> str:
    """Return what *error* says of a store that is full, with numbers and the remedy."""
    return f"{error.strerror}: {left(path)}: make room, or give the claim or the volume more"


@contextmanager
def named_when_full(path: Path) -> Iterator[None]:
    """Give errors of a full file system the name *path*, if they have none.

    Only opening a file names it in the error, writing does not.
    """
    try:
        yield
    except OSError as error:
        if is_full(error) and not error.filename:
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise
