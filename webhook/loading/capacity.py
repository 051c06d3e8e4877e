"""Check, before the first byte, that a store is writable and has room for a model."""

import errno
import os
import tempfile
from pathlib import Path
from typing import Final

from webhook.loading.origins.origin import Unavailable
from webhook.store.file_system import file_system
from webhook.store.memory_limit import beyond_limit, is_memory
from webhook.store.space import is_full, lack
from webhook.values.quantity import Quantity

_RESERVE: Final = 16 * 2**20
"""Bytes for the manifest, the folders and the file system itself."""
_ALLOCATE: Final = frozenset({"btrfs", "ext4", "xfs"})
"""File systems that can allocate without writing. statvfs(3) may not show their quotas."""


def writable(store: Path) -> None:
    """Raise Unavailable unless a folder can be created in *store*; it is removed again."""
    if not store.is_dir():
        raise Unavailable(
            f"{store}: is not a directory: is the claim or the node's cache mounted there?"
        )
    try:
        with tempfile.TemporaryDirectory(prefix=".probe-", dir=store):
            pass
    except OSError as error:
        raise Unavailable(f"{store}: {_why(store, error)}") from error


def _why(store: Path, error: OSError) -> str:
    if error.errno == errno.EROFS:
        return "is read-only here: mount it without readOnly for a loader"
    if is_full(error):
        return lack(error, store)
    if error.errno not in (errno.EACCES, errno.EPERM):
        return str(error.strerror)
    found = store.stat()
    user, group = os.geteuid(), os.getegid()
    return (
        f"belongs to {found.st_uid}:{found.st_gid} with mode {found.st_mode & 0o7777:04o}, and "
        f"this process (user {user}, groups {sorted({group, *os.getgroups()})}) may not write "
        f"there: chown {user}:{group} it once (on a node, as root), or run the loader as its "
        "owner; on a claim, fsGroup does this if the driver supports it"
    )


def fits(store: Path, needed: int, what: str) -> None:
    """Raise Unavailable if fewer than *needed* bytes are free; *what* is named in the message.

    Quotas count too. statvfs(3) shows project quotas of XFS and ext4, and quotas of NFS exports, as
    free space. Quotas of users, of groups and of btrfs are found by allocating the bytes. If the
    store is in memory, the memory limit of this process counts.
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
            f"{store}: {what} needs {needed} bytes more ({_read(needed)}), and the file system "
            f"refuses that to this user, group and directory: {error.strerror}: raise the quota, "
            "or remove models (modelcache prune)"
        )
    if is_memory(store) and (lack := beyond_limit(needed)):
        raise Unavailable(
            f"{store}: is in memory, and {what} needs more than this process may use: {lack}: "
            "raise the container's memory limit, or load into a store on a disk"
        )


def _refused(store: Path, needed: int) -> OSError | None:
    """Return why *needed* bytes can't be allocated, None if they can; they are freed again."""
    try:
        with tempfile.TemporaryFile(dir=store) as file:
            os.posix_fallocate(file.fileno(), 0, max(needed, 1))
    except OSError as error:
        return error
    return None


def _read(number: int) -> str:
    return f"{number / 2**30:.2f}Gi" if number >= 2**30 else str(Quantity(number).up_to(2**20))
