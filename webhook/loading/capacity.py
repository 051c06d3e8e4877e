"""Whether a store takes a model, asked before its first byte; a refusal says what would help."""

import errno
import os
import tempfile
from pathlib import Path
from typing import Final

from webhook.loading.origins.origin import Unavailable
from webhook.store.file_system import file_system
from webhook.store.memory_limit import beyond_limit, is_memory
from webhook.values.quantity import Quantity

_RESERVE: Final = 16 * 2**20
"""Bytes for the manifest, folders and what the file system writes of its own."""
_ALLOCATE: Final = frozenset({"btrfs", "ext4", "xfs"})
"""File systems that can allocate without writing, and whose quotas statvfs(3) may not tell."""


def writable(store: Path) -> None:
    """Unavailable unless a folder can be made in *store*; what is made for it is removed."""
    if not store.is_dir():
        raise Unavailable(f"{store}: is not a directory: is the claim or the cache mounted there?")
    try:
        with tempfile.TemporaryDirectory(prefix=".probe-", dir=store):
            pass
    except OSError as error:
        raise Unavailable(f"{store}: {_why(store, error)}") from error


def _why(store: Path, error: OSError) -> str:
    if error.errno == errno.EROFS:
        return "is read-only here: mount it without readOnly for a loader"
    if error.errno not in (errno.EACCES, errno.EPERM):
        return str(error.strerror)
    found = store.stat()
    user, group = os.geteuid(), os.getegid()
    return (
        f"belongs to {found.st_uid}:{found.st_gid} with mode {found.st_mode & 0o7777:04o}, and "
        f"this is user {user}, groups {sorted({group, *os.getgroups()})}, who may not write "
        f"there: chown {user}:{group} it once (on a node, as root), or let the loader run as its "
        "owner; on a claim, fsGroup does it where the driver can"
    )


def fits(store: Path, needed: int, what: str) -> None:
    """Unavailable if fewer than *needed* bytes are free, or may be used where they are memory.

    A quota counts too: statvfs(3) tells what project quotas of XFS and ext4, and quotas of NFS
    exports, leave; those of users and groups, and of btrfs, are asked by allocating.
    """
    space = os.statvfs(store)
    free = space.f_bavail * space.f_frsize
    if needed + _RESERVE > free:
        raise Unavailable(
            f"{store}: {what} needs {needed} bytes more ({_read(needed)}) and {free} are free "
            f"({_read(free)}): make room, or give the claim or the volume more"
        )
    if file_system(store) in _ALLOCATE and (error := _refused(store, needed)):
        raise Unavailable(
            f"{store}: {what} needs {needed} bytes more ({_read(needed)}), and the file system has "
            f"not as many for this user, group and directory: {error.strerror}: raise the quota, "
            "or remove models (modelcache prune)"
        )
    if is_memory(store) and (lack := beyond_limit(needed)):
        raise Unavailable(
            f"{store}: is memory, and {what} needs more of it than this process may use: {lack}: "
            "raise the container's memory limit, or load into a store on a disk"
        )


def _refused(store: Path, needed: int) -> OSError | None:
    """Return why *needed* bytes can't be allocated; what is allocated is given back."""
    try:
        with tempfile.TemporaryFile(dir=store) as file:
            os.posix_fallocate(file.fileno(), 0, max(needed, 1))
    except OSError as error:
        return error
    return None


def _read(number: int) -> str:
    return f"{number / 2**30:.2f}Gi" if number >= 2**30 else str(Quantity(number).up_to(2**20))
