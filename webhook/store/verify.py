"""Check that a model's directory is complete, for modelcache verify and the gate.

If there is a manifest, every file that it lists must have the listed size. In
any case, each safetensors file must be as long as its header says, and every
shard that an index names must exist. That finds files that are missing or cut
short. To find corrupt files, read everything (full) and compare digests.
"""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from webhook.models.layout import HUB_CACHE, MANIFEST
from webhook.store.manifest import against_manifest
from webhook.store.safetensors import header_faults, index_faults


def verify_models(directories: Iterable[Path], *, full: bool = False) -> None:
    """Check each directory; ValueError names everything that is wrong, one line each."""
    directories = list(directories)
    faults = [f"{d}: {fault}" for d in directories for fault in faults_of(d, full=full)]
    if faults:
        raise ValueError("\n".join(faults))


def faults_of(directory: Path, *, full: bool = False) -> Iterator[str]:
    """Yield what is missing or too short in *directory*; *full*: also what is corrupt."""
    if not directory.is_dir():
        yield "is not a directory: the model was not published here"
        return
    manifest = directory / MANIFEST
    if manifest.exists():
        yield from against_manifest(directory, manifest, full=full)
    elif full:
        yield f"has no {MANIFEST}, so there are no digests to compare with"
    unread: list[OSError] = []
    files = [
        Path(root) / name
        for root, _, names in os.walk(directory, onerror=unread.append)
        for name in names
    ]
    yield from (f"{error.filename}: {error.strerror}" for error in unread)
    if not any(file.name != MANIFEST for file in files):
        yield "is empty: the model was not published here"
    read: set[tuple[int, int]] = set()
    for _, file in sorted((_is_cached(file, directory), file) for file in files):
        name = file.relative_to(directory)
        try:
            yield from (f"{name}: {fault}" for fault in _of_file(file, read))
        except OSError as error:
            yield f"{name}: {error.strerror}"


def _is_cached(file: Path, directory: Path) -> bool:
    """Whether a file is in the Hugging Face cache next to the model's files, and is one of them."""
    return file.relative_to(directory).parts[0].startswith(HUB_CACHE)


def _of_file(file: Path, read: set[tuple[int, int]]) -> Iterator[str]:
    """Yield what is wrong with *file*; the bytes of a file in *read* were checked already."""
    if not file.exists():
        yield "is a link to a file that is not there"
    elif file.suffix == ".safetensors":
        found = file.stat()
        bytes_of = (found.st_dev, found.st_ino)
        if bytes_of not in read:
            read.add(bytes_of)
            yield from header_faults(file)
    elif file.name.endswith(".safetensors.index.json"):
        yield from index_faults(file)
