"""Check that a model's directory is complete, for modelcache verify and the gate.

If there is a manifest, every file that it lists must have the listed size. In any case there must
be weights, each file must be as long as its header says (safetensors, GGUF, archives of PyTorch),
and every shard must exist that an index names, or the number in the names of the others. That finds
files that are missing or cut short. To find corrupt files, read everything (full) and compare
digests.
"""

import contextlib
import os
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

import msgspec

from webhook.models.formats import may_be_weights
from webhook.models.layout import HUB_CACHE, MANIFEST
from webhook.store.manifest import against_manifest, read_manifest
from webhook.store.shards import INDEX, gaps, index_faults
from webhook.store.tree import below, ends_inside
from webhook.store.weights import CHECKED, weight_faults
from webhook.values.text import some


class Unread(str):
    """A fault that is not one of the model: this user can't read a part of it."""

    __slots__ = ()


def verify_models(directories: Iterable[Path], *, full: bool = False) -> None:
    """Check each directory; ValueError names everything that is wrong, one line each."""
    wrong: list[str] = []
    for directory in directories:
        if faults := list(faults_of(directory, full=full)):
            damaged = not all(isinstance(fault, Unread) for fault in faults)
            found = remedy(directory, full=full) if damaged else ()
            wrong += (f"{directory}: {text}" for text in (*faults, *found))
    if wrong:
        raise ValueError("\n".join(wrong))


def remedy(directory: Path, *, full: bool) -> Iterator[str]:
    """Yield the command that publishes a damaged model anew, if its manifest has its source."""
    with contextlib.suppress(OSError, msgspec.MsgspecError):
        manifest = read_manifest(directory / MANIFEST)
        source, commit = manifest.source, manifest.commit
        if source.startswith("hf://") and commit:
            source = f"{source.partition('@')[0]}@{commit}"
        if source:
            flag = "--full " if full else ""
            yield f"publish it anew: modelcache load {flag}{source} STORE"


def faults_of(directory: Path, *, full: bool = False) -> Iterator[str]:
    """Yield what is missing or too short in *directory*; *full*: also what is corrupt."""
    if not directory.is_dir():
        yield "is not a directory: the model was not published here"
        return
    manifest = directory / MANIFEST
    if os.path.lexists(manifest):
        yield from against_manifest(directory, manifest, full=full)
    elif full:
        yield f"has no {MANIFEST}, so there are no digests to compare with"
    unread: list[OSError] = []
    files = list(below(directory, lambda link: ends_inside(link, directory), unread.append))
    yield from (Unread(f"{error.filename}: {error.strerror}") for error in unread)
    names = [file.relative_to(directory) for file in files if file.name != MANIFEST]
    if names:
        yield from _lacking({*names, *_listed(manifest)})
    else:
        yield "is empty: the model was not published here"
    read: set[tuple[int, int]] = set()
    for _, file in sorted((_is_cached(file, directory), file) for file in files):
        name = file.relative_to(directory)
        try:
            yield from (f"{name}: {fault}" for fault in _of_file(file, read))
        except OSError as error:
            yield Unread(f"{name}: {error.strerror}")


def _listed(manifest: Path) -> Iterator[Path]:
    """Yield the files that a manifest lists: if one is missing, that was said already."""
    with contextlib.suppress(OSError, msgspec.MsgspecError):
        yield from (Path(file.path) for file in read_manifest(manifest).files)


def _lacking(names: Collection[Path]) -> Iterator[str]:
    """Yield what files of these *names* lack to be a model."""
    if not any(may_be_weights(str(name)) for name in names):
        yield f"has no weights, only {some(sorted(map(str, names)))}"
    yield from gaps(names)


def _is_cached(file: Path, directory: Path) -> bool:
    """Whether a file is in the Hugging Face cache next to the model's files, and is one of them."""
    return file.relative_to(directory).parts[0].startswith(HUB_CACHE)


def _of_file(file: Path, read: set[tuple[int, int]]) -> Iterator[str]:
    """Yield what is wrong with *file*; the bytes of a file in *read* were checked already."""
    if not file.exists():
        yield "is a link to a file that is not there"
    elif file.is_dir():
        yield "is a link to a folder that leads out of the model, or around in it"
    elif file.suffix in CHECKED:
        found = file.stat()
        bytes_of = (found.st_dev, found.st_ino)
        if bytes_of not in read:
            read.add(bytes_of)
            yield from weight_faults(file)
    elif INDEX.fullmatch(file.name):
        yield from index_faults(file)
