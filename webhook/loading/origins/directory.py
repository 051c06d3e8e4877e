"""A directory of this machine as a source: a model of another store, or one without a manifest.

A model with a manifest keeps its name and commit, so that a claim can fill the cache of a node. So
does a model in a Hugging Face cache.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Final
from urllib.parse import unquote

import msgspec

from webhook.loading.origins.file_names import MOST
from webhook.loading.origins.origin import Access, Body, RemoteFile, Snapshot, Unavailable
from webhook.models.layout import MANIFEST
from webhook.models.source import Source, parse_source
from webhook.store.cached_snapshots import cached_snapshot, sha256_of_blob
from webhook.store.manifest import Manifest, read_manifest
from webhook.store.tree import below, ends_inside

_BLOCK: Final = 2**20


class Directory:
    """One directory."""

    def __init__(self, source: Source, _access: Access) -> None:
        """ValueError if its URI is not file:// and an absolute path."""
        self.path = Path(source.uri.removeprefix("file://"))
        if not self.path.is_absolute():
            home = self.path.parts[:1] == ("~",)
            why = f", and no shell replaces ~ here: {Path.home()}" if home else ""
            raise ValueError(f"file://{self.path}: must be file:// and an absolute path{why}")
        # In a Hugging Face cache, the files are links to blobs outside their folder.
        self._cached = cached_snapshot(self.path)
        self.path = self._cached.directory if self._cached else self.path
        self._root = self._cached.cache if self._cached else self.path

    def source(self) -> Source:
        """Return the source that its manifest names, or else the directory itself."""
        if self._cached:
            return self._cached.source
        manifest = self._manifest()
        stored = manifest.source if manifest else ""
        if stored and not stored.startswith("file://"):
            try:
                return parse_source(stored)
            except ValueError as error:
                raise Unavailable(f"{self.path}: the manifest's source: {error}") from error
        uri = stored or f"file://{self.path.resolve()}"
        return Source(uri=uri, repository=None, revision=None)

    def snapshot(self) -> Snapshot:
        """Return the files that the manifest lists, or else all files.

        Without a commit in a manifest, the digest of names, sizes and times is the commit.
        """
        if not self.path.is_dir():
            raise Unavailable(f"{self.path}: is not a directory{self._meant()}")
        if manifest := self._manifest():
            files = tuple(RemoteFile(f.path, f.size, f.sha256) for f in manifest.files)
            return Snapshot(manifest.commit or _commit(files), files)
        found = [(path, path.stat()) for path in sorted(self._paths())]
        files = tuple(
            RemoteFile(
                str(path.relative_to(self.path)),
                stat.st_size,
                sha256=sha256_of_blob(path) if self._cached else None,
                etag=f"{stat.st_mtime_ns}",
            )
            for path, stat in found
        )
        return Snapshot(self._cached.commit if self._cached else _commit(files), files)

    def close(self) -> None:
        """No-op: there are no connections."""

    def _manifest(self) -> Manifest | None:
        try:
            return read_manifest(self.path / MANIFEST)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError) as error:
            raise Unavailable(f"{self.path / MANIFEST}: can't be read: {error}") from error

    def _meant(self) -> str:
        """Return which directory may be meant, if the path was written as in a URL."""
        meant = unquote(str(self.path))
        if meant == str(self.path) or not Path(meant).is_dir():
            return ""
        return f": the path is taken as it is written, without % codes: write file://{meant}"

    def _paths(self) -> list[Path]:
        """Return all files, those in linked folders too; Unavailable names what can't be loaded."""
        unread: list[OSError] = []
        tree = below(self.path, lambda link: ends_inside(link, self.path), unread.append)
        # One more than a model may have: the caller refuses that, and links can multiply files.
        paths = list(islice(tree, MOST + 1))
        faults = [f"{error.filename}: {error.strerror}" for error in unread]
        faults += [f"{path}: {fault}" for path in paths if (fault := self._fault(path))]
        if faults:
            raise Unavailable("\n".join(faults))
        return paths

    def _fault(self, path: Path) -> str:
        """Return why a path can't be loaded; empty if it can."""
        if path.is_dir() and ends_inside(path, self.path):
            return "is a link to a folder that it is in"
        if path.is_dir():
            end = path.resolve()
            return f"is a link that leads out of {self.path}, to {end}: put a copy in its place"
        return "" if path.is_file() else "is neither a file nor a link to one"

    @contextmanager
    def open(self, file: RemoteFile, start: int) -> Iterator[Body]:
        """Yield a file from byte *start* on; Unavailable if it leads out of the directory."""
        path = self.path / file.path
        if not path.resolve().is_relative_to(self._root.resolve()):
            raise Unavailable(f"{path}: leads out of {self._root}")
        try:
            content = path.open("rb")
        except OSError as error:
            raise Unavailable(f"{path}: {error.strerror}") from error
        with content:
            content.seek(start)
            yield Body(start, iter(lambda: content.read(_BLOCK), b""))


def _commit(files: tuple[RemoteFile, ...]) -> str:
    """Return a digest of names, sizes and times, which needs no reading of the files."""
    listed = "".join(f"{file.path}\0{file.size}\0{file.etag}\n" for file in files)
    return hashlib.sha256(listed.encode()).hexdigest()
