"""Make file systems that can be mounted: on disks, which are files, and through FUSE."""

import contextlib
import socket
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
        unmount(folder)


@contextlib.contextmanager
def without_hard_links(folder: Path, behind: Path) -> Iterator[None]:
    """Mount a file system without hard links at *folder* for a `with` block.

    Many file systems of FUSE have none. This one is sshfs, which gets the files in the new folder
    *behind* from a server on this machine, through a socket.
    """
    packages.install()
    for new in (folder, behind):
        new.mkdir()
    command = ["sshfs", "-f", "-o", "passive,disable_hardlink", f":{behind}", str(folder)]
    ours, theirs = socket.socketpair()
    with theirs:
        end = theirs.fileno()
        server = subprocess.Popen([packages.SFTP_SERVER], stdin=end, stdout=end)
    with ours:
        end = ours.fileno()
        client = subprocess.Popen(command, stdin=end, stdout=end)
    with server, client:
        try:
            wait_until(folder.is_mount, f"{folder} is mounted", 30)
            yield
        finally:
            run("umount", folder)


def unmount(folder: Path) -> None:
    """Unmount the disk at *folder*; return once its file is closed.

    The kernel closes it some time after the last umount, with the loop device: loop(4),
    LO_FLAGS_AUTOCLEAR. Until then, the file system that has the file can't be unmounted.
    """
    found = subprocess.run(
        ["findmnt", "--noheadings", "--output", "SOURCE", folder],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    backing = Path("/sys/block", Path(found.stdout.strip()).name, "loop/backing_file")
    file = backing.read_text()
    run("umount", folder)

    def detached() -> bool:
        try:
            return backing.read_text() != file
        except OSError:
            return True

    wait_until(detached, f"{file.strip()} is detached", 60)
