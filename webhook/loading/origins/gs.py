"""Objects of Google Cloud Storage below a prefix: gcsfs knows who we are, and where they lie.

The bytes are read here: gcsfs holds whole answers in memory, and its retries know no Retry-After.
"""

import base64
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Final
from urllib.parse import quote, urlencode

import msgspec
from gcsfs.core import GCSFileSystem
from gcsfs.retry import HttpError, NonRetryableError  # what its credentials raise
from google.auth.exceptions import DefaultCredentialsError, GoogleAuthError, TransportError

from webhook.loading.origins.bucket import bucket_and_prefix, snapshot
from webhook.loading.origins.http_body import body, http_client, refused, shown, told_apart
from webhook.loading.origins.http_status import CREDENTIALS
from webhook.loading.origins.origin import (
    Access,
    Body,
    Changed,
    Interrupted,
    Missing,
    RemoteFile,
    Snapshot,
    Unavailable,
)
from webhook.models.source import Source

_FIELDS: Final = "items(name,size,etag,generation,md5Hash),nextPageToken"


class _Object(msgspec.Struct, rename="camel"):
    name: str
    size: str
    etag: str
    generation: str
    md5_hash: str = ""
    """Base64; objects that were composed of parts have none."""


class _Page(msgspec.Struct, rename="camel"):
    items: list[_Object] = []
    next_page_token: str = ""


class GoogleStorage:
    """The objects of one bucket whose names begin with one prefix."""

    def __init__(self, source: Source, _access: Access) -> None:
        self._uri = source.uri
        self._bucket, self._prefix = bucket_and_prefix(source.uri)
        self._client = http_client()
        self._generations: dict[str, str] = {}

    @cached_property
    def _system(self) -> GCSFileSystem:
        with _told_apart(self._uri):
            try:
                return _files("google_default")
            except DefaultCredentialsError:
                if os.environ.get("GOOGLE_APPLICATION_CREDENTIALS"):
                    raise
                return _files("anon")  # a bucket that everyone may read needs none

    def snapshot(self) -> Snapshot:
        """Return the objects; the commit is the digest of their names and ETags."""
        return snapshot(self._uri, self._prefix, self._listed())

    @contextmanager
    def open(self, file: RemoteFile, start: int) -> Iterator[Body]:
        """Yield the very generation of an object that snapshot() found; Changed if it has gone."""
        name = quote(self._prefix + file.path, safe="")
        asked = urlencode({"alt": "media", "generation": self._generations[file.path]})
        url = f"{self._place()}/download/storage/v1/b/{quote(self._bucket)}/o/{name}?{asked}"
        # The generation says which bytes; an answer writes the ETag in another way.
        try:
            with body(self._client, url, self._headers(), start, None, CREDENTIALS) as opened:
                yield opened
        except Missing as error:
            raise Changed(f"{shown(url)}: is another by now, or gone") from error

    def close(self) -> None:
        """End connections."""
        self._client.close()

    def _listed(self) -> Iterator[RemoteFile]:
        asked = {"prefix": self._prefix, "fields": _FIELDS, "maxResults": "1000"}
        while True:
            page = self._page(asked)
            for one in page.items:
                self._generations[one.name.removeprefix(self._prefix)] = one.generation
                md5 = base64.b64decode(one.md5_hash).hex() or None
                yield RemoteFile(one.name, int(one.size), md5=md5, etag=one.etag)
            if not page.next_page_token:
                return
            asked["pageToken"] = page.next_page_token

    def _page(self, asked: dict[str, str]) -> _Page:
        url = f"{self._place()}/storage/v1/b/{quote(self._bucket)}/o?{urlencode(asked)}"
        with told_apart(url):
            answer = self._client.get(url, headers=self._headers())
        refused(url, answer, CREDENTIALS)
        try:
            return msgspec.json.decode(answer.content, type=_Page)
        except msgspec.MsgspecError as error:
            raise Unavailable(f"{shown(url)}: lists no objects: {error}") from error

    def _place(self) -> str:
        """Return scheme and host: STORAGE_EMULATOR_HOST, or the one of our universe."""
        return str(self._system.url("bucket/object")).partition("/download/")[0]

    def _headers(self) -> dict[str, str]:
        found: dict[str, str] = {}
        with _told_apart(self._uri):
            self._system.credentials.apply(found)
        return found


def _files(token: str) -> GCSFileSystem:
    return GCSFileSystem(token=token, access="read_only", skip_instance_cache=True)


@contextmanager
def _told_apart(uri: str) -> Iterator[None]:
    """Raise Interrupted or Unavailable for what credentials raise; their texts may hold secrets."""
    try:
        yield
    except TransportError as error:
        raise Interrupted(f"{uri}: who gives credentials does not answer") from error
    except (GoogleAuthError, HttpError, NonRetryableError) as error:
        raise Unavailable(
            f"{uri}: no credentials could be had ({type(error).__name__}): see "
            "GOOGLE_APPLICATION_CREDENTIALS, or the identity of this pod or machine"
        ) from error
