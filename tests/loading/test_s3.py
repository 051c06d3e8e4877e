"""A model below a prefix of S3: names and ETags are its commit, and nothing is mixed of two."""

import hashlib
import re
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.command import Ran, modelcache, peak
from tests.loading.faulty_server import Fault
from tests.loading.s3_server import KEY, SECRET, Bucket, bucket, s3_server
from tests.store.models import safetensors
from webhook.models.layout import uri_folder
from webhook.rendering.loader import PEAK
from webhook.store.verify import faults_of

WEIGHTS = "model.safetensors"
SIZE = 3_000_000
MiB = 2**20


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with s3_server(tmp_path_factory.mktemp("s3")) as found:
        yield found


@pytest.fixture
def s3(port: int, tmp_path: Path) -> Iterator[Bucket]:
    """A bucket with a model below v1, and other things beside it."""
    with bucket(port, f"models-{secrets.token_hex(4)}") as found:
        found.put({"v1/config.json": b"{}", f"v1/{WEIGHTS}": weights(tmp_path), "v10/x.json": b"1"})
        yield found


def weights(folder: Path, size: int = SIZE) -> bytes:
    safetensors(folder / WEIGHTS, size)
    return (folder / WEIGHTS).read_bytes()


def load(s3: Bucket, store: Path, *flags: str, path: str = "/v1", **environment: str) -> Ran:
    ran = modelcache(
        "load", f"s3://{s3.name}{path}", store, *flags, env=s3.environment(**environment)
    )
    for secret in (KEY, SECRET, "Signature"):
        assert secret not in ran.out + ran.err
    return ran


def published(ran: Ran) -> Path:
    assert ran.status == 0, ran.err
    place = Path(ran.out.partition(": ")[0])
    assert not list(faults_of(place, full=True))
    return place


def told(ran: Ran, store: Path) -> str:
    """Return what was said; nothing is published."""
    assert (ran.status, ran.out) == (1, "")
    assert {path.name for path in store.iterdir()} <= {".incoming"}
    return ran.err


def gets(s3: Bucket) -> list[tuple[str | None, int]]:
    """Return range and status of each request for the weights."""
    return [
        (one.headers.get("range"), one.code)
        for one in s3.faulty.asked
        if one.method == "GET" and one.path.endswith(WEIGHTS)
    ]


def test_a_prefix_is_published_by_names_and_etags(s3: Bucket, store: Path, tmp_path: Path) -> None:
    s3.put({"v1/": b"", "v1/sub/tokenizer.json": b"[]", "v1/README.md": b"not wanted"})
    place = published(load(s3, store))
    names = ["README.md", "config.json", WEIGHTS, "sub/tokenizer.json"]
    listed = "".join(f"{name}\0{s3.etag(f'v1/{name}')}\n" for name in names)
    commit = hashlib.sha256(listed.encode()).hexdigest()
    assert place == store / uri_folder(f"s3://{s3.name}/v1") / commit
    assert (place.parent / "main").readlink() == Path(commit)
    assert (place / WEIGHTS).read_bytes() == weights(tmp_path)
    assert (place / "sub/tokenizer.json").read_bytes() == b"[]"
    assert list((store / ".incoming").iterdir()) == []
    assert {path.name for path in place.iterdir()} == {
        ".modelcache.json", "config.json", WEIGHTS, "sub",
    }  # fmt: skip


def test_a_second_load_fetches_nothing(s3: Bucket, store: Path) -> None:
    first = published(load(s3, store))
    before = gets(s3)
    ran = load(s3, store)
    assert ran.out.endswith(" 0 of them downloaded\n")
    assert (published(ran), gets(s3)) == (first, before)


def test_a_whole_bucket_may_be_a_model(s3: Bucket, store: Path) -> None:
    place = published(load(s3, store, path=""))
    assert (place / "v10" / "x.json").read_bytes() == b"1"


def test_more_objects_than_one_answer_lists_are_found(s3: Bucket, store: Path) -> None:
    # What is not wanted is listed, and only what comes after a thousand names is loaded.
    s3.put({f"v1/many/{number:04}.bin": b"{}" for number in range(1005)})
    s3.put({"v1/more.json": b"{}"})
    place = published(load(s3, store))
    assert (place / "more.json").read_bytes() == b"{}"
    assert not (place / "many").exists()


@pytest.mark.parametrize("cut", [1_500_000, SIZE])
def test_a_body_that_is_cut_goes_on_where_it_stopped(s3: Bucket, store: Path, cut: int) -> None:
    s3.faulty.faults.append(Fault(f"*/{WEIGHTS}", cut_after=cut, times=1))
    published(load(s3, store))
    (first, second) = gets(s3)
    assert (first, second[1]) == ((None, 200), 206)
    found = re.fullmatch(r"bytes=(\d+)-", second[0] or "")
    # What was on the way when the connection ended may be lost, not more.
    assert found
    assert cut - MiB <= int(found[1]) <= cut


def test_wrong_bytes_are_never_published(s3: Bucket, store: Path) -> None:
    s3.faulty.faults.append(Fault(f"*/{WEIGHTS}", corrupt_at=1_500_000))
    said = told(load(s3, store), store)
    assert f"{WEIGHTS}: its MD5 is " in said
    assert said.endswith(": 3 times\n")
    s3.faulty.faults.clear()
    published(load(s3, store))


def test_the_etag_of_an_object_in_parts_is_no_md5(s3: Bucket, store: Path, tmp_path: Path) -> None:
    content = weights(tmp_path, 7 * MiB)
    s3.put_in_parts(f"v1/{WEIGHTS}", content)
    assert s3.etag(f"v1/{WEIGHTS}").endswith('-2"')
    assert (published(load(s3, store)) / WEIGHTS).read_bytes() == content


def test_the_etag_of_an_object_that_kms_encrypts_is_no_md5(s3: Bucket, store: Path) -> None:
    # Nothing but an MD5 would see that a byte is another.
    s3.put({f"v1/{WEIGHTS}": s3_bytes(s3)}, ServerSideEncryption="aws:kms")
    s3.faulty.faults.append(Fault(f"*/{WEIGHTS}", corrupt_at=1_500_000))
    published(load(s3, store))


def s3_bytes(s3: Bucket) -> bytes:
    found = s3.client.get_object(Bucket=s3.name, Key=f"v1/{WEIGHTS}")["Body"].read()
    assert isinstance(found, bytes)
    return found


def test_an_object_that_changes_meanwhile_is_not_mixed(s3: Bucket, store: Path) -> None:
    other = bytearray(s3_bytes(s3))
    other[-1] ^= 0xFF  # as long as the first
    changed = {f"v1/{WEIGHTS}": bytes(other)}
    fault = Fault(f"*/{WEIGHTS}", cut_after=MiB, times=1, then=lambda: s3.put(changed))
    s3.faulty.faults.append(fault)
    assert f"{WEIGHTS} (PreconditionFailed): is another by now" in told(load(s3, store), store)
    assert (published(load(s3, store)) / WEIGHTS).read_bytes() == bytes(other)


def test_an_object_that_goes_meanwhile_is_told(s3: Bucket, store: Path) -> None:
    def gone() -> None:
        s3.client.delete_object(Bucket=s3.name, Key=f"v1/{WEIGHTS}")

    s3.faulty.faults.append(Fault(f"*/{WEIGHTS}", cut_after=MiB, times=1, then=gone))
    assert "(NoSuchKey): answered 404" in told(load(s3, store), store)


@pytest.mark.parametrize("path", ["*list-type=2*", f"*/{WEIGHTS}"], ids=["list", "object"])
@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_server_that_is_busy_is_asked_again(
    s3: Bucket, store: Path, status: int, path: str
) -> None:
    s3.faulty.faults.append(Fault(path, status=status, times=2))
    ran = load(s3, store)
    published(ran)
    assert [one.code for one in s3.faulty.asked].count(status) == 2
    assert ran.err.count(f"answered {status}; again in ") == 2, "each attempt is ours"


@pytest.mark.parametrize(("status", "code"), [(503, "SlowDown"), (400, "RequestTimeout")])
def test_a_code_that_asks_for_patience_is_waited_for(
    s3: Bucket, store: Path, status: int, code: str
) -> None:
    body = f"<Error><Code>{code}</Code><Message>wait</Message></Error>".encode()
    s3.faulty.faults.append(Fault("*list-type=2*", status=status, body=body, times=1))
    ran = load(s3, store)
    published(ran)
    assert f"({code}): answered 503; again in " in ran.err, "s3fs has not tried again by itself"


def test_as_long_is_waited_as_the_server_says(s3: Bucket, store: Path) -> None:
    said = {"Retry-After": "3"}
    s3.faulty.faults.append(Fault(f"*/{WEIGHTS}", status=503, headers=said, times=1))
    ran = load(s3, store)
    published(ran)
    assert "answered 503; again in 3 s" in ran.err


def test_an_answer_that_asks_for_more_time_than_there_is_is_not_waited_for(
    s3: Bucket, store: Path
) -> None:
    headers = {"Retry-After": "3000"}
    s3.faulty.faults.append(Fault(f"*/{WEIGHTS}", status=503, headers=headers))
    assert "the deadline is over (--deadline)" in told(load(s3, store, "--deadline", "20m"), store)


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("path", ["*list-type=2*", f"*/{WEIGHTS}"], ids=["list", "object"])
def test_what_is_not_for_us_is_told_at_once(
    s3: Bucket, store: Path, status: int, path: str
) -> None:
    s3.faulty.faults.append(Fault(path, status=status))
    said = told(load(s3, store), store)
    assert f"answered {status}: not for us, or not for these credentials" in said
    assert [one.code for one in s3.faulty.asked].count(status) == 1


def test_without_credentials_it_is_said_that_there_are_none(
    s3: Bucket, store: Path, tmp_path: Path
) -> None:
    nothing = {
        "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "HOME": str(tmp_path),
    }  # fmt: skip
    said = told(load(s3, store, **nothing), store)
    assert "Unable to locate credentials" in said
    assert s3.faulty.asked == []


def test_credentials_of_a_file_are_used(s3: Bucket, store: Path, tmp_path: Path) -> None:
    file = tmp_path / "credentials"
    file.write_text(f"[team]\naws_access_key_id={KEY}1\naws_secret_access_key={SECRET}\n")
    environment = {
        "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_PROFILE": "team",
        "AWS_SHARED_CREDENTIALS_FILE": str(file),
    }  # fmt: skip
    published(load(s3, store, **environment))
    assert all(f"{KEY}1/" in one.headers["authorization"] for one in s3.faulty.asked)


@pytest.mark.parametrize(
    ("path", "said"),
    [("/none", "there is nothing below it"), ("-none/v1", "(NoSuchBucket): answered 404")],
)
def test_what_is_not_there_is_told(s3: Bucket, store: Path, path: str, said: str) -> None:
    assert said in told(load(s3, store, path=path), store)


@pytest.mark.parametrize("key", ["../../x.json", "a/../../x.json", "/x.json", ".modelcache.json"])
def test_a_key_that_leads_elsewhere_is_refused(s3: Bucket, store: Path, key: str) -> None:
    s3.put({f"v1/{key}": b"{}"})
    said = told(load(s3, store), store)
    assert f'"{key}": is ' in said
    assert list(store.iterdir()) == []


def test_what_a_key_may_be_called_is_loaded_as_it_is(s3: Bucket, store: Path) -> None:
    names = ["a b.json", "a+b.json", "a%2Fb.json", "a?versionId=b.json", "模型.json", "a#b.json"]
    s3.put({f"v1/{name}": name.encode() for name in names})
    place = published(load(s3, store))
    for name in names:
        assert (place / name).read_text() == name


def test_pickle_may_be_refused(s3: Bucket, store: Path) -> None:
    s3.put({"v1/a.bin": b"x"})
    said = told(load(s3, store, "--allow", "*", "--safetensors-only"), store)
    assert "a.bin: pickle, which runs code" in said


def test_without_the_extra_it_is_said_how_to_have_it(s3: Bucket, store: Path) -> None:
    hidden = "import sys; sys.modules['s3fs'] = None; from webhook.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", hidden, "load", f"s3://{s3.name}/v1", str(store)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "needs s3fs, which is not installed here: install modelcache-webhook[s3]" in done.stderr
    assert "Traceback" not in done.stderr


def test_memory_does_not_grow_with_the_model(s3: Bucket, store: Path, tmp_path: Path) -> None:
    for number in range(8):
        s3.put({f"v1/{number}.safetensors": weights(tmp_path, 20 * MiB)})
    load_it = [sys.executable, "-m", "webhook", "load", f"s3://{s3.name}/v1", str(store)]
    assert peak(*load_it, env={**s3.environment(), "PATH": "/usr/bin:/bin"}) < PEAK
