"""List the models of a store, with the names that lead to them."""

import contextlib
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import msgspec

from webhook.models.layout import MANIFEST, identity_of, node_label
from webhook.models.source import parse_source
from webhook.store.last_use import stamped
from webhook.store.manifest import Manifest, read_manifest

LAID: Final = re.compile(r"[^.].*--.*|[0-9a-f]{64}")
"""Names of folders in the store's layout: org--name, or the digest of a URI."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A published model: a folder that has a manifest."""

    place: Path
    manifest: Manifest | None
    """None: it can't be read."""
    published: float
    """Seconds since 1970: the time of the manifest, which is written just before publication."""
    stamp: float | None
    """When a loader last requested it, seconds since 1970; None: not recorded."""
    refs: tuple[Path, ...]
    """Symbolic links to it, such as main, which later move to other commits."""
    size: int
    """Bytes on the disk; hard links count once."""
    unread: str = ""
    """The folder that can't be read, and why; empty: it can. A folder of revisions is one model,
    with the commit *."""

    @property
    def name(self) -> str:
        """org/name[:quantisation], the URI of another source, or the name of its folder."""
        return self._identity or self.source or self.place.parent.name

    @property
    def source(self) -> str:
        """The URI in its manifest, without the revision; empty if the manifest has none."""
        uri = self.manifest.source if self.manifest else ""
        return uri.partition("@")[0] if uri.startswith("hf://") else uri

    @property
    def repository(self) -> str | None:
        """org/name; None if its source is not a hub."""
        return self._identity.partition(":")[0] if self._identity else None

    @property
    def _identity(self) -> str | None:
        """org/name[:quantisation]; None if its source is not a hub.

        Without a manifest, the name of the folder says it: names of the hub have no --.
        """
        folder = self.place.parent.name
        if self.manifest is None and "--" in folder:
            return identity_of(folder)
        try:
            found = parse_source(self.source)
        except ValueError:
            return None
        return found.identity if found.repository else None

    @property
    def label(self) -> str | None:
        """The label of nodes that hold it; None if its source is not a hub."""
        return node_label(self._identity, self.place.name) if self._identity else None

    @property
    def last_used(self) -> float:
        """When a loader last requested it or published it, seconds since 1970."""
        return max(self.stamp or 0.0, self.published)


def _unread(place: Path, folder: Path, why: str) -> Published:
    """Return a model at *place* of which *folder* can't be read."""
    with contextlib.suppress(OSError):
        return replace(gone(place), published=folder.lstat().st_mtime, unread=f"{folder}: {why}")
    return replace(gone(place), unread=f"{folder}: {why}")


def gone(place: Path) -> Published:
    """Return a model that was published at *place*, and of which nothing is known any more."""
    return Published(place=place, manifest=None, published=0.0, stamp=None, refs=(), size=0)


def published_models(store: Path) -> list[Published]:
    """Return the models of *store*, sorted by name and time; OSError if it can't be read.

    A folder without a manifest is left out: no loader has published it. One that can't be read is
    returned as one model that is `unread`.
    """
    return [
        model
        for folder in sorted(store.iterdir())
        if not folder.name.startswith(".") and folder.is_dir() and not folder.is_symlink()
        for model in sorted(_of(folder), key=lambda model: model.published)
    ]


def unpublished(store: Path) -> list[Path]:
    """Return the folders at places of models without a manifest: no loader published them."""
    return [
        place
        for folder in sorted(store.iterdir())
        if LAID.fullmatch(folder.name) and folder.is_dir()
        for place in sorted(_entries(folder))
        if not place.name.startswith(".") and place.is_dir() and not place.is_symlink()
        if _time(place) is None
    ]


def _entries(folder: Path) -> list[Path]:
    """Return what is in a folder; nothing if it can't be read."""
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _time(place: Path) -> float | str | None:
    """Return the time of the manifest; None if there is none, a text if nobody can know."""
    try:
        return (place / MANIFEST).stat().st_mtime
    except FileNotFoundError:
        return None
    except OSError as error:
        return str(error.strerror)


def _of(folder: Path) -> Iterator[Published]:
    try:
        entries = [entry for entry in folder.iterdir() if not entry.name.startswith(".")]
        links = {entry: entry.readlink() for entry in entries if entry.is_symlink()}
        places = [entry for entry in entries if entry not in links and entry.is_dir()]
    except OSError as error:
        if LAID.fullmatch(folder.name):  # others, such as lost+found, are no models
            yield _unread(folder / "*", folder, str(error.strerror))
        return
    for place in places:
        published = _time(place)
        if published is None:
            continue
        refs = tuple(sorted(link for link, end in links.items() if str(end) == place.name))
        if isinstance(published, str):
            unread = _unread(place, place, published)
            yield replace(unread, refs=refs, stamp=stamped(place))
            continue
        yield Published(
            place=place,
            manifest=_manifest(place),
            published=published,
            stamp=stamped(place),
            refs=refs,
            size=size_of(place),
        )


def _manifest(place: Path) -> Manifest | None:
    try:
        return read_manifest(place / MANIFEST)
    except (OSError, msgspec.MsgspecError):
        return None


def size_of(folder: Path) -> int:
    """Return the bytes of the files below *folder*; what has gone or can't be read counts as 0."""
    sizes: dict[tuple[int, int], int] = {}
    for root, _, names in os.walk(folder):
        for name in names:
            try:
                found = Path(root, name).lstat()
            except OSError:
                continue
            if stat.S_ISREG(found.st_mode):
                sizes[found.st_dev, found.st_ino] = found.st_size
    return sum(sizes.values())
