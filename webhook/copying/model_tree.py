"""List the files and links of a model's directory that are to be copied.

If there is a manifest, they are the files that it lists and the manifest itself. A cache of the
hub's library next to them is made anew, because it shares their bytes. Without a manifest,
everything is copied. A link that leads out of the model or nowhere is a fault: the copy would not
be the same model.
"""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import NoReturn

import msgspec

from webhook.models.layout import MANIFEST
from webhook.store.cached_snapshots import cached_snapshot, sha256_of_blob
from webhook.store.hub_cache import cache_of, make_hub_cache
from webhook.store.manifest import Manifest, ManifestFile, read_manifest
from webhook.store.verify import remedy


@dataclass(frozen=True, slots=True)
class Item:
    """One file or link to copy."""

    source: Path
    path: PurePath
    """Relative to the model's directory."""
    size: int
    """Bytes."""
    sha256: str | None = None
    blake3: str | None = None
    """From the manifest, hexadecimal, as sha256 is."""
    link: str | None = None
    """The target of a link, relative to its folder; None: not a link."""


@dataclass(frozen=True, slots=True)
class HubCache:
    """A cache of the hub's library next to the files, with hard links to them."""

    folder: str
    """models--org--name."""
    refs: Sequence[str]
    manifest: Manifest

    @property
    def files(self) -> int:
        """How many files it has in addition: small ones, one for each name of a revision."""
        return len(self.refs)

    def make(self, directory: Path) -> None:
        """Make it in the directory of a copy; OSError if hard links are not possible there."""
        make_hub_cache(directory / self.folder, directory, self.manifest, self.refs)


def hub_cache(source: Path) -> HubCache | None:
    """Return the cache that a listed model has next to its files; None if there is none."""
    if not (source / MANIFEST).exists():
        return None
    manifest = read_manifest(source / MANIFEST)
    cache = cache_of(source, manifest)
    if cache is None:
        return None
    return HubCache(cache.name, sorted(ref.name for ref in (cache / "refs").iterdir()), manifest)


def listed(source: Path, destination: Path) -> list[Item]:
    """Return what to copy from *source* to *destination*; ValueError if that is impossible."""
    if not source.is_dir():
        raise ValueError(f"{source}: is not a directory: the model was not published here")
    here, there = source.resolve(), destination.resolve()
    if here.is_relative_to(there) or there.is_relative_to(here):
        raise ValueError(f"{destination}: its content is removed, so it must not overlap {source}")
    of_manifest = (source / MANIFEST).exists()
    cached = cached_snapshot(source) if source.parent.name == "snapshots" else None
    root = cached.cache.resolve() if cached else here
    items = _of_manifest(source) if of_manifest else list(_items(source, root))
    if len(items) == of_manifest:
        raise ValueError(f"{source}: is empty: the model was not published here")
    return items


def _of_manifest(source: Path) -> list[Item]:
    """Return the files in the manifest, then the manifest; ValueError names all that is wrong."""
    manifest = source / MANIFEST
    try:
        content = read_manifest(manifest)
    except msgspec.MsgspecError as error:
        raise ValueError(f"{manifest}: can't be read: {error}: publish the model again") from error
    items = [
        Item(source / file.path, PurePath(file.path), file.size, file.sha256, file.blake3)
        for file in content.files
    ]
    faults = [fault for file in content.files for fault in _faults(source, file)]
    times = Counter([PurePath(MANIFEST), *(item.path for item in items)])
    faults += [f"{manifest}: lists {path} twice" for path, count in times.items() if count > 1]
    if faults:
        anew = [f"{source}: {text}" for text in remedy(source, full=False)]
        raise ValueError("\n".join(faults + anew))
    return [*items, Item(manifest, PurePath(MANIFEST), manifest.stat().st_size)]


def _faults(source: Path, file: ManifestFile) -> Iterator[str]:
    if ".." in PurePath(file.path).parts or PurePath(file.path).is_absolute() or "\0" in file.path:
        yield f"{source / MANIFEST}: {file.path!r} is outside the model"
        return
    path = source / file.path
    if not path.is_file():
        yield f"{source}: {file.path}: is missing, and {MANIFEST} lists it"
    elif not path.resolve().is_relative_to(source.resolve()):
        yield f"{path}: is a link that leads out of the model"
    elif (size := path.stat().st_size) != file.size:
        yield f"{source}: {file.path}: has {size} bytes, the manifest says {file.size}"


def _raise(error: OSError) -> NoReturn:
    raise error


def _items(source: Path, root: Path) -> Iterator[Item]:
    """Yield files and links; a file that a link outside *source* means, but in *root*, is copied.

    So the files of a snapshot in a Hugging Face cache are, whose blobs lie next to snapshots.
    """
    for folder, folders, names in os.walk(source, onerror=_raise):
        here = Path(folder)
        for name in sorted((*names, *(f for f in folders if (here / f).is_symlink()))):
            path = here / name
            below = path.relative_to(source)
            if path.is_symlink() and _is_blob(path, source, root):
                end = path.resolve()
                yield Item(end, below, end.stat().st_size, sha256=sha256_of_blob(path))
            elif path.is_symlink():
                yield Item(path, below, 0, link=_link(path, source.resolve()))
            elif path.is_file():
                yield Item(path, below, path.stat().st_size)
            else:
                raise ValueError(f"{path}: is not a file, a directory or a link")


def _is_blob(path: Path, source: Path, root: Path) -> bool:
    end = Path(os.path.realpath(path))  # links may lead to each other
    inside = end.is_relative_to(root) and not end.is_relative_to(source.resolve())
    return inside and end.is_file()


def _link(path: Path, root: Path) -> str:
    """Return the target of the link in the copy; ValueError if it leads out of the model."""
    try:
        end = path.resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise ValueError(f"{path}: is a link that leads nowhere") from error
    if not end.is_relative_to(root):
        raise ValueError(f"{path}: is a link that leads out of the model")
    said = path.readlink()
    return os.path.relpath(end, path.parent.resolve()) if said.is_absolute() else str(said)
