"""Objects of S3 below a prefix, through s3fs: credentials, regions, endpoints as AWS has them.

Of s3fs, calls alone: its files read ahead whole blocks, and its retries know no Retry-After.
"""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final, NoReturn

import aiohttp
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004  # its name there
    FlexibleChecksumError,
    HTTPClientError,
    IncompleteReadError,
)
from fsspec.asyn import sync
from fsspec.exceptions import FSTimeoutError
from s3fs import S3FileSystem

from webhook.loading.origins.bucket import bucket_and_prefix, snapshot
from webhook.loading.origins.http_status import CREDENTIALS, SECONDS, first_byte, refuse
from webhook.loading.origins.origin import (
    Access,
    Body,
    Changed,
    Interrupted,
    RemoteFile,
    Snapshot,
    Unavailable,
)
from webhook.models.source import Source

_MOST_PARALLEL: Final = 64
"""Connections: as many as --parallel may ask for."""
_BLOCK: Final = 2**18
_MD5: Final = re.compile(r'"?([0-9a-f]{32})"?')
_AGAIN: Final = frozenset({"RequestTimeout", "RequestTimeTooSkewed", "SlowDown", "Throttling"})
"""Codes that come with 400 or 403 too."""


class S3:
    """The objects of one bucket whose names begin with one prefix."""

    def __init__(self, source: Source, _access: Access) -> None:
        self._uri = source.uri
        self._bucket, self._prefix = bucket_and_prefix(source.uri)
        self._system = S3FileSystem(
            skip_instance_cache=True,
            use_listings_cache=False,
            config_kwargs={
                "connect_timeout": SECONDS,
                "read_timeout": SECONDS,
                "max_pool_connections": _MOST_PARALLEL,
                "retries": {"total_max_attempts": 1},
            },
        )
        self._system.retries = 1  # attempts; webhook.loading.patience makes them

    def snapshot(self) -> Snapshot:
        """Return the objects; the commit is the digest of their names and ETags."""
        with self._told_apart(self._uri):
            found = snapshot(self._uri, self._prefix, self._listed())
            with ThreadPoolExecutor(16) as pool:
                return replace(found, files=tuple(pool.map(self._with_md5, found.files)))

    @contextmanager
    def open(self, file: RemoteFile, start: int) -> Iterator[Body]:
        """Yield an object, if it still has the ETag that snapshot() found."""
        asked = {"Range": f"bytes={start}-"} if start else {}
        what = f"{self._uri}/{file.path}"
        with self._told_apart(what):
            answer = self._call("get_object", file, **asked)
            body = answer["Body"]
            try:
                code = answer["ResponseMetadata"]["HTTPStatusCode"]
                begins = first_byte(what, code, answer.get("ContentRange", ""), start)
                # As they arrive: a whole block is not waited for.
                blocks = iter(lambda: sync(self._system.loop, body.read, _BLOCK), b"")
                yield Body(begins, blocks)
            finally:
                sync(self._system.loop, body.aclose)

    def close(self) -> None:
        """End connections; s3fs does that when nothing needs them any more."""
        del self._system

    def _listed(self) -> Iterator[RemoteFile]:
        token: dict[str, str] = {}
        while True:
            page = self._system.call_s3(
                "list_objects_v2", Bucket=self._bucket, Prefix=self._prefix, **token
            )
            for one in page.get("Contents", ()):
                yield RemoteFile(one["Key"], one["Size"], etag=one["ETag"])
            if not page.get("IsTruncated"):
                return
            token = {"ContinuationToken": page["NextContinuationToken"]}

    def _with_md5(self, file: RemoteFile) -> RemoteFile:
        """Return *file* with its MD5, if its ETag is one.

        AWS, "Checking object integrity": of an object in one piece, not in a directory bucket, and
        neither encrypted with a key of KMS nor with one of the customer's.
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
    def _told_apart(self, what: str) -> Iterator[None]:
        """Raise Interrupted, Changed or Unavailable for what s3fs and botocore raise."""
        try:
            yield
        except FlexibleChecksumError as error:
            raise Changed(f"{what}: is not what its checksum says") from error
        except (ConnectionError, HTTPClientError, IncompleteReadError) as error:
            raise Interrupted(f"{what}: {_told(error)}") from error
        except BotoCoreError as error:
            raise Unavailable(f"{what}: {error}") from error
        except aiohttp.ClientError as error:
            raise Interrupted(f"{what}: {_told(error)}") from error
        except (OSError, ClientError) as error:
            if answer := _answer(error):
                _refused(what, answer)
            if isinstance(error, FSTimeoutError):
                raise Interrupted(f"{what}: does not answer in time") from error
            raise


def _answer(error: BaseException | None) -> ClientError | None:
    """Return the answer that an error is about; s3fs and fsspec put others around it."""
    while error and not isinstance(error, ClientError):
        error = error.__cause__
    return error


def _told(error: Exception) -> str:
    return str(error) or type(error).__name__


def _refused(what: str, error: ClientError) -> NoReturn:
    """Raise what an answer of S3 means; its text is left out, for it may say who asked."""
    answer: Any = error.response
    code = answer["ResponseMetadata"].get("HTTPStatusCode", 0)
    said = answer["Error"].get("Code", "")
    named = f"{what} ({said})" if re.fullmatch(r"[A-Za-z]{1,60}", said) else what
    headers = answer["ResponseMetadata"].get("HTTPHeaders", {})
    refuse(named, 503 if said in _AGAIN else code, headers, CREDENTIALS)
    raise Unavailable(f"{named}: answered {code}") from error
