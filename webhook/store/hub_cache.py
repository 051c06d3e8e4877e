"""Make a published model a cache of the hub's library too: the folder models--org--name in it.

Pods mount that folder alone, so it must be complete in itself. Its blobs are hard links to the
plain files: a symbolic link to these would lead out of the mount, and a copy would double the
bytes. A file system without hard links can't have the cache.

What readers ask for, offline:

huggingface_hub   file_download.py and _snapshot_download.py (2.4): a full commit is looked up in
                  snapshots; any other revision, by default main, is the name of a file in refs.
hf-hub (TEI)      CacheRepo::get in lib.rs (0.4): a commit is looked up in refs as well.

So refs has the commit, the name that was loaded, and always main: a server that is given only
org/name asks for main, and the pod that mounts this commit has chosen it. Another revision is not
there, and readers say so.
"""

import os
from collections.abc import Iterable, Sequence
from hashlib import sha256
from pathlib import Path

from msgspec.structs import replace

from webhook.models.layout import DEFAULT_REVISION, MANIFEST, hub_cache_folder
from webhook.models.source import parse_source
from webhook.store.manifest import Manifest, read_manifest
from webhook.store.publication import publish, sync


def refs_of(commit: str, ref: str | None) -> list[str]:
    """Return the names in refs of a model that was loaded as *ref*; None: as its commit."""
    return list(dict.fromkeys((DEFAULT_REVISION, commit, ref or commit)))


def lacking(place: Path, repository: str, refs: Iterable[str]) -> list[str]:
    """Return the names in *refs* that the cache of a published model lacks; all without a cache."""
    there = place / hub_cache_folder(repository) / "refs"
    return [ref for ref in refs if not (there / ref).exists()]


def cache_of(directory: Path, manifest: Manifest) -> Path | None:
    """Return the cache in the directory of a model; None if there is none."""
    try:
        repository = parse_source(manifest.source).repository
    except ValueError:
        return None
    cache = directory / hub_cache_folder(repository) if repository else None
    return cache if cache and (cache / "refs").is_dir() else None


def make_hub_cache(cache: Path, directory: Path, manifest: Manifest, refs: Sequence[str]) -> None:
    """Make the new folder *cache* a cache of the model in *directory*; OSError if it can't be.

    Offline, the library reads refs, snapshots and blobs. It writes nothing if it finds all three.
    """
    snapshot = cache / "snapshots" / manifest.commit
    for folder in (snapshot, cache / "blobs", cache / "refs"):
        folder.mkdir(parents=True)
    for file in manifest.files:
        # Readers do not compare this name: any that is unique for the content will do.
        blob = cache / "blobs" / (file.sha256 or sha256(file.path.encode()).hexdigest())
        if not blob.exists():
            _link(directory / file.path, blob)
        link = snapshot / file.path
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(os.path.relpath(blob, link.parent))
    for ref in refs:
        (cache / "refs" / ref).write_text(manifest.commit)


def _link(file: Path, blob: Path) -> None:
    try:
        os.link(file, blob)
    except OSError as error:
        why = f"no hard link is possible there: {error.strerror}"
        raise OSError(error.errno, why, str(blob)) from error


def add_hub_cache(place: Path, workshop: Path, repository: str, refs: Sequence[str]) -> None:
    """Add the cache, or the refs, that a published model lacks: readers see all of it or nothing.

    *workshop*: a folder on the same file system.
    """
    cache = place / hub_cache_folder(repository)
    if not cache.exists():
        manifest = replace(read_manifest(place / MANIFEST), commit=place.name)
        make_hub_cache(workshop / "cache", place, manifest, refs)
        publish(workshop / "cache", cache)
    for ref in lacking(place, repository, refs):
        new = workshop / "ref"
        new.write_text(place.name)
        sync(new)
        new.rename(cache / "refs" / ref)
        sync(cache / "refs")
