"""Whether a model's directory is complete: modelcache verify, our gate.

With a manifest, every file that it lists has its size. With or without one,
each safetensors file is as long as its own header says, and every shard that
an index names is there. That finds what is missing or cut short, not what is
corrupt.
"""

import json
import os
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from webhook.store import MANIFEST

_LARGEST_HEADER: Final = 25_000_000
"""Bytes; the hub accepts no longer safetensors header."""


class ManifestFile(msgspec.Struct, frozen=True):
    """One file of a manifest."""

    path: str
    size: int


class Manifest(msgspec.Struct, frozen=True):
    """What a loader wrote of the model that it published; other fields are not read here."""

    files: tuple[ManifestFile, ...]


def verify_models(directories: Iterable[Path]) -> None:
    """Check each directory; ValueError names everything that is wrong, one line each."""
    directories = list(directories)
    faults = [f"{d}: {fault}" for d in directories for fault in faults_of(d)]
    if faults:
        raise ValueError("\n".join(faults))


def faults_of(directory: Path) -> Iterator[str]:
    """Yield what is missing or too short in *directory*."""
    if not directory.is_dir():
        yield "is not a directory: the model was not published here"
        return
    manifest = directory / MANIFEST
    if manifest.exists():
        yield from _against_manifest(directory, manifest)
    unread: list[OSError] = []
    files = [
        Path(root) / name
        for root, _, names in os.walk(directory, onerror=unread.append)
        for name in names
    ]
    yield from (f"{error.filename}: {error.strerror}" for error in unread)
    if not any(file.name != MANIFEST for file in files):
        yield "is empty: the model was not published here"
    for file in sorted(files):
        name = file.relative_to(directory)
        try:
            yield from (f"{name}: {fault}" for fault in _of_file(file))
        except OSError as error:
            yield f"{name}: {error.strerror}"


def _of_file(file: Path) -> Iterator[str]:
    if not file.exists():
        yield "is a link to a file that is not there"
    elif file.suffix == ".safetensors":
        yield from _safetensors(file)
    elif file.name.endswith(".safetensors.index.json"):
        yield from _index(file)


def _against_manifest(directory: Path, manifest: Path) -> Iterator[str]:
    try:
        content = msgspec.json.decode(manifest.read_bytes(), type=Manifest)
    except (OSError, msgspec.MsgspecError) as error:
        yield f"{MANIFEST}: can't be read: {error}"
        return
    for entry in content.files:
        path = directory / entry.path
        if ".." in Path(entry.path).parts or Path(entry.path).is_absolute():
            yield f"{MANIFEST}: {entry.path} lies outside the model"
        elif not path.is_file():
            yield f"{entry.path}: is missing"
        elif path.stat().st_size != entry.size:
            yield f"{entry.path}: has {path.stat().st_size} bytes, the manifest says {entry.size}"


def _safetensors(file: Path) -> Iterator[str]:
    size = file.stat().st_size
    with file.open("rb") as stream:
        prefix = stream.read(8)
        if len(prefix) < 8:
            yield f"has {size} bytes, too few for a safetensors file"
            return
        length = struct.unpack("<Q", prefix)[0]
        if length > min(_LARGEST_HEADER, size - 8):
            yield "is cut short, or no safetensors file: its header does not fit"
            return
        try:
            header: dict[str, Any] = json.loads(stream.read(length))
            ends = [int(t["data_offsets"][1]) for n, t in header.items() if n != "__metadata__"]
        except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError):
            yield "is no safetensors file: its header can't be read"
            return
    wanted = 8 + length + max(ends, default=0)
    if size != wanted:
        yield f"has {size} bytes, its header says {wanted}"


def _index(file: Path) -> Iterator[str]:
    try:
        shards = set(json.loads(file.read_bytes())["weight_map"].values())
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        yield "can't be read"
        return
    for shard in sorted(map(str, shards)):
        if not (file.parent / shard).exists():
            yield f"names {shard}, which is missing"
