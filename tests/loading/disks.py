"""Make disks: files with a file system, which can be mounted."""

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.kubernetes import packages
from tests.kubernetes.registration import wait_until


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
        _until_detached(file)


def _until_detached(file: Path) -> None:
    """Wait until the loop device of *file* is gone, since until then *file* is open.

    The kernel detaches the device some time after the last umount: loop(4), LO_FLAGS_AUTOCLEAR.
    """

    def detached() -> bool:
        done = subprocess.run(["losetup", "--associated", file], check=True, capture_output=True)
        return not done.stdout

    wait_until(detached, f"{file} is detached", 60)
