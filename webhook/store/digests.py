"""The digests that a manifest has of a file.

sha256 is what sources announce and people compare. blake3 is for copies into memory, which sha256
would slow down: it is several times as fast, and no weaker.
"""

import hashlib
from typing import Final

from blake3 import blake3

from webhook.store.manifest import ManifestFile


class Digests:
    """What the bytes so far add up to."""

    def __init__(self) -> None:
        self._sha256: Final = hashlib.sha256()
        self._blake3: Final = blake3()

    def update(self, block: bytes) -> None:
        """Take the next bytes."""
        self._sha256.update(block)
        self._blake3.update(block)

    def of(self, path: str, size: int) -> ManifestFile:
        """Return what the manifest says of the file, once all its *size* bytes have been taken."""
        return ManifestFile(path, size, self._sha256.hexdigest(), self._blake3.hexdigest())
