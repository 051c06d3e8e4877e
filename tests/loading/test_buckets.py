"""A model below a prefix of a bucket, of S3 or Google: only the listed objects are published."""

import hashlib
import re
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.cli.command import peak
from tests.loading.buckets import SIZE, WEIGHTS, Bucket, MiB, published, refused, weights
from tests.loading.faulty_server import Fault
from tests.loading.gs_server import google_bucket, gs_server
from tests.loading.s3_server import s3_bucket, s3_server
from webhook.models.layout import uri_folder
from webhook.rendering.loader import PEAK

Made = Callable[[str], AbstractContextManager[Bucket]]
REQUESTS = pytest.mark.parametrize("request_for", ["listing", "weights"])


@pytest.fixture(scope="module", params=["s3", pytest.param("gs", marks=pytest.mark.programs)])
def made(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Made]:
    """A function that makes a bucket."""
    folder = tmp_path_factory.mktemp("server")
    if request.param == "s3":
        with s3_server(folder) as port:
            yield lambda name: s3_bucket(port, name)
    else:
        with gs_server(folder) as port:
            yield lambda name: google_bucket(port, name)


@pytest.fixture
def bucket(made: Made, tmp_path: Path) -> Iterator[Bucket]:
    with made(f"models-{secrets.token_hex(4)}") as found:
        found.put_model(tmp_path)
        yield found


def test_a_prefix_is_published_by_names_and_etags(
    bucket: Bucket, store: Path, tmp_path: Path
) -> None:
    bucket.put({"v1/": b"", "v1/sub/tokenizer.json": b"[]", "v1/README.md": b"not wanted"})
    place = published(bucket.load(store))
    names = ["README.md", "config.json", WEIGHTS, "sub/tokenizer.json"]
    listed = "".join(f"{name}\0{bucket.etag(f'v1/{name}')}\n" for name in names)
    commit = hashlib.sha256(listed.encode()).hexdigest()
    assert place == store / uri_folder(f"{bucket.scheme}://{bucket.name}/v1") / commit
    assert (place.parent / "main").readlink() == Path(commit)
    assert (place / WEIGHTS).read_bytes() == weights(tmp_path)
    assert (place / "sub/tokenizer.json").read_bytes() == b"[]"
    assert list((store / ".incoming").iterdir()) == []
    assert {path.name for path in place.iterdir()} == {
        ".modelcache.json", "config.json", WEIGHTS, "sub",
    }  # fmt: skip


def test_a_second_load_fetches_nothing(bucket: Bucket, store: Path) -> None:
    first = published(bucket.load(store))
    before = bucket.gets()
    ran = bucket.load(store)
    assert ran.out.endswith(" 0 of them downloaded\n")
    assert (published(ran), bucket.gets()) == (first, before)


def test_a_whole_bucket_may_be_a_model(bucket: Bucket, store: Path) -> None:
    place = published(bucket.load(store, path=""))
    assert (place / "v10" / "x.json").read_bytes() == b"1"


def test_more_objects_than_one_answer_lists_are_found(bucket: Bucket, store: Path) -> None:
    # Names that are not wanted fill the first answer. The wanted ones come after them.
    bucket.put({f"v1/many/{number:04}.bin": b"{}" for number in range(1005)})
    bucket.put({f"v1/more/{number}.json": b"{}" for number in range(5)})
    place = published(bucket.load(store))
    assert {path.name for path in (place / "more").iterdir()} == {f"{n}.json" for n in range(5)}
    assert not (place / "many").exists()


@pytest.mark.parametrize("cut", [1_500_000, SIZE])
def test_a_body_that_is_cut_continues_where_it_stopped(
    bucket: Bucket, store: Path, cut: int
) -> None:
    bucket.faulty.faults.append(Fault(bucket.weights, cut_after=cut, times=1))
    published(bucket.load(store))
    (first, second) = bucket.gets()
    assert (first.code, second.code) == (200, 206)
    assert "range" not in first.headers
    found = re.fullmatch(r"bytes=(\d+)-", second.headers["range"])
    # Only bytes in flight may be lost when the connection ends.
    assert found
    assert cut - MiB <= int(found[1]) <= cut


def test_wrong_bytes_are_never_published(bucket: Bucket, store: Path) -> None:
    bucket.faulty.faults.append(Fault(bucket.weights, corrupt_at=1_500_000))
    said = refused(bucket.load(store), store)
    assert f"{WEIGHTS}: its MD5 is " in said
    assert said.endswith(": 3 times\n")
    bucket.faulty.faults.clear()
    published(bucket.load(store))


def test_an_object_that_is_replaced_meanwhile_is_not_mixed(
    bucket: Bucket, store: Path, tmp_path: Path
) -> None:
    other = weights(tmp_path)[:-1] + b"\xee"  # the same length
    assert other != weights(tmp_path)
    fault = Fault(
        bucket.weights, cut_after=MiB, times=1, then=lambda: bucket.put({f"v1/{WEIGHTS}": other})
    )
    bucket.faulty.faults.append(fault)
    assert bucket.changed in refused(bucket.load(store), store)
    assert (published(bucket.load(store)) / WEIGHTS).read_bytes() == other


def test_an_object_that_is_removed_meanwhile_is_reported(bucket: Bucket, store: Path) -> None:
    fault = Fault(
        bucket.weights, cut_after=MiB, times=1, then=lambda: bucket.remove(f"v1/{WEIGHTS}")
    )
    bucket.faulty.faults.append(fault)
    assert bucket.removed in refused(bucket.load(store), store)


@REQUESTS
@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_server_that_is_busy_is_asked_again(
    bucket: Bucket, store: Path, status: int, request_for: str
) -> None:
    bucket.faulty.faults.append(Fault(getattr(bucket, request_for), status=status, times=2))
    ran = bucket.load(store)
    published(ran)
    assert bucket.codes(status) == 2
    assert ran.err.count(f"answered {status}; again in ") == 2, "each attempt is ours"


@pytest.mark.parametrize(("request_for", "status"), [("listing", 429), ("weights", 503)])
def test_the_wait_is_as_long_as_the_server_asks_for(
    bucket: Bucket, store: Path, request_for: str, status: int
) -> None:
    path = getattr(bucket, request_for)
    bucket.faulty.faults.append(Fault(path, status=status, headers={"Retry-After": "3"}, times=1))
    ran = bucket.load(store)
    published(ran)
    assert f"answered {status}; again in 3 s" in ran.err
    assert bucket.codes(status) == 1, "each attempt is ours"


def test_a_server_that_asks_for_more_time_than_there_is_is_not_waited_for(
    bucket: Bucket, store: Path
) -> None:
    headers = {"Retry-After": "3000"}
    bucket.faulty.faults.append(Fault(bucket.weights, status=503, headers=headers))
    ran = bucket.load(store, "--deadline", "20m")
    assert "the deadline has passed (--deadline)" in refused(ran, store)


@REQUESTS
@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_is_reported_at_once(
    bucket: Bucket, store: Path, status: int, request_for: str
) -> None:
    bucket.faulty.faults.append(Fault(getattr(bucket, request_for), status=status))
    said = refused(bucket.load(store), store)
    assert f"answered {status}: it denies access without credentials, or with these" in said
    assert bucket.codes(status) == 1


def test_a_prefix_that_is_not_there_is_reported(bucket: Bucket, store: Path) -> None:
    said = refused(bucket.load(store, path="/none"), store)
    assert "there is nothing below it" in said


def test_a_bucket_that_is_not_there_is_reported(bucket: Bucket, store: Path) -> None:
    assert bucket.no_bucket in refused(bucket.load(store, path="-none/v1"), store)


@pytest.mark.parametrize("name", ["../../x.json", "a/../../x.json"])
def test_a_name_that_leads_elsewhere_is_refused(bucket: Bucket, store: Path, name: str) -> None:
    bucket.put({f"v1/{name}": b"{}"})
    assert f'"{name}": is not a path below the model' in refused(bucket.load(store), store)
    assert list(store.iterdir()) == []


def test_keys_that_no_file_can_have_stop_nothing(
    bucket: Bucket, store: Path, tmp_path: Path
) -> None:
    bucket.put_model(tmp_path)
    bucket.put({"v1//x.json": b"{}", "v1/a//b.json": b"{}"})
    ran = bucket.load(store)
    assert {path.name for path in published(ran).iterdir()} == {
        "config.json",
        WEIGHTS,
        ".modelcache.json",
    }
    uri = f"{bucket.scheme}://{bucket.name}/v1"
    assert f'{uri}: "v1//x.json" and 1 more: left out, as no file can have that name' in ran.err


def test_a_prefix_without_any_other_key_says_so(bucket: Bucket, store: Path) -> None:
    bucket.put({"empty//x.json": b"{}"})
    said = refused(bucket.load(store, path="/empty"), store)
    assert 'there is nothing below it but "empty//x.json", and no file can have that name' in said
    assert list(store.iterdir()) == []


def test_the_name_of_the_manifest_is_refused(bucket: Bucket, store: Path) -> None:
    bucket.put({"v1/.modelcache.json": b"{}"})
    assert '".modelcache.json": is ' in refused(bucket.load(store), store)
    assert list(store.iterdir()) == []


def test_a_name_of_unusual_characters_is_loaded_as_it_is(bucket: Bucket, store: Path) -> None:
    names = ["a b.json", "a+b.json", "a%2Fb.json", "a?versionId=b.json", "模型.json", "a#b.json"]
    bucket.put({f"v1/{name}": name.encode() for name in names})
    place = published(bucket.load(store))
    for name in names:
        assert (place / name).read_text() == name


def test_pickle_may_be_refused(bucket: Bucket, store: Path) -> None:
    bucket.put({"v1/a.bin": b"x"})
    said = refused(bucket.load(store, "--allow", "*", "--safetensors-only"), store)
    assert "a.bin: pickle, which runs code" in said


def test_without_the_extra_the_message_says_how_to_install_it(bucket: Bucket, store: Path) -> None:
    hidden = f"import sys; sys.modules['{bucket.library}'] = None; "
    done = subprocess.run(
        [
            sys.executable, "-c", f"{hidden}from webhook.cli import main; main()",
            "load", f"{bucket.scheme}://{bucket.name}/v1", str(store),
        ],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert f"needs {bucket.library}" in done.stderr
    install = f"install modelcache-webhook[{bucket.scheme}]"
    assert f"which is not installed here: {install}" in done.stderr
    assert "Traceback" not in done.stderr


def test_memory_does_not_grow_with_the_model(bucket: Bucket, store: Path, tmp_path: Path) -> None:
    for number in range(8):
        bucket.put({f"v1/{number}.safetensors": weights(tmp_path, 20 * MiB)})
    source = f"{bucket.scheme}://{bucket.name}/v1"
    load_it = [sys.executable, "-m", "webhook", "load", source, str(store)]
    assert peak(*load_it, env=bucket.environment(HOME=str(tmp_path), PATH="/usr/bin:/bin")) < PEAK


@pytest.mark.parametrize("path", ["/one/deep/model.safetensors", "/model.safetensors"])
def test_one_object_is_loaded_by_its_key(
    bucket: Bucket, store: Path, tmp_path: Path, path: str
) -> None:
    key = path.removeprefix("/")
    bucket.put({key: weights(tmp_path), f"{key}.bak": b"x"})
    place = published(bucket.load(store, path=path))
    assert (place / WEIGHTS).read_bytes() == weights(tmp_path)
    assert {one.name for one in place.iterdir()} == {WEIGHTS, ".modelcache.json"}


def test_a_key_that_only_begins_like_an_object_is_none(
    bucket: Bucket, store: Path, tmp_path: Path
) -> None:
    bucket.put({"one/model.safetensors": weights(tmp_path)})
    said = refused(bucket.load(store, path="/one/model"), store)
    assert "there is nothing below it, nor an object of that key" in said


@pytest.mark.parametrize("path", ["/My Model (v1)", "/v1.0~rc", "/a+b=c@1/x & y"])
def test_keys_may_have_the_characters_that_people_use(
    bucket: Bucket, store: Path, tmp_path: Path, path: str
) -> None:
    key = path.removeprefix("/")
    bucket.put({f"{key}/config.json": b"{}", f"{key}/{WEIGHTS}": weights(tmp_path)})
    place = published(bucket.load(store, path=path))
    assert (place / WEIGHTS).read_bytes() == weights(tmp_path)


@pytest.mark.parametrize("flags", [(), ("--allow", "*")])
def test_an_archive_is_refused_with_what_to_do(
    bucket: Bucket, store: Path, flags: tuple[str, ...]
) -> None:
    bucket.put({"packed/model.tar.gz": b"x"})
    said = refused(bucket.load(store, *flags, path="/packed"), store)
    assert "model.tar.gz: an archive is not unpacked" in said
