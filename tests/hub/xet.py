"""The Xet storage of the Hub: a folder of the library's own format, reached as local://."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from tests.hub.repositories import Blob, Commit, File

TOKEN = "token-of-the-storage"


class XetStorage:
    """Stores files under hashes of hf_xet, when they are first requested."""

    def __init__(self, folder: Path) -> None:
        self.endpoint = f"local://{folder.absolute() / 'xet'}"
        self._hashes: dict[str, str] = {}
        self._lock = threading.Lock()

    def hash_of(self, file: File, commit: Commit, opened: Callable[[Blob], BinaryIO]) -> str:
        """Return the hash of *file*.

        All large files of the commit are stored at once, since a reader blocks writers.
        """
        with self._lock:
            if file.blob.sha256 not in self._hashes:
                import hf_xet  # noqa: PLC0415  # it opens a log, and few Hubs offer Xet

                blobs = [one.blob for one in commit.files.values() if one.lfs]
                contents = []
                for blob in blobs:
                    with opened(blob) as content:
                        contents.append(content.read())
                put = hf_xet.upload_bytes(contents, self.endpoint, None, None, None, None)
                names = (blob.sha256 for blob in blobs)
                self._hashes |= dict(zip(names, (one.hash for one in put), strict=True))
            return self._hashes[file.blob.sha256]

    def token(self) -> dict[str, str | int]:
        """Return a token to read from the storage for an hour."""
        return {"accessToken": TOKEN, "exp": int(time.time()) + 3600, "casUrl": self.endpoint}
