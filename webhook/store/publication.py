"""Publish a model: one rename makes all of it visible to readers.

Everything is on the disk before the rename: after a power cut there is the whole model or nothing.
"""

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import msgspec

from webhook.models.layout import MANIFEST
from webhook.store.manifest import Manifest


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
    new = place.with_name(f".{ref}.{secrets.token_hex(8)}")
    new.symlink_to(place.name)
    new.rename(link)
    sync(place.parent)


def _tree(directory: Path) -> Iterator[Path]:
    """Yield everything below *directory*, then itself: a folder is synced after its entries."""
    for folder, folders, names in os.walk(directory, topdown=False):
        yield from (Path(folder, name) for name in (*names, *folders))
    yield directory


def sync(path: Path) -> None:
    """Write a file, or the entries of a folder, to the disk now."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
