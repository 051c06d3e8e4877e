"""Owns the state of the page cache: files are in it completely, or not at all.

Only the model's files are dropped (posix_fadvise(2), POSIX_FADV_DONTNEED). Pages of programs
and images stay, as on a node that has run other pods. fincore(1) then confirms the state.
"""

import os
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

CHUNK: Final = 8 * 2**20
ATTEMPTS: Final = 50


class CacheError(Exception):
    """The page cache is not in the requested state."""


def warm(files: Sequence[Path]) -> None:
    """Read *files*; return when all of their pages are in memory."""
    wanted = sum(file.stat().st_size for file in files)
    for _ in range(3):  # now and then the kernel drops a page that has just been written back
        for file in files:
            with file.open("rb", buffering=0) as stream:
                buffer = bytearray(CHUNK)
                while stream.readinto(buffer):
                    pass
        if (held := resident(files)) >= wanted:
            return
    raise CacheError(f"{held} of {wanted} bytes are in memory: the model does not fit")


def drop(files: Sequence[Path]) -> None:
    """Drop *files* from memory; return when none of their pages is left."""
    for _ in range(ATTEMPTS):
        for file in files:
            descriptor = os.open(file, os.O_RDONLY)
            try:
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            finally:
                os.close(descriptor)
        if not (held := resident(files)):
            return
        time.sleep(0.1)  # a mapping of a process that is just ending
    raise CacheError(f"{held} bytes stay in memory: a process uses the files")


def resident(files: Sequence[Path]) -> int:
    """Return how many bytes of *files* are in memory, whole pages."""
    words = ["fincore", "--bytes", "--noheadings", "--output", "RES", "--", *map(str, files)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CacheError(f"fincore: {done.stderr.strip()}")
    return sum(map(int, done.stdout.split()))
