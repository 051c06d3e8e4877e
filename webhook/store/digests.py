"""Compute the digests of a file for its manifest.

Sources announce sha256, and people compare it. Copies into memory use blake3, because sha256 would
slow them down: blake3 is several times as fast, and as strong.
"""

import hashlib
from typing import Final

from blake3 import blake3

from webhook.store.manifest import ManifestFile


class Digests:
    """The digests of the bytes taken so far."""

    def __init__(self) -> None:
        self._sha256: Final = hashlib.sha256()
        self._blake3: Final = blake3()

    def update(self, block: bytes) -> None:
        """Take the next bytes."""
        self._sha256.update(block)
        self._blake3.update(block)

    def of(self, path: str, size: int) -> ManifestFile:
        """Return the file's entry in the manifest, once all its *size* bytes have been taken."""
        return ManifestFile(path, size, self._sha256.hexdigest(), self._blake3.hexdigest())
