"""Compute the digests of a file while it arrives, and compare them with the source's."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

from webhook.loading.origins.origin import Changed, RemoteFile
from webhook.store.digests import Digests
from webhook.store.manifest import ManifestFile

_BLOCK: Final = 2**20


class Digest:
    """The digests of the bytes so far: those of the manifest, and those that the source gives."""

    def __init__(self, file: RemoteFile) -> None:
        self._file = file
        self._digests = Digests()
        self._blob = None
        if file.blob and not file.sha256 and file.size is not None:
            # gitformat: an object is its kind, its length, a NUL and the content.
            self._blob = hashlib.sha1(b"blob %d\0" % file.size, usedforsecurity=False)
        self._md5 = hashlib.md5(usedforsecurity=False) if file.md5 and not file.sha256 else None
        self.size = 0
        """Bytes so far."""

    def update(self, block: bytes) -> None:
        """Add the next bytes; Changed if there are more than announced."""
        self.size += len(block)
        if self._file.size is not None and self.size > self._file.size:
            raise Changed(f"more than the announced {self._file.size} bytes arrived")
        self._digests.update(block)
        if self._blob:
            self._blob.update(block)
        if self._md5:
            self._md5.update(block)

    def feed(self, path: Path, before: Callable[[], None]) -> None:
        """Add the bytes of a stored file; *before* is called before each block."""
        with path.open("rb") as stored:
            while block := stored.read(_BLOCK):
                before()
                self.update(block)

    def checked(self) -> ManifestFile:
        """Return the entry for the manifest; Changed if a digest is not the announced one."""
        found = self._digests.of(self._file.path, self.size)
        if self._file.sha256 and found.sha256 != self._file.sha256:
            raise Changed(f"its sha256 is {found.sha256}, but {self._file.sha256} was announced")
        if self._blob and (blob := self._blob.hexdigest()) != self._file.blob:
            raise Changed(f"its git object is {blob}, but {self._file.blob} was announced")
        if self._md5 and (md5 := self._md5.hexdigest()) != self._file.md5:
            raise Changed(f"its MD5 is {md5}, but {self._file.md5} was announced")
        return found


class Part:
    """What has arrived of a file, with its digests.

    What an earlier loader left is read for them, once. What arrives is added as it is written.
    """

    def __init__(self, file: RemoteFile, path: Path) -> None:
        self.file, self.path = file, path
        self._digest: Digest | None = None

    def digest(self, before: Callable[[], None]) -> Digest:
        """Return the digests of all bytes; *before* is called before each block that is read."""
        self.path.touch()
        if self._digest is None or self._digest.size != self.path.stat().st_size:
            self._digest = Digest(self.file)
            self._digest.feed(self.path, before)
        return self._digest

    def restart(self) -> Digest:
        """Return digests of nothing: the caller removes the bytes."""
        self._digest = Digest(self.file)
        return self._digest

    def remove(self) -> None:
        """Remove the bytes."""
        self.path.unlink()
        self._digest = None
