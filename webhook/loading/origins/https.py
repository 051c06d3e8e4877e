"""A file behind an https URL: its name is the last of the path, its identity the server's ETag."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

from webhook.loading.origins.http_body import body, http_client, refused, shown, told_apart
from webhook.loading.origins.origin import Access, Body, RemoteFile, Snapshot, Unavailable
from webhook.models.source import Source


class Https:
    """One URL, without user and query: secrets don't belong there."""

    def __init__(self, source: Source, _access: Access) -> None:
        self._url = source.uri
        self._client = http_client()

    def snapshot(self) -> Snapshot:
        """Return the file; its commit is the digest of its ETag, or of date and size."""
        with (
            told_apart(self._url),
            self._client.stream("GET", self._url, headers={"Accept-Encoding": "identity"}) as said,
        ):
            refused(self._url, said)
            headers = said.headers
        length = headers.get("content-length", "")
        etag = headers.get("etag", "")
        modified = headers.get("last-modified", "")
        if not (etag or modified):
            raise Unavailable(
                f"{shown(self._url)}: answers with neither ETag nor Last-Modified: nothing tells "
                "one version from another"
            )
        identity = etag or f"{modified}\n{length}"
        name = self._url.rstrip("/").rpartition("/")[2]
        size = int(length) if length.isdecimal() else None
        commit = hashlib.sha256(identity.encode()).hexdigest()
        return Snapshot(commit, (RemoteFile(name, size=size, etag=etag or None),))

    def close(self) -> None:
        """End connections."""
        self._client.close()

    @contextmanager
    def open(self, file: RemoteFile, start: int) -> Iterator[Body]:
        """Yield the file; Changed if it is another by now."""
        with body(self._client, self._url, {}, start, file.etag) as opened:
            yield opened
