"""Objects of S3 below a prefix; s3fs finds credentials, regions and endpoints as AWS's tools do.

Only its calls are used: its files read whole blocks ahead, and its retries ignore Retry-After.
"""

import re
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final, NoReturn

import aiohttp
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004  # its name in botocore
    FlexibleChecksumError,
    HTTPClientError,
    IncompleteReadError,
    NoCredentialsError,
    ProxyConnectionError,
)
from fsspec.asyn import sync
from fsspec.exceptions import FSTimeoutError
from s3fs import S3FileSystem

from webhook.loading.origins.addresses import server
from webhook.loading.origins.bucket import bucket_and_prefix, snapshot
from webhook.loading.origins.credentials import credential, in_variable
from webhook.loading.origins.http_status import (
    CREDENTIALS,
    PROXY_MEANS,
    SECONDS,
    first_byte,
    refuse,
)
from webhook.loading.origins.origin import (
    Access,
    Body,
    Changed,
    Interrupted,
    RemoteFile,
    Snapshot,
    Unavailable,
)
from webhook.loading.origins.tls import lasting
from webhook.models.source import Source
from webhook.values.text import without_credentials

_CREDENTIALS: Final = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
_ENDPOINTS: Final = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3")
_MOST_PARALLEL: Final = 64
"""Connections: the most that --parallel may be."""
_BLOCK: Final = 2**18
_MD5: Final = re.compile(r'"?([0-9a-f]{32})"?')
_NOBODY: Final = dict.fromkeys(
    (401, 403),
    ": it is not public, and there are no credentials: give AWS_ACCESS_KEY_ID and "
    "AWS_SECRET_ACCESS_KEY, a profile, or an identity of the pod or machine",
)
_AGAIN: Final = frozenset({"RequestTimeout", "RequestTimeTooSkewed", "SlowDown", "Throttling"})
"""Codes that mean another attempt, even with status 400 or 403."""


class S3:
    """The objects of one bucket whose names begin with one prefix."""

    def __init__(self, source: Source, _access: Access) -> None:
        self._uri = source.uri
        self._bucket, self._prefix = bucket_and_prefix(source.uri)
        for name in _CREDENTIALS:
            in_variable(name)
        for name in _ENDPOINTS:
            server(name, in_variable(name, secret=False))
        self._system = _files()
        self._nobody = False
        """Whether there are no credentials: a public bucket needs none."""

    def snapshot(self) -> Snapshot:
        """Return the objects; the commit is the digest of their names and ETags."""
        with self._translated(self._uri):
            if not self._nobody:
                self._check_credentials()
            asked = bucket_and_prefix(self._uri)[1]
            try:
                found, self._prefix = snapshot(self._uri, asked, self._listed)
            except NoCredentialsError:
                self._system, self._nobody = _files(anon=True), True
                found, self._prefix = snapshot(self._uri, asked, self._listed)
            with ThreadPoolExecutor(16) as pool:
                return replace(found, files=tuple(pool.map(self._with_md5, found.files)))

    @contextmanager
    def open(self, file: RemoteFile, start: int) -> Iterator[Body]:
        """Yield an object, if it still has the ETag that snapshot() found."""
        asked = {"Range": f"bytes={start}-"} if start else {}
        what = f"{self._uri}/{file.path}"
        with self._translated(what):
            answer = self._call("get_object", file, **asked)
            body = answer["Body"]
            try:
                code = answer["ResponseMetadata"]["HTTPStatusCode"]
                begins = first_byte(what, code, answer.get("ContentRange", ""), start)
                # Bytes as they arrive: this does not wait for a whole block.
                blocks = iter(lambda: sync(self._system.loop, body.read, _BLOCK), b"")
                yield Body(begins, blocks)
            finally:
                sync(self._system.loop, body.aclose)

    def close(self) -> None:
        """Close connections: s3fs does that once nothing refers to it."""
        del self._system

    def _check_credentials(self) -> None:
        """Raise Unavailable if credentials, wherever they are found, can't be sent."""
        loop = self._system.loop
        sync(loop, self._system.set_session)
        if found := sync(loop, self._system.session.get_credentials):
            frozen = sync(loop, found.get_frozen_credentials)
            for part in (frozen.access_key, frozen.secret_key, frozen.token):
                credential(part or "", f"{self._uri}: the credentials of {found.method}")

    def _listed(self, prefix: str) -> Iterator[RemoteFile]:
        token: dict[str, str] = {}
        while True:
            page = self._system.call_s3(
                "list_objects_v2", Bucket=self._bucket, Prefix=prefix, **token
            )
            for one in page.get("Contents", ()):
                yield RemoteFile(one["Key"], one["Size"], etag=one["ETag"])
            if not page.get("IsTruncated"):
                return
            token = {"ContinuationToken": page["NextContinuationToken"]}

    def _with_md5(self, file: RemoteFile) -> RemoteFile:
        """Return *file* with its MD5, if its ETag is one.

        AWS, "Checking object integrity": it is, if the object was uploaded in one piece, is not in
        a directory bucket, and is not encrypted with a key of KMS or of the customer.
        """
        found = _MD5.fullmatch(file.etag or "")
        if not found or self._bucket.endswith("--x-s3"):
            return file
        head = self._call("head_object", file)
        plain = head.get("ServerSideEncryption", "AES256") == "AES256"
        plain = plain and "SSECustomerAlgorithm" not in head
        return replace(file, md5=found[1]) if plain else file

    def _call(self, method: str, file: RemoteFile, **asked: str) -> dict[str, Any]:
        key = self._prefix + file.path
        found: dict[str, Any] = self._system.call_s3(
            method, Bucket=self._bucket, Key=key, IfMatch=file.etag, **asked
        )
        return found

    @contextmanager
    def _translated(self, what: str) -> Iterator[None]:
        """Turn errors of s3fs and botocore into Interrupted, Changed or Unavailable."""
        try:
            yield
        except FlexibleChecksumError as error:
            raise Changed(f"{what}: does not match its checksum") from error
        except ProxyConnectionError as error:
            status = str(getattr(error.kwargs.get("error"), "status", ""))
            if why := PROXY_MEANS.get(status):
                raise Unavailable(f"{what}: the proxy answered {status}: {why}") from error
            raise Interrupted(f"{what}: {_text(error)}") from error
        except (ConnectionError, HTTPClientError, IncompleteReadError) as error:
            if why := lasting(error, "AWS_CA_BUNDLE"):
                raise Unavailable(f"{what}: {why}") from error
            raise Interrupted(f"{what}: {_text(error)}") from error
        except BotoCoreError as error:
            raise Unavailable(f"{what}: {_text(error)}") from error
        except aiohttp.ClientError as error:
            raise Interrupted(f"{what}: {_text(error)}") from error
        except (OSError, ClientError) as error:
            if answer := _answer(error):
                _refused(what, answer, _NOBODY if self._nobody else CREDENTIALS)
            if isinstance(error, FSTimeoutError):
                raise Interrupted(f"{what}: does not answer in time") from error
            raise


def _files(*, anon: bool = False) -> S3FileSystem:
    found = S3FileSystem(
        anon=anon,
        skip_instance_cache=True,
        use_listings_cache=False,
        config_kwargs={
            "connect_timeout": SECONDS,
            "read_timeout": SECONDS,
            "max_pool_connections": _MOST_PARALLEL,
            "retries": {"total_max_attempts": 1},
        },
    )
    found.retries = 1  # attempts; webhook.loading.patience makes more
    return found


def _answer(error: BaseException | None) -> ClientError | None:
    """Return the answer in an error of s3fs or fsspec, which wrap it; None if there is none."""
    while error and not isinstance(error, ClientError):
        error = error.__cause__
    return error


def _text(error: Exception) -> str:
    """Return what *error* says, without the users and passwords of URLs."""
    return without_credentials(str(error)) or type(error).__name__


def _refused(what: str, error: ClientError, means: Mapping[int, str]) -> NoReturn:
    """Raise an error for an answer of S3, without its text, which may contain who asked."""
    answer: Any = error.response
    code = answer["ResponseMetadata"].get("HTTPStatusCode", 0)
    said = answer["Error"].get("Code", "")
    named = f"{what} ({said})" if re.fullmatch(r"[A-Za-z]{1,60}", said) else what
    headers = answer["ResponseMetadata"].get("HTTPHeaders", {})
    refuse(named, 503 if said in _AGAIN else code, headers, means)
    raise Unavailable(f"{named}: answered {code}") from error
