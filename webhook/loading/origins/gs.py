"""Objects of Google Cloud Storage below a prefix; gcsfs finds the credentials and the host.

The bytes are read here, since gcsfs keeps whole answers in memory and ignores Retry-After.
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
from gcsfs.retry import HttpError, NonRetryableError  # raised by its credentials
from google.auth.exceptions import DefaultCredentialsError, GoogleAuthError, TransportError

from webhook.loading.origins.bucket import bucket_and_prefix, snapshot
from webhook.loading.origins.http_body import body, http_client, refused, shown, translated
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
from webhook.loading.origins.tls import lasting
from webhook.models.source import Source
from webhook.terminal.hiding import hide

_FIELDS: Final = "items(name,size,etag,generation,md5Hash),nextPageToken"


class _Object(msgspec.Struct, rename="camel"):
    name: str
    size: str
    etag: str
    generation: str
    md5_hash: str = ""
    """Base64; an object that was composed of parts has none."""


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
        with _translated(self._uri):
            try:
                return _files("google_default")
            except DefaultCredentialsError:
                if os.environ.get("GOOGLE_APPLICATION_CREDENTIALS"):
                    raise
                return _files("anon")  # a public bucket needs no credentials

    def snapshot(self) -> Snapshot:
        """Return the objects; the commit is the digest of their names and ETags."""
        asked = bucket_and_prefix(self._uri)[1]
        found, self._prefix = snapshot(self._uri, asked, self._listed)
        return found

    @contextmanager
    def open(self, file: RemoteFile, start: int) -> Iterator[Body]:
        """Yield the generation of an object that snapshot() found; Changed if it is gone."""
        name = quote(self._prefix + file.path, safe="")
        asked = urlencode(
            {"alt": "media", "generation": self._generations[self._prefix + file.path]}
        )
        url = f"{self._place()}/download/storage/v1/b/{quote(self._bucket)}/o/{name}?{asked}"
        # No ETag is compared: the generation is exact, and answers write the ETag differently.
        try:
            with body(self._client, url, self._headers(), start, None, CREDENTIALS) as opened:
                yield opened
        except Missing as error:
            raise Changed(f"{shown(url)}: has changed since it was listed, or is gone") from error

    def close(self) -> None:
        """Close connections."""
        self._client.close()

    def _listed(self, prefix: str) -> Iterator[RemoteFile]:
        asked = {"prefix": prefix, "fields": _FIELDS, "maxResults": "1000"}
        while True:
            page = self._page(asked)
            for one in page.items:
                self._generations[one.name] = one.generation
                md5 = base64.b64decode(one.md5_hash).hex() or None
                yield RemoteFile(one.name, int(one.size), md5=md5, etag=one.etag)
            if not page.next_page_token:
                return
            asked["pageToken"] = page.next_page_token

    def _page(self, asked: dict[str, str]) -> _Page:
        url = f"{self._place()}/storage/v1/b/{quote(self._bucket)}/o?{urlencode(asked)}"
        with translated(url):
            answer = self._client.get(url, headers=self._headers())
        refused(url, answer, CREDENTIALS)
        try:
            return msgspec.json.decode(answer.content, type=_Page)
        except msgspec.MsgspecError as error:
            raise Unavailable(f"{shown(url)}: is not a list of objects: {error}") from error

    def _place(self) -> str:
        """Return scheme and host: STORAGE_EMULATOR_HOST, or the one for the credentials."""
        return str(self._system.url("bucket/object")).partition("/download/")[0]

    def _headers(self) -> dict[str, str]:
        found: dict[str, str] = {}
        with _translated(self._uri):
            self._system.credentials.apply(found)
        for value in found.values():
            hide(value.rpartition(" ")[2])
        return found


def _files(token: str) -> GCSFileSystem:
    return GCSFileSystem(token=token, access="read_only", skip_instance_cache=True)


@contextmanager
def _translated(uri: str) -> Iterator[None]:
    """Turn errors of the credentials into ours, without their texts, which may contain secrets."""
    try:
        yield
    except TransportError as error:
        if why := lasting(error, "REQUESTS_CA_BUNDLE"):
            raise Unavailable(f"{uri}: the server that issues credentials: {why}") from error
        raise Interrupted(f"{uri}: the server that issues credentials does not answer") from error
    except (GoogleAuthError, HttpError, NonRetryableError) as error:
        raise Unavailable(
            f"{uri}: can't get credentials ({type(error).__name__}): check "
            "GOOGLE_APPLICATION_CREDENTIALS, or the identity of this pod or machine"
        ) from error
