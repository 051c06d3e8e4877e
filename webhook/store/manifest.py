"""Read manifests of published models: their files, with sizes and digests."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import msgspec

from webhook.models.layout import MANIFEST


class ManifestFile(msgspec.Struct, frozen=True):
    """One file of a manifest."""

    path: str
    size: int
    sha256: str | None = None
    blake3: str | None = None
    """Hexadecimal, as sha256 is."""


class Globs(msgspec.Struct, frozen=True):
    """The patterns by which the files were chosen."""

    allow: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()


class Manifest(msgspec.Struct, frozen=True):
    """The manifest that a loader wrote; fields that nobody reads here are left out."""

    files: tuple[ManifestFile, ...]
    source: str = ""
    """hf://org/name@revision, or another URI."""
    commit: str = ""
    patterns: Globs = Globs()
    version: str = ""
    """The version of the program that wrote it."""


def read_manifest(path: Path) -> Manifest:
    """Return the manifest that *path* holds; ValueError, OSError if it can't be read."""
    return msgspec.json.decode(path.read_bytes(), type=Manifest)


def against_manifest(directory: Path, manifest: Path, *, full: bool = False) -> Iterator[str]:
    """Yield how *directory* differs from *manifest*; *full*: read all files and compare digests."""
    try:
        content = read_manifest(manifest)
    except (OSError, msgspec.MsgspecError) as error:
        yield f"{MANIFEST}: can't be read: {error}"
        return
    for entry in content.files:
        path = directory / entry.path
        if ".." in Path(entry.path).parts or Path(entry.path).is_absolute():
            yield f"{MANIFEST}: {entry.path} is outside the model"
        elif not path.is_file():
            yield f"{entry.path}: is missing"
        elif path.stat().st_size != entry.size:
            yield f"{entry.path}: has {path.stat().st_size} bytes, the manifest says {entry.size}"
        elif full and entry.sha256 and (found := sha256_of(path)) != entry.sha256:
            yield f"{entry.path}: has the sha256 {found}, the manifest says {entry.sha256}"
        elif full and not entry.sha256:
            yield f"{entry.path}: can't be compared: the manifest has no sha256 of it"


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file, hexadecimal."""
    with path.open("rb", buffering=0) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
