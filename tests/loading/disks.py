"""Make disks: files with a file system, which can be mounted."""

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.kubernetes import packages


def run(*words: str | Path) -> None:
    """Run a command that needs root; it must succeed."""
    subprocess.run(words, check=True, capture_output=True)


def formatted(file: Path, size: int, *mkfs: str) -> None:
    """Make a disk of *size* bytes, formatted by the command *mkfs*."""
    packages.install()
    with file.open("wb") as new:
        new.truncate(size)
    run(*mkfs, file)


@contextlib.contextmanager
def mounted(file: Path, folder: Path) -> Iterator[Path]:
    """Mount a disk at *folder* for a `with` block; the folder is made if it is missing."""
    folder.mkdir(exist_ok=True)
    run("mount", "-o", "loop", file, folder)
    try:
        yield folder
    finally:
        run("umount", folder)
