"""Owns the state of the page cache: files are in it from end to end, or not at all.

Only the model's files are touched (posix_fadvise(2), POSIX_FADV_DONTNEED): what the machine
holds of programs and images stays, as it does when a pod comes to a node that has run others.
The kernel is asked afterwards (fincore(1)); it must agree.
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
    """The page cache is not as it was asked to be."""


def warm(files: Sequence[Path]) -> None:
    """Read *files*, and return once all of them are in memory."""
    wanted = sum(file.stat().st_size for file in files)
    for _ in range(3):  # the kernel drops a page that has just been written back, now and then
        for file in files:
            with file.open("rb", buffering=0) as stream:
                buffer = bytearray(CHUNK)
                while stream.readinto(buffer):
                    pass
        if (held := resident(files)) >= wanted:
            return
    raise CacheError(f"{held} of {wanted} bytes are in memory: it has no room for the model")


def drop(files: Sequence[Path]) -> None:
    """Let go of *files*, and return once nothing of them is in memory."""
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
    raise CacheError(f"{held} bytes stay in memory: somebody uses the files")


def resident(files: Sequence[Path]) -> int:
    """Return how many bytes of *files* are in memory, whole pages."""
    words = ["fincore", "--bytes", "--noheadings", "--output", "RES", "--", *map(str, files)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CacheError(f"fincore: {done.stderr.strip()}")
    return sum(map(int, done.stdout.split()))
