"""The answers of the Hub, seen by a plain HTTP client."""

import hashlib
import re
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest

from tests.hub.running import Fault, Hub, hub_server

REPO = "acme/tiny"
CONFIG = b"0123456789"
WEIGHTS = bytes(range(256)) * 4
SMALL, LARGE = f"/{REPO}/resolve/main/config.json", f"/{REPO}/resolve/main/model.safetensors"


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """One Hub for all these tests."""
    with hub_server(tmp_path_factory.mktemp("hub")) as found:
        yield found


@pytest.fixture(scope="module", autouse=True)
def commit(hub: Hub) -> str:
    return hub.commit(REPO, {"config.json": CONFIG, "model.safetensors": WEIGHTS})


def test_a_small_file_is_answered_directly(hub: Hub, plain: httpx.Client, commit: str) -> None:
    for answer in (plain.head(SMALL), plain.get(SMALL)):
        assert answer.status_code == 200
        assert answer.headers["X-Repo-Commit"] == commit
        blob = hashlib.sha1(b"blob 10" + bytes(1) + CONFIG).hexdigest()
        assert answer.headers["ETag"] == f'"{blob}"'
        assert answer.headers["Accept-Ranges"] == "bytes"
        assert answer.headers["Content-Length"] == "10"
    assert answer.content == CONFIG


def test_a_large_file_is_redirected_to_another_origin(
    hub: Hub, plain: httpx.Client, commit: str
) -> None:
    for answer in (
        plain.head(LARGE, follow_redirects=False),
        plain.get(LARGE, follow_redirects=False),
    ):
        sha256 = hashlib.sha256(WEIGHTS).hexdigest()
        assert answer.status_code == 302
        assert answer.headers["X-Repo-Commit"] == commit
        assert answer.headers["X-Linked-Etag"] == f'"{sha256}"'
        assert answer.headers["X-Linked-Size"] == "1024"
        location = urlsplit(answer.headers["Location"])
        assert location.path == f"/cdn/{sha256}"
        assert location.netloc != urlsplit(hub.url).netloc
        assert location.hostname == urlsplit(hub.url).hostname


def test_a_plain_client_leaves_its_token_at_the_hub(hub: Hub, plain: httpx.Client) -> None:
    answer = plain.get(LARGE, headers={"Authorization": "Bearer hf_x"})
    assert answer.content == WEIGHTS
    assert [(r.where, r.token) for r in hub.requests()[-2:]] == [("resolve", True), ("cdn", False)]


@pytest.mark.parametrize(
    "change",
    [
        ("cdn/", "cdn/0"),
        ("Signature=", "Signature=0"),
        ("tiny", "other"),
        ("Expires=1", "Expires=2"),
    ],
)
def test_the_cdn_knows_its_own_addresses(plain: httpx.Client, change: tuple[str, str]) -> None:
    location = plain.head(LARGE, follow_redirects=False).headers["Location"]
    assert change[0] in location
    assert plain.get(location.replace(*change)).status_code == 403
    assert plain.get(location).content == WEIGHTS


def test_the_hub_uses_the_host_name_of_the_client(plain: httpx.Client) -> None:
    head = plain.head(LARGE, headers={"Host": "hub.example:80"}, follow_redirects=False)
    assert urlsplit(head.headers["Location"]).hostname == "hub.example"


@pytest.mark.parametrize("path", [SMALL, LARGE])
@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-", 0, -1),
        ("bytes=3-", 3, -1),
        ("bytes=3-5", 3, 5),
        ("bytes=3-3", 3, 3),
        ("bytes=5-999999", 5, -1),
        ("bytes=-4", -4, -1),
        ("bytes=-999999", 0, -1),
    ],
)
def test_a_range_is_answered_with_its_bytes(
    plain: httpx.Client, path: str, asked: str, first: int, last: int
) -> None:
    whole = WEIGHTS if path == LARGE else CONFIG
    first, last = first % len(whole), last % len(whole)
    answer = plain.get(path, headers={"Range": asked})
    assert answer.status_code == 206
    assert answer.headers["Content-Range"] == f"bytes {first}-{last}/{len(whole)}"
    assert answer.content == whole[first : last + 1]


@pytest.mark.parametrize("asked", ["bytes=10-", "bytes=10-20", "bytes=-0"])
def test_a_range_beyond_the_end_is_refused(plain: httpx.Client, asked: str) -> None:
    answer = plain.get(SMALL, headers={"Range": asked})
    assert (answer.status_code, answer.content) == (416, b"")
    assert answer.headers["Content-Range"] == "bytes */10"


@pytest.mark.parametrize("asked", ["bytes=5-3", "bytes=-", "lines=0-1", "bytes=0-1,3-4", ""])
def test_anything_but_a_single_range_is_answered_with_everything(
    plain: httpx.Client, asked: str
) -> None:
    answer = plain.get(SMALL, headers={"Range": asked})
    assert (answer.status_code, answer.content) == (200, CONFIG)


def test_a_range_of_another_content_is_answered_with_everything(plain: httpx.Client) -> None:
    etag = plain.head(SMALL).headers["ETag"]
    for condition, status in ((etag, 206), ('"other"', 200), (f"W/{etag}", 200)):
        answer = plain.get(SMALL, headers={"Range": "bytes=2-3", "If-Range": condition})
        assert (condition, answer.status_code) == (condition, status)


def test_a_connection_serves_request_after_request(hub: Hub) -> None:
    place = urlsplit(hub.url)
    asked = b"".join(
        f"{method} {path} HTTP/1.1\r\nHost: h\r\n\r\n".encode()
        for method, path in (("HEAD", SMALL), ("GET", SMALL), ("GET", "/no"), ("GET", SMALL))
    )
    with socket.create_connection((place.hostname, place.port)) as connection:
        connection.sendall(asked[:-2] + b"Connection: close\r\n\r\n")
        with connection.makefile("rb") as answers:
            found = answers.read()
    assert re.findall(rb"HTTP/1\.1 (\d+)", found) == [b"200", b"200", b"404", b"200"]
    assert found.count(CONFIG) == 2


def test_requests_are_recorded_in_order(hub: Hub, plain: httpx.Client) -> None:
    plain.get(f"/api/models/{REPO}?blobs=true")
    plain.get(LARGE, headers={"Range": "bytes=1000-"})
    plain.head(f"/{REPO}/resolve/main/none")
    api, resolve, cdn, none = hub.requests()[-4:]
    assert (api.method, api.path, api.query) == ("GET", f"/api/models/{REPO}", "blobs=true")
    assert (resolve.path, resolve.code, resolve.range) == (LARGE, 302, "bytes=1000-")
    assert (cdn.where, cdn.code, cdn.range, cdn.sent) == ("cdn", 206, "bytes=1000-", 24)
    assert (cdn.repo, cdn.file) == (REPO, "model.safetensors")
    assert (none.method, none.code, none.sent) == ("HEAD", 404, 0)
    times = [request.at for request in (api, resolve, cdn, none)]
    assert times == sorted(times)


def test_control_calls_are_not_recorded_as_requests(hub: Hub, commit: str) -> None:
    before = hub.requests()
    hub.tag(REPO, "v1", commit)
    assert hub.requests() == before


def test_the_registry_of_harnesses_is_empty(hub: Hub, plain: httpx.Client) -> None:
    hub.fault(Fault(status=500))
    assert plain.get("/api/agent-harnesses").json()["harnesses"] == {}
    assert plain.get(SMALL).status_code == 500
    hub.heal()


def test_invalid_text_makes_no_header(plain: httpx.Client) -> None:
    answer = plain.get(f"/{REPO}/resolve/a%0D%0AOdd:%201%C3%BC/config.json")
    assert answer.headers["X-Error-Code"] == "RevisionNotFound"
    assert answer.headers["X-Error-Message"] == r"Invalid rev id: a\r\nOdd: 1\xfc"
    assert "Odd" not in answer.headers
    assert answer.json() == {"error": "Invalid rev id: a\r\nOdd: 1ü"}
