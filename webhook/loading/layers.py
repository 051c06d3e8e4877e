"""Unpack the layers of an image into the files of a model.

No name in a tar decides where bytes are written: files are unpacked under numbers, and put in place
once all layers have been read. A folder /models is the model, as in modelcars; without it, the
whole image is. Whiteouts apply.
"""

import gzip
import os
import posixpath
import shutil
import tarfile
import time
import zlib
from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, Protocol

from webhook.loading.origins.file_names import MOST, checked
from webhook.loading.origins.origin import RemoteFile, Unavailable
from webhook.loading.patterns import Patterns
from webhook.models.layout import MANIFEST
from webhook.store.digests import Digests
from webhook.store.manifest import ManifestFile
from webhook.values.text import quoted

_ROOT: Final = "models/"
_BLOCK: Final = 2**20
_HEADERS: Final = 2**20
"""Bytes between two files: tarfile would read names and attributes of any length into memory."""
_MEMBERS: Final = 10 * MOST
"""Names in an image, which has more files than a model."""
_WHITEOUT: Final = ".wh."
_OPAQUE: Final = ".wh..wh..opq"
_GZIP: Final = b"\x1f\x8b"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"


class _Readable(Protocol):
    def read(self, size: int = -1, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class _Entry:
    """What a name means after the layers so far."""

    layer: int
    size: int = 0
    content: Path | None = None
    """The unpacked file, if it is wanted."""
    digests: Digests | None = None
    link: str | None = None
    """The name in the image that a link leads to."""
    wrong: str = ""
    """Why a model can't contain it."""


class _Stream:
    """Decompressed bytes; Unavailable if there are too many between two files."""

    def __init__(self, layer: _Readable) -> None:
        self._layer = layer
        self.between: int | None = 0
        """Bytes since the end of the last file; None within a file."""

    def read(self, size: int) -> bytes:
        block = self._layer.read(size)
        if self.between is not None:
            self.between += len(block)
            if self.between > _HEADERS:
                raise Unavailable(f"has a header of more than {_HEADERS} bytes")
        return block


class Layers:
    """The image that layers make, one on top of the other."""

    def __init__(
        self, scratch: Path, patterns: Patterns, room: Callable[[int], None], deadline: float
    ) -> None:
        """*room* gets the size of each file before it is written, and raises if it does not fit.

        *deadline* is of time.monotonic().
        """
        self._scratch, self._patterns, self._room = scratch, patterns, room
        self._deadline = deadline
        self._entries: dict[str, _Entry] = {}
        self._layer = self._count = 0

    def add(self, path: Path) -> None:
        """Unpack the next layer; Unavailable says what is wrong with it."""
        self._layer += 1
        try:
            with path.open("rb") as file:
                self._read(_Stream(_decompressed(file)))
        except (tarfile.TarError, gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise Unavailable(f"layer {self._layer}: is not a complete tar: {error}") from error
        except Unavailable as error:
            raise Unavailable(f"layer {self._layer}: {error}") from error

    def _read(self, stream: _Stream) -> None:
        with tarfile.open(fileobj=stream, mode="r|") as archive:  # type: ignore[call-overload]  # it has only read()
            while member := archive.next():
                archive.members.clear()
                self._count += 1
                if self._count > _MEMBERS:
                    raise Unavailable(f"has more than {_MEMBERS} names")
                self._in_time()
                stream.between = None
                self._take(archive, member)
                stream.between = 0

    def _in_time(self) -> None:
        if time.monotonic() > self._deadline:
            raise Unavailable("the deadline has passed (--deadline)")

    def _take(self, archive: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        name = member.name.removeprefix("./")
        folder, base = posixpath.split(name)
        if name.startswith("/") or ".." in name.split("/"):
            raise Unavailable(f"{quoted(name)}: is not a path below the model")
        if member.isdir():
            self._forget(name)
        elif base.startswith(_WHITEOUT):
            hidden = folder if base == _OPAQUE else posixpath.join(folder, base[len(_WHITEOUT) :])
            self._hide(hidden)
        else:
            entry = self._entry(archive, member, name)
            self._forget(name)
            self._entries[name] = entry

    def _entry(self, archive: tarfile.TarFile, member: tarfile.TarInfo, name: str) -> _Entry:
        if member.issym() or member.islnk():
            start = posixpath.dirname(name) if member.issym() else ""
            target = posixpath.normpath(posixpath.join("/", start, member.linkname))
            climbs = _climbs(start, member.linkname)
            return _Entry(
                self._layer,
                link=target.lstrip("/"),
                wrong="is a link that leads out of the image" if climbs else "",
            )
        if not member.isreg() or member.issparse():
            return _Entry(self._layer, wrong="is a device, a pipe or another special file")
        return self._file(archive, member, name)

    def _file(self, archive: tarfile.TarFile, member: tarfile.TarInfo, name: str) -> _Entry:
        data = archive.extractfile(member)
        wanted = self._patterns.fit(name.removeprefix(_ROOT))
        place = self._scratch / str(self._count) if wanted else None
        if data is None:
            raise Unavailable(f"{quoted(name)}: has no content")
        if place:
            self._room(member.size)
        digests, size = self._copy(data, place)
        return _Entry(self._layer, size, place, digests)

    def _copy(self, data: IO[bytes], place: Path | None) -> tuple[Digests, int]:
        """Return digests and size of a file, which is written to *place* if that is given."""
        digests, size = Digests(), 0
        with (place or Path(os.devnull)).open("wb") as out:
            while block := data.read(_BLOCK):
                self._in_time()
                size += len(block)
                if place:
                    digests.update(block)
                    out.write(block)
        return digests, size

    def _hide(self, name: str) -> None:
        """Remove what lower layers have at a name and below it."""
        start = f"{name}/" if name else ""
        for found in [p for p in self._entries if p == name or p.startswith(start)]:
            self._forget(found)

    def _forget(self, name: str) -> None:
        """Remove what a lower layer has at a name."""
        there = self._entries.get(name)
        if there and there.layer < self._layer:
            del self._entries[name]
            if there.content:
                there.content.unlink()

    def found(self) -> tuple[RemoteFile, ...]:
        """Return names and sizes of all files in the model, wanted or not."""
        return tuple(RemoteFile(path, self._entries[whole].size) for path, whole in self._model())

    def into(self, files: Path, others: Iterable[str], names: Container[str]) -> list[ManifestFile]:
        """Put the wanted files into *files* and return them; Unavailable names every fault.

        *others*: names of files that are already there; *names*: of the wanted ones.
        """
        wanted = [(path, whole) for path, whole in self._model() if path in names]
        checked((*others, *(path for path, _ in wanted)))
        resolved = [(path, self._followed(whole)) for path, whole in wanted]
        if wrong := [f"{quoted(path)}: {e.wrong}" for path, e in resolved if e.wrong]:
            raise Unavailable("\n".join(wrong))
        for path, entry in resolved:
            place = files / path
            place.parent.mkdir(parents=True, exist_ok=True)
            if entry.content:
                _put(entry.content, place)
        return [e.digests.of(path, e.size) for path, e in resolved if e.digests]

    def _model(self) -> list[tuple[str, str]]:
        """Return pairs: the name in the model, and the name in the image."""
        below = [path for path in self._entries if path.startswith(_ROOT)]
        named = [(path.removeprefix(_ROOT), path) for path in sorted(below or self._entries)]
        # A manifest in the image is another store's. The model gets a new one.
        return [(path, whole) for path, whole in named if path != MANIFEST]

    def _followed(self, name: str) -> _Entry:
        """Return the file that a name leads to, after all links; *wrong* says why there is none."""
        inside = any(path.startswith(_ROOT) for path in self._entries)
        entry, seen = self._entries[name], {name}
        while entry.link is not None and not entry.wrong:
            if inside and not entry.link.startswith(_ROOT):
                leads = quoted(entry.link)
                return _Entry(0, wrong=f"is a link that leads out of the model, to {leads}")
            if entry.link in seen or entry.link not in self._entries:
                return _Entry(
                    0, wrong=f"is a link to {quoted(entry.link)}, which is not a file of the image"
                )
            seen.add(entry.link)
            entry = self._entries[entry.link]
        if not entry.wrong and not entry.content:
            return _Entry(
                0, wrong="is a link to a file that is not wanted: allow that too with --allow"
            )
        return entry


def _put(content: Path, place: Path) -> None:
    """Give a file a second name, or a copy: several names in an image may lead to it."""
    try:
        os.link(content, place)
    except OSError:  # without hard links
        shutil.copyfile(content, place)


def _climbs(start: str, target: str) -> bool:
    """Whether a link leads above the root of the image."""
    if target.startswith("/"):
        return posixpath.normpath(target.lstrip("/")).startswith("..")
    return posixpath.normpath(posixpath.join(start, target)).startswith("..")


def _decompressed(file: IO[bytes]) -> _Readable:
    begins = file.read(4)
    file.seek(0)
    if begins == _ZSTD:
        raise Unavailable("is compressed with zstd: this version reads tar, with gzip or without")
    return gzip.GzipFile(fileobj=file) if begins.startswith(_GZIP) else file
