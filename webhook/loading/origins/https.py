"""One file at an https URL: the end of the path is its name, the ETag its identity."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

from webhook.loading.origins.http_body import body, http_client, refused, shown, translated
from webhook.loading.origins.origin import Access, Body, RemoteFile, Snapshot, Unavailable
from webhook.models.source import Source


class Https:
    """One URL; it has neither user nor query, since secrets don't belong there."""

    def __init__(self, source: Source, _access: Access) -> None:
        self._url = source.uri
        self._client = http_client()

    def snapshot(self) -> Snapshot:
        """Return the file; the commit is the digest of its ETag, or else of date and size."""
        with (
            translated(self._url),
            self._client.stream("GET", self._url, headers={"Accept-Encoding": "identity"}) as said,
        ):
            refused(self._url, said)
            headers = said.headers
        length = headers.get("content-length", "")
        etag = headers.get("etag", "")
        modified = headers.get("last-modified", "")
        if not (etag or modified):
            raise Unavailable(
                f"{shown(self._url)}: answers with neither ETag nor Last-Modified, so its "
                "versions can't be distinguished"
            )
        identity = etag or f"{modified}\n{length}"
        name = self._url.rstrip("/").rpartition("/")[2]
        size = int(length) if length.isdecimal() else None
        commit = hashlib.sha256(identity.encode()).hexdigest()
        return Snapshot(commit, (RemoteFile(name, size=size, etag=etag or None),))

    def close(self) -> None:
        """Close connections."""
        self._client.close()

    @contextmanager
    def open(self, file: RemoteFile, start: int) -> Iterator[Body]:
        """Yield the file from byte *start* on; Changed if its ETag has changed."""
        with body(self._client, self._url, {}, start, file.etag) as opened:
            yield opened
