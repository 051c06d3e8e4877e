"""S3 only: ETags, codes and credentials. The rest is in test_buckets."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.loading.buckets import WEIGHTS, MiB, published, refused, weights
from tests.loading.faulty_server import Fault
from tests.loading.s3_server import KEY, SECRET, S3Bucket, s3_bucket, s3_server


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with s3_server(tmp_path_factory.mktemp("s3")) as found:
        yield found


@pytest.fixture
def s3(port: int, tmp_path: Path) -> Iterator[S3Bucket]:
    with s3_bucket(port, f"models-{secrets.token_hex(4)}") as found:
        found.put_model(tmp_path)
        yield found


def test_the_etag_of_an_object_in_parts_is_not_an_md5(
    s3: S3Bucket, store: Path, tmp_path: Path
) -> None:
    content = weights(tmp_path, 7 * MiB)
    s3.put_in_parts(f"v1/{WEIGHTS}", content)
    assert s3.etag(f"v1/{WEIGHTS}").endswith('-2"')
    assert (published(s3.load(store)) / WEIGHTS).read_bytes() == content


def test_the_etag_of_an_object_that_kms_encrypts_is_not_an_md5(s3: S3Bucket, store: Path) -> None:
    # Only an MD5 would detect the changed byte.
    s3.put({f"v1/{WEIGHTS}": s3.get(f"v1/{WEIGHTS}")}, ServerSideEncryption="aws:kms")
    s3.faulty.faults.append(Fault(f"*/{WEIGHTS}", corrupt_at=1_500_000))
    published(s3.load(store))


@pytest.mark.parametrize(("status", "code"), [(503, "SlowDown"), (400, "RequestTimeout")])
def test_a_code_that_asks_for_patience_is_waited_for(
    s3: S3Bucket, store: Path, status: int, code: str
) -> None:
    body = f"<Error><Code>{code}</Code><Message>wait</Message></Error>".encode()
    s3.faulty.faults.append(Fault("*list-type=2*", status=status, body=body, times=1))
    ran = s3.load(store)
    published(ran)
    assert f"({code}): answered 503; again in " in ran.err, "s3fs has not tried again by itself"


def test_missing_credentials_are_reported(s3: S3Bucket, store: Path, tmp_path: Path) -> None:
    nothing = {
        "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "HOME": str(tmp_path),
    }  # fmt: skip
    body = b"<Error><Code>AccessDenied</Code></Error>"
    s3.faulty.faults.append(Fault("*", status=403, body=body))
    said = refused(s3.load(store, **nothing), store)
    assert "(AccessDenied): answered 403: it is not public, and there are no credentials" in said


def test_a_public_bucket_needs_no_credentials(s3: S3Bucket, store: Path, tmp_path: Path) -> None:
    nothing = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "HOME": str(tmp_path)}
    model = {name: s3.get(f"v1/{name}") for name in ("config.json", WEIGHTS)}
    s3.put({f"v1/{name}": content for name, content in model.items()}, ACL="public-read")
    published(s3.load(store, **nothing))
    assert s3.faulty.asked
    assert not [one for one in s3.faulty.asked if "authorization" in one.headers]


def test_credentials_of_a_file_are_used(s3: S3Bucket, store: Path, tmp_path: Path) -> None:
    file = tmp_path / "credentials"
    file.write_text(f"[team]\naws_access_key_id={KEY}1\naws_secret_access_key={SECRET}\n")
    environment = {
        "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_PROFILE": "team",
        "AWS_SHARED_CREDENTIALS_FILE": str(file),
    }  # fmt: skip
    published(s3.load(store, **environment))
    assert all(f"{KEY}1/" in one.headers["authorization"] for one in s3.faulty.asked)
