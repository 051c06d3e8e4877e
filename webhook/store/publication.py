"""Publish a model: one rename makes all of it visible to readers.

Everything is on the disk before the rename: after a power cut there is the whole model or nothing.
"""

import errno
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import msgspec

from webhook.models.layout import MANIFEST, hub_cache_folder
from webhook.store.manifest import Manifest, read_manifest


def write_manifest(directory: Path, manifest: Manifest) -> None:
    """Write the manifest of a model that is about to be published."""
    (directory / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(manifest)))


def make_hub_cache(cache: Path, directory: Path, manifest: Manifest, ref: str) -> None:
    """Make *cache* a cache of the hub's library with hard links to the files in *directory*.

    Offline, the library reads refs, snapshots and blobs. It writes nothing if it finds all three.
    """
    snapshot = cache / "snapshots" / manifest.commit
    for folder in (snapshot, cache / "blobs", cache / "refs"):
        folder.mkdir(parents=True, exist_ok=True)
    for file in manifest.files:
        blob = cache / "blobs" / str(file.sha256)
        if not blob.exists():
            os.link(directory / file.path, blob)
        link = snapshot / file.path
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(os.path.relpath(blob, link.parent))
    (cache / "refs" / ref).write_text(manifest.commit)


def has_hub_cache(place: Path, repository: str, ref: str) -> bool:
    """Whether a published model is a cache of the hub's library too, and has *ref* there."""
    return (place / hub_cache_folder(repository) / "refs" / ref).exists()


def add_hub_cache(place: Path, workshop: Path, repository: str, ref: str) -> None:
    """Add the cache, or the ref, that a published model lacks: readers see all of it or nothing."""
    cache = place / hub_cache_folder(repository)
    if not cache.exists():
        manifest = read_manifest(place / MANIFEST)
        make_hub_cache(workshop / "cache", place, manifest, ref)
        publish(workshop / "cache", cache)
    if not has_hub_cache(place, repository, ref):
        new = workshop / "ref"
        new.write_text(place.name)
        sync(new)
        new.rename(cache / "refs" / ref)
        sync(cache / "refs")


def publish(directory: Path, place: Path) -> bool:
    """Rename a whole model to its place; return False if another loader was first."""
    for path in _tree(directory):
        if not path.is_symlink():
            sync(path)
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        directory.rename(place)
    except OSError as error:
        if error.errno in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR):
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
