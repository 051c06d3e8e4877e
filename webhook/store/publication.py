"""Publish a model: one rename makes all of it visible to readers.

Everything is on the disk before the rename: after a power cut there is the whole model or nothing.
"""

import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from webhook.models.layout import INCOMING, MANIFEST
from webhook.store.manifest import Manifest

_UNABLE: Final = frozenset({errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EBADF, errno.EPERM})
"""Answers of file systems that can't write a folder to the disk."""


def write_manifest(directory: Path, manifest: Manifest) -> None:
    """Write the manifest of a model that is about to be published."""
    (directory / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(manifest)))


def publish(directory: Path, place: Path) -> bool:
    """Rename a whole model to its place; return False if another loader was first."""
    for path in _tree(directory):
        if not path.is_symlink():
            sync(path)
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        directory.rename(place)
    except OSError:
        if place.exists():  # POSIX says ENOTEMPTY then, but an SFTP server has no such answer
            return False
        raise
    sync(place.parent)
    return True


def point(place: Path, ref: str) -> None:
    """Point the name *ref* to the model at *place*; running pods keep the model they mounted."""
    link = place.with_name(ref)
    if link.is_symlink() and str(link.readlink()) == place.name:
        return
    # If this process is killed here, what it leaves is removed with the remains of loaders.
    aside = place.parents[1] / INCOMING / secrets.token_hex(8)
    aside.mkdir(parents=True)
    try:
        (aside / ref).symlink_to(place.name)
        (aside / ref).rename(link)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    sync(place.parent)


def _tree(directory: Path) -> Iterator[Path]:
    """Yield everything below *directory*, then itself: a folder is synced after its entries."""
    for folder, folders, names in os.walk(directory, topdown=False):
        yield from (Path(folder, name) for name in (*names, *folders))
    yield directory


def sync(path: Path, *, strict: bool = False) -> None:
    """Write a file, or the entries of a folder, to the disk now.

    Some file systems can't do that with a folder: then only *strict* raises OSError.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if strict or error.errno not in _UNABLE or not path.is_dir():
            raise
    finally:
        os.close(descriptor)
