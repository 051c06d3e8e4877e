"""A model below a prefix of Google Cloud Storage: what was listed is read, or nothing."""

import hashlib
import json
import re
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.cli.command import Ran, modelcache, peak
from tests.loading.faulty_server import Fault
from tests.loading.gs_server import GoogleBucket, google_bucket, gs_server
from tests.store.models import safetensors
from webhook.models.layout import uri_folder
from webhook.rendering.loader import PEAK
from webhook.store.verify import faults_of

WEIGHTS = "model.safetensors"
SIZE = 3_000_000
MiB = 2**20
LIST = "/storage/v1/b/*"
OBJECT = f"/download/*{WEIGHTS}*"
TOKEN = "ya29.token-of-the-tests"


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with gs_server(tmp_path_factory.mktemp("gs")) as found:
        yield found


@pytest.fixture
def gs(port: int, tmp_path: Path) -> Iterator[GoogleBucket]:
    """A bucket with a model below v1, and other things beside it."""
    with google_bucket(port, f"models-{secrets.token_hex(4)}") as found:
        found.put({"v1/config.json": b"{}", f"v1/{WEIGHTS}": weights(tmp_path), "v10/x.json": b"1"})
        yield found


def weights(folder: Path, size: int = SIZE) -> bytes:
    safetensors(folder / WEIGHTS, size)
    return (folder / WEIGHTS).read_bytes()


def load(gs: GoogleBucket, store: Path, *flags: str, path: str = "/v1", **more: str) -> Ran:
    environment = gs.environment(store.parent, **more)
    ran = modelcache("load", f"gs://{gs.name}{path}", store, *flags, env=environment)
    assert TOKEN not in ran.out + ran.err
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


def test_a_prefix_is_published_by_names_and_etags(
    gs: GoogleBucket, store: Path, tmp_path: Path
) -> None:
    gs.put({"v1/": b"", "v1/sub/tokenizer.json": b"[]", "v1/README.md": b"not wanted"})
    place = published(load(gs, store))
    names = ["README.md", "config.json", WEIGHTS, "sub/tokenizer.json"]
    listed = "".join(f"{name}\0{gs.etag(f'v1/{name}')}\n" for name in names)
    commit = hashlib.sha256(listed.encode()).hexdigest()
    assert place == store / uri_folder(f"gs://{gs.name}/v1") / commit
    assert (place / WEIGHTS).read_bytes() == weights(tmp_path)
    assert (place / "sub/tokenizer.json").read_bytes() == b"[]"
    assert load(gs, store).out.endswith(" 0 of them downloaded\n")


def test_more_objects_than_one_answer_lists_are_found(gs: GoogleBucket, store: Path) -> None:
    names = {f"{number:04}.json" for number in range(1005)}
    gs.put({f"v1/many/{name}": b"{}" for name in names})
    place = published(load(gs, store, "--parallel", "32"))
    assert {path.name for path in (place / "many").iterdir()} == names
    assert len([one for one in gs.faulty.asked if one.path.startswith("/storage/")]) == 2


def test_a_body_that_is_cut_goes_on_where_it_stopped(gs: GoogleBucket, store: Path) -> None:
    gs.faulty.faults.append(Fault(OBJECT, cut_after=1_500_000, times=1))
    published(load(gs, store))
    asked = [one for one in gs.faulty.asked if WEIGHTS in one.path and one.method == "GET"]
    assert [one.code for one in asked] == [200, 206]
    found = re.fullmatch(r"bytes=(\d+)-", asked[1].headers["range"])
    assert found
    assert 1_500_000 - MiB <= int(found[1]) <= 1_500_000


def test_wrong_bytes_are_never_published(gs: GoogleBucket, store: Path) -> None:
    gs.faulty.faults.append(Fault(OBJECT, corrupt_at=1_500_000))
    said = told(load(gs, store), store)
    assert f"{WEIGHTS}: its MD5 is " in said
    assert said.endswith(": 3 times\n")


@pytest.mark.parametrize("how", ["replaced", "removed"])
def test_an_object_that_changes_meanwhile_is_not_mixed(
    gs: GoogleBucket, store: Path, how: str, tmp_path: Path
) -> None:
    other = weights(tmp_path)[:-1] + b"\xee"  # as long as the first

    def change() -> None:
        gs.put({f"v1/{WEIGHTS}": other}) if how == "replaced" else gs.remove(f"v1/{WEIGHTS}")

    gs.faulty.faults.append(Fault(OBJECT, cut_after=MiB, times=1, then=change))
    assert "is another by now, or gone" in told(load(gs, store), store)
    if how == "replaced":
        assert (published(load(gs, store)) / WEIGHTS).read_bytes() == other


@pytest.mark.parametrize("path", [LIST, OBJECT], ids=["list", "object"])
@pytest.mark.parametrize("status", [429, 503])
def test_a_server_that_is_busy_is_asked_again_when_it_says(
    gs: GoogleBucket, store: Path, status: int, path: str
) -> None:
    gs.faulty.faults.append(Fault(path, status=status, headers={"Retry-After": "3"}, times=1))
    ran = load(gs, store)
    published(ran)
    assert f"answered {status}; again in 3 s" in ran.err
    assert [one.code for one in gs.faulty.asked].count(status) == 1, "each attempt is ours"


@pytest.mark.parametrize("path", [LIST, OBJECT], ids=["list", "object"])
@pytest.mark.parametrize("status", [401, 403])
def test_what_is_not_for_us_is_told_at_once(
    gs: GoogleBucket, store: Path, status: int, path: str
) -> None:
    gs.faulty.faults.append(Fault(path, status=status))
    said = told(load(gs, store), store)
    assert f"answered {status}: not for us, or not for these credentials" in said
    assert [one.code for one in gs.faulty.asked].count(status) == 1


@pytest.mark.parametrize(
    ("path", "said"),
    [("/none", "there is nothing below it"), ("-none/v1", "answered 404")],
)
def test_what_is_not_there_is_told(gs: GoogleBucket, store: Path, path: str, said: str) -> None:
    assert said in told(load(gs, store, path=path), store)


@pytest.mark.parametrize("name", ["../../x.json", "a/../../x.json", "/x.json"])
def test_a_name_that_leads_elsewhere_is_refused(gs: GoogleBucket, store: Path, name: str) -> None:
    gs.put({f"v1/{name}": b"{}"})
    said = told(load(gs, store), store)
    assert f'"{name}": is no path below the model' in said
    assert list(store.iterdir()) == []


def service_account(folder: Path, token_uri: str) -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path = folder / "key.json"
    account = {
        "type": "service_account", "project_id": "tests", "private_key_id": "1",
        "private_key": pem.decode(), "client_email": "loader@tests", "client_id": "1",
        "token_uri": token_uri,
    }  # fmt: skip
    path.write_text(json.dumps(account))
    return str(path)


def test_the_service_account_of_the_environment_is_used(
    gs: GoogleBucket, store: Path, tmp_path: Path
) -> None:
    answer = {"access_token": TOKEN, "expires_in": 3600, "token_type": "Bearer"}
    body = json.dumps(answer).encode()
    said = {"Content-Type": "application/json"}
    gs.faulty.faults.append(Fault("/token", "POST", status=200, body=body, headers=said))
    key = service_account(tmp_path, f"{gs.faulty.url}/token")
    published(load(gs, store, GOOGLE_APPLICATION_CREDENTIALS=key))
    told_who = [one.headers.get("authorization") for one in gs.faulty.asked if one.method == "GET"]
    assert set(told_who) == {f"Bearer {TOKEN}"}


def test_credentials_that_are_no_good_are_told_without_their_text(
    gs: GoogleBucket, store: Path, tmp_path: Path
) -> None:
    gs.faulty.faults.append(Fault("/token", "POST", status=400, body=b'{"error": "invalid"}'))
    key = service_account(tmp_path, f"{gs.faulty.url}/token")
    for path in (key, str(tmp_path / "none.json")):
        said = told(load(gs, store, GOOGLE_APPLICATION_CREDENTIALS=path), store)
        assert "no credentials could be had" in said
        assert "PRIVATE" not in said


def test_without_the_extra_it_is_said_how_to_have_it(gs: GoogleBucket, store: Path) -> None:
    hidden = "import sys; sys.modules['gcsfs'] = None; from webhook.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", hidden, "load", f"gs://{gs.name}/v1", str(store)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "needs gcsfs" in done.stderr
    assert "not installed here: install modelcache-webhook[gs]" in done.stderr
    assert "Traceback" not in done.stderr


def test_memory_does_not_grow_with_the_model(gs: GoogleBucket, store: Path, tmp_path: Path) -> None:
    for number in range(8):
        gs.put({f"v1/{number}.safetensors": weights(tmp_path, 20 * MiB)})
    load_it = [sys.executable, "-m", "webhook", "load", f"gs://{gs.name}/v1", str(store)]
    assert peak(*load_it, env=gs.environment(tmp_path, PATH="/usr/bin:/bin")) < PEAK
