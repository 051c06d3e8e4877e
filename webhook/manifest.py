"""The manifest of a published model: which files it has, and their sizes."""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from webhook.store import MANIFEST


class ManifestFile(msgspec.Struct, frozen=True):
    """One file of a manifest."""

    path: str
    size: int


class Manifest(msgspec.Struct, frozen=True):
    """What a loader wrote of the model that it published; other fields are not read here."""

    files: tuple[ManifestFile, ...]


def against_manifest(directory: Path, manifest: Path) -> Iterator[str]:
    """Yield what *directory* lacks of what *manifest* lists."""
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
