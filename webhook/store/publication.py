"""The moment at which readers see a model: all at once, by a rename.

Everything is on the disk before: after a power cut there is nothing, or the whole model.
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
    """Make *cache* one of the hub's library, of the files in *directory*; they share their bytes.

    What it reads offline is refs, snapshots and blobs. It writes nothing where it finds all three.
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
    """Whether a published model is a cache of the hub's library too, that knows *ref*."""
    return (place / hub_cache_folder(repository) / "refs" / ref).exists()


def add_hub_cache(place: Path, workshop: Path, repository: str, ref: str) -> None:
    """Add the cache, or the name, that a published model lacks: readers see it whole or not."""
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
    """Rename a whole model to its place; False if another loader was there first."""
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
    """Let a name that moves mean the model at *place* from now on; pods that run keep theirs."""
    link = place.with_name(ref)
    if link.is_symlink() and str(link.readlink()) == place.name:
        return
    new = place.with_name(f".{ref}.{secrets.token_hex(8)}")
    new.symlink_to(place.name)
    new.rename(link)
    sync(place.parent)


def _tree(directory: Path) -> Iterator[Path]:
    """Yield what is below *directory*, then it: a folder is synced after what it names."""
    for folder, folders, names in os.walk(directory, topdown=False):
        yield from (Path(folder, name) for name in (*names, *folders))
    yield directory


def sync(path: Path) -> None:
    """Bring a file, or the names in a folder, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
