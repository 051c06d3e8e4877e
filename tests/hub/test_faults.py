"""Each fault has its effect, and no other."""

import contextlib
import time
from pathlib import Path

import httpx
import pytest

from tests.hub.client import Client
from tests.hub.routes import Place
from tests.hub.running import Fault, Hub, hub_server

REPO = "acme/tiny"
WEIGHTS = bytes(range(256)) * 1024
SMALL, LARGE = f"/{REPO}/resolve/main/config.json", f"/{REPO}/resolve/main/model.safetensors"
API = f"/api/models/{REPO}"
CHUNK = 10 * 2**20
"""The chunk that the real client writes; it requests an incomplete one again."""


@pytest.fixture(autouse=True)
def commit(hub: Hub) -> str:
    return hub.commit(REPO, {"config.json": b"{}", "model.safetensors": WEIGHTS})


def cdn(hub: Hub) -> list[tuple[int, str | None, int]]:
    return [(r.code, r.range, r.sent) for r in hub.requests() if r.where == "cdn"]


def received(client: httpx.Client, path: str = LARGE) -> tuple[bytes, Exception | None]:
    """Return the bytes of a body that arrived, and what ended it."""
    found = b""
    try:
        with client.stream("GET", path) as answer:
            for piece in answer.iter_bytes():
                found += piece
    except httpx.TransportError as error:
        return found, error
    return found, None


def test_a_body_is_cut_by_a_reset(hub: Hub, plain: httpx.Client) -> None:
    hub.fault(Fault(paths="*.safetensors", times=1, cut_after=100_000))
    found, error = received(plain)
    assert isinstance(error, httpx.ReadError)
    assert "reset" in str(error)
    assert found == WEIGHTS[:100_000]
    assert received(plain) == (WEIGHTS, None)
    assert cdn(hub) == [(200, None, 100_000), (200, None, len(WEIGHTS))]


def test_a_body_ends_with_its_connection(hub: Hub, plain: httpx.Client) -> None:
    hub.fault(Fault(paths="*.safetensors", times=1, end_after=100_000))
    found, error = received(plain)
    assert isinstance(error, httpx.RemoteProtocolError)
    assert found == WEIGHTS[:100_000]
    assert received(plain) == (WEIGHTS, None)


def test_the_real_client_resumes_with_a_range(hub: Hub, client: Client, tmp_path: Path) -> None:
    with (tmp_path / "big").open("wb") as file:
        file.truncate(CHUNK)
        file.seek(CHUNK)
        file.write(WEIGHTS)
    hub.commit(REPO, {"model.safetensors": tmp_path / "big"})
    hub.fault(Fault(where="cdn", times=1, end_after=CHUNK + 1000))
    assert client.snapshot(REPO)["model.safetensors"] == (tmp_path / "big").read_bytes()
    rest = (206, f"bytes={CHUNK}-", len(WEIGHTS))
    assert cdn(hub) == [(200, None, CHUNK + 1000), rest]


def test_the_real_client_does_not_resume_after_a_reset(hub: Hub, client: Client) -> None:
    # huggingface_hub 2.4 does not retry after a ReadError.
    hub.fault(Fault(where="cdn", times=1, cut_after=1000))
    refused = client.refused("snapshot_download", repo_id=REPO)
    assert refused.kinds[0] == "ReadError"
    assert cdn(hub) == [(200, None, 1000)]


@pytest.mark.parametrize("where", ["cdn", "resolve"])
def test_the_real_client_waits_as_long_as_it_is_asked(
    hub: Hub, client: Client, where: Place
) -> None:
    methods = ("GET",) if where == "cdn" else ("HEAD",)
    # The client takes the first refused HEAD for a missing file, and tries again at once.
    times = 1 if where == "cdn" else 2
    hub.fault(
        Fault(
            paths="*.safetensors", methods=methods, times=times, where=where,
            status=429, headers={"Retry-After": "2"},
        )
    )  # fmt: skip
    assert client.snapshot(REPO)["model.safetensors"] == WEIGHTS
    asked = [
        r for r in hub.requests()
        if (r.where, r.method, r.file) == (where, methods[0], "model.safetensors")
    ]  # fmt: skip
    assert [r.code for r in asked] == [429] * times + [200 if where == "cdn" else 302]
    assert asked[-1].at - asked[-2].at >= 2  # by itself it waits one second


@pytest.mark.parametrize("status", [404, 429, 500, 503])
def test_an_error_takes_the_place_of_an_answer(hub: Hub, plain: httpx.Client, status: int) -> None:
    hub.fault(
        Fault(where="api", status=status, headers={"X-Error-Code": "Odd", "Retry-After": "7"})
    )
    answer = plain.get(API)
    assert answer.status_code == status
    assert (answer.headers["X-Error-Code"], answer.headers["Retry-After"]) == ("Odd", "7")
    assert answer.json() == {"error": answer.headers["X-Error-Message"]}
    assert plain.get(SMALL).status_code == 200


def test_a_stalled_body_continues_after_its_time(hub: Hub, plain: httpx.Client) -> None:
    hub.fault(Fault(paths="*.safetensors", times=1, stall_after=1000, seconds=0.5))
    began = time.monotonic()
    assert received(plain) == (WEIGHTS, None)
    assert time.monotonic() - began >= 0.5


def test_a_stalled_body_arrives_up_to_the_stall(hub: Hub, plain: httpx.Client) -> None:
    hub.fault(Fault(paths="*.safetensors", stall_after=1000, seconds=60))
    with plain.stream("GET", LARGE) as answer:
        assert next(answer.iter_bytes(1000)) == WEIGHTS[:1000]
        assert cdn(hub) == [(200, None, 1000)]


def test_a_stalled_body_does_not_keep_the_server(tmp_path: Path, plain: httpx.Client) -> None:
    with contextlib.ExitStack() as clients:
        with hub_server(tmp_path / "other") as other:  # it must end in time
            other.commit(REPO, {"config.json": b"{}"})
            other.fault(Fault(stall_after=1, seconds=60))
            answer = clients.enter_context(plain.stream("GET", f"{other.url}{SMALL}"))
            assert next(answer.iter_bytes(1)) == b"{"
        with pytest.raises(httpx.ConnectError):
            plain.get(other.url)


def test_a_slow_server_answers_in_the_end(hub: Hub, plain: httpx.Client) -> None:
    hub.fault(Fault(where="resolve", before_headers_seconds=0.5, times=1))
    began = time.monotonic()
    assert plain.get(SMALL).content == b"{}"
    assert time.monotonic() - began >= 0.5


def test_a_rate_is_not_exceeded(hub: Hub, plain: httpx.Client) -> None:
    hub.fault(Fault(paths="*.safetensors", rate=len(WEIGHTS) * 2))
    began = time.monotonic()
    assert received(plain) == (WEIGHTS, None)
    assert time.monotonic() - began >= 0.4


@pytest.mark.parametrize(("asked", "at"), [(None, 5000), ("bytes=4000-5999", 1000)])
def test_one_byte_is_changed(hub: Hub, plain: httpx.Client, asked: str | None, at: int) -> None:
    hub.fault(Fault(paths="*.safetensors", corrupt_at=5000))
    headers = {"Range": asked} if asked else {}
    true = WEIGHTS[4000:6000] if asked else WEIGHTS
    found = plain.get(LARGE, headers=headers).content
    assert len(found) == len(true)
    assert [n for n, byte in enumerate(found) if byte != true[n]] == [at]


def test_a_range_without_the_corrupt_byte_is_whole(hub: Hub, plain: httpx.Client) -> None:
    hub.fault(Fault(paths="*.safetensors", corrupt_at=5000, times=1))
    assert plain.get(LARGE, headers={"Range": "bytes=0-4999"}).content == WEIGHTS[:5000]
    assert plain.get(LARGE).content != WEIGHTS
    assert plain.get(LARGE).content == WEIGHTS


def test_the_real_client_does_not_see_a_corrupt_byte(hub: Hub, client: Client) -> None:
    hub.fault(Fault(paths="*.safetensors", corrupt_at=5000))
    found = client.snapshot(REPO)["model.safetensors"]
    assert len(found) == len(WEIGHTS)
    assert found != WEIGHTS


def test_a_file_is_shorter_and_its_length_agrees(hub: Hub, plain: httpx.Client) -> None:
    hub.fault(Fault(paths="*.safetensors", truncate_to=1000))
    answer = plain.get(LARGE)
    assert (answer.status_code, answer.headers["Content-Length"]) == (200, "1000")
    assert answer.content == WEIGHTS[:1000]
    assert plain.get(LARGE, headers={"Range": "bytes=900-"}).content == WEIGHTS[900:1000]
    assert plain.get(LARGE, headers={"Range": "bytes=1000-"}).status_code == 416


def test_the_real_client_sees_a_body_that_is_too_short(hub: Hub, client: Client) -> None:
    hub.fault(Fault(paths="*.safetensors", truncate_to=1000))
    refused = client.refused("snapshot_download", repo_id=REPO)
    assert refused.kinds[0] == "OSError"
    assert f"should be of size {len(WEIGHTS)} but has size 1000" in refused.text


def test_another_size_is_given_wherever_there_is_one(hub: Hub, plain: httpx.Client) -> None:
    hub.fault(Fault(paths="*", claim_size=7))
    blobs = plain.get(API, params={"blobs": "true"}).json()["siblings"]
    tree = plain.get(f"{API}/tree/main").json()
    assert {entry["size"] for entry in (*blobs, *tree)} == {7}
    assert {entry["lfs"]["size"] for entry in (*blobs, *tree) if "lfs" in entry} == {7}
    head = plain.head(LARGE, follow_redirects=False)
    assert head.headers["X-Linked-Size"] == "7"
    assert plain.head(SMALL).headers["Content-Length"] == "7"
    assert plain.get(SMALL).content == b"{}"
    assert plain.get(LARGE).content == WEIGHTS


def test_a_claim_is_spent_once_for_all_files_of_a_request(hub: Hub, plain: httpx.Client) -> None:
    hub.commit(REPO, {"config.json": b"{}", "1.safetensors": b"one", "2.safetensors": b"two"})
    hub.fault(Fault(paths="*.safetensors", claim_size=7, times=1))
    for expected in (7, 3):
        blobs = plain.get(API, params={"blobs": "true"}).json()["siblings"]
        sizes = {entry["rfilename"]: entry["size"] for entry in blobs}
        assert sizes == {"config.json": 2, "1.safetensors": expected, "2.safetensors": expected}


def test_another_etag_is_given(hub: Hub, plain: httpx.Client) -> None:
    true = plain.head(SMALL).headers["ETag"]
    hub.fault(Fault(etag="other"))
    assert plain.head(LARGE, follow_redirects=False).headers["X-Linked-Etag"] == '"other"'
    assert plain.get(LARGE).headers["ETag"] == '"other"'
    assert plain.head(SMALL).headers["ETag"] == '"other"'
    stale = plain.get(SMALL, headers={"Range": "bytes=1-", "If-Range": true})
    assert (stale.status_code, stale.content) == (200, b"{}")


@pytest.mark.parametrize("where", ["resolve", "cdn"])
def test_redirects_go_in_circles(hub: Hub, plain: httpx.Client, where: Place) -> None:
    hub.fault(Fault(paths="*.safetensors", where=where, redirect_loop=True))
    with pytest.raises(httpx.TooManyRedirects):
        plain.get(LARGE)
    assert plain.get(SMALL).content == b"{}"


def test_the_real_client_leaves_a_circle(hub: Hub, client: Client) -> None:
    hub.fault(Fault(paths="*.safetensors", redirect_loop=True))
    assert client.refused("snapshot_download", repo_id=REPO).kinds[0] == "TooManyRedirects"


def test_a_range_is_ignored(hub: Hub, plain: httpx.Client) -> None:
    hub.fault(Fault(paths="*.safetensors", ignore_range=True, times=1))
    assert plain.get(LARGE).status_code == 200  # has no range, and does not count
    for status in (200, 206):
        answer = plain.get(LARGE, headers={"Range": "bytes=1000-"})
        assert answer.status_code == status
        assert answer.content == (WEIGHTS if status == 200 else WEIGHTS[1000:])


def test_main_moves_after_an_answer(
    hub: Hub, plain: httpx.Client, client: Client, commit: str
) -> None:
    new = hub.commit(REPO, {"config.json": b"new"})
    hub.fault(Fault(where="api", move_main_to=commit))
    assert plain.get(API).json()["sha"] == new
    assert plain.get(API).json()["sha"] == commit
    hub.fault(Fault(where="api", move_main_to=new))
    # The resolved commit is downloaded, even if main has moved by then.
    assert client.snapshot(REPO) == {"config.json": b"{}", "model.safetensors": WEIGHTS}
    assert plain.get(API).json()["sha"] == new


def test_main_does_not_move_to_an_unknown_commit(hub: Hub) -> None:
    with pytest.raises(ValueError, match="no repository has a commit 0000"):
        hub.fault(Fault(move_main_to="0" * 40))


def test_faults_apply_one_after_the_other(hub: Hub, plain: httpx.Client) -> None:
    hub.fault(Fault(status=500, times=2))
    hub.fault(Fault(status=503, times=1))
    codes = [plain.get(SMALL).status_code for _ in range(4)]
    assert codes == [500, 500, 503, 200]


def test_a_fault_is_about_its_files_methods_and_place(hub: Hub, plain: httpx.Client) -> None:
    hub.fault(Fault(paths=f"{REPO}/*.safetensors", status=500, where="cdn"))
    assert plain.get(SMALL).status_code == 200
    assert plain.get(LARGE, follow_redirects=False).status_code == 302
    assert plain.get(LARGE).status_code == 500
    location = plain.head(LARGE, follow_redirects=False).headers["Location"]
    assert plain.head(location).status_code == 200
    assert plain.get(API).status_code == 200


def test_nothing_goes_wrong_after_healing(hub: Hub, plain: httpx.Client) -> None:
    hub.fault(Fault(status=500))
    assert plain.get(SMALL).status_code == 500
    hub.heal()
    assert plain.get(SMALL).status_code == 200
