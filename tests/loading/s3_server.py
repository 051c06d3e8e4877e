"""Run an S3 server (moto) with buckets for tests."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from tests.loading.buckets import WEIGHTS, Bucket
from tests.loading.faulty_server import faulty_server
from tests.loading.programs import HOST, program

KEY, SECRET = "AKIAMODELCACHETESTS0", "secret-of-the-tests-0123456789"
PART = 5 * 2**20
"""The smallest size of a part, except for the last."""


@contextmanager
def s3_server(folder: Path) -> Iterator[int]:
    """Run it for a `with` block, and yield its port."""
    port = HOST.free_port()
    argv = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with program(argv, f"http://127.0.0.1:{port}/moto-api/", folder / "moto.log"):
        yield port


@dataclass(frozen=True, slots=True)
class S3Bucket(Bucket):
    """A bucket of S3."""

    client: Any

    scheme = "s3"
    library = "s3fs"
    secrets = (KEY, SECRET, "Signature")
    listing = "*list-type=2*"
    weights = f"*/{WEIGHTS}"
    changed = f"{WEIGHTS} (PreconditionFailed): has changed since it was listed"
    removed = "(NoSuchKey): answered 404"
    no_bucket = "(NoSuchBucket): answered 404"

    def put(self, objects: Mapping[str, bytes], **more: str) -> None:
        for key, content in objects.items():
            self.client.put_object(Bucket=self.name, Key=key, Body=content, **more)

    def put_in_parts(self, key: str, content: bytes) -> None:
        upload = self.client.create_multipart_upload(Bucket=self.name, Key=key)
        named = {"Bucket": self.name, "Key": key, "UploadId": upload["UploadId"]}
        parts = []
        for number, start in enumerate(range(0, len(content), PART), 1):
            body = content[start : start + PART]
            answer = self.client.upload_part(**named, PartNumber=number, Body=body)
            parts.append({"PartNumber": number, "ETag": answer["ETag"]})
        self.client.complete_multipart_upload(**named, MultipartUpload={"Parts": parts})

    def get(self, key: str) -> bytes:
        found = self.client.get_object(Bucket=self.name, Key=key)["Body"].read()
        assert isinstance(found, bytes)
        return found

    def remove(self, name: str) -> None:
        self.client.delete_object(Bucket=self.name, Key=name)

    def etag(self, name: str) -> str:
        """Return the ETag of an object, with its quotes."""
        return str(self.client.head_object(Bucket=self.name, Key=name)["ETag"])

    def environment(self, **more: str) -> dict[str, str]:
        return {
            "AWS_ENDPOINT_URL": self.faulty.url,
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        } | more


@contextmanager
def s3_bucket(port: int, name: str) -> Iterator[S3Bucket]:
    """Make a bucket for one test."""
    client = boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{port}",
        aws_access_key_id=KEY,
        aws_secret_access_key=SECRET,
        region_name="us-east-1",
        # Without a checksum in addition to the MD5, which these tests are about.
        config=Config(request_checksum_calculation="when_required", proxies={}),
    )
    client.create_bucket(Bucket=name)
    with faulty_server(port) as faulty:
        try:
            yield S3Bucket(name, faulty, client)
        finally:
            client.close()
