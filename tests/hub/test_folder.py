"""The Hub serves only committed files from its folder."""

import socket
from pathlib import Path
from urllib.parse import quote, urlsplit

import httpx
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.hub.client import Client
from tests.hub.running import Hub, hub_server

REPO = "acme/tiny"
SECRET = b"not for the Hub"
STARTS = st.sampled_from(
    ["", "cdn", "api", "api/models", f"api/models/{REPO}", f"api/models/{REPO}/tree/main",
     f"api/models/{REPO}/revision", f"{REPO}/resolve", f"{REPO}/resolve/main", "acme"]
)  # fmt: skip
SEGMENTS = st.sampled_from(
    ["", ".", "..", "%2e%2e", "..%2fsecret", "%2e%2e%2f%2e%2e%2fsecret", "secret", "hub", "blobs",
     "resolve", "main", "config.json", "repositories.json", "blobs%2fsecret", "%00", "~",
     quote("/etc/passwd", safe=""), "etc", "passwd"]
)  # fmt: skip


def test_only_committed_files_are_served(tmp_path: Path) -> None:
    with hub_server(tmp_path / "hub") as hub:
        hub.commit(REPO, {"config.json": b"{}"})
        for place in (tmp_path, tmp_path / "hub", tmp_path / "hub" / "blobs"):
            (place / "secret").write_bytes(SECRET)
        quoted = quote(str(tmp_path / "secret"), safe="")
        ports = {"": urlsplit(hub.url).port, "cdn": cdn_port(hub)}

        @settings(max_examples=200, suppress_health_check=list(HealthCheck))
        @given(STARTS, st.lists(SEGMENTS | st.just(quoted), max_size=4))
        @example(f"{REPO}/resolve/main", ["secret"])
        @example(f"{REPO}/resolve/main", [quoted])
        @example("cdn", ["secret"])
        def ask(start: str, segments: list[str]) -> None:
            answer = raw(ports.get(start, ports[""]), "/" + "/".join([start, *segments]))
            head, _, body = answer.partition(b"\r\n\r\n")
            assert SECRET not in answer
            assert b"root:" not in answer
            if head.startswith(b"HTTP/1.1 200 "):
                assert body == b"{}" or b"application/json" in head

        ask()


def cdn_port(hub: Hub) -> int | None:
    hub.commit("acme/other", {"a.bin": b"x"})
    head = httpx.head(f"{hub.url}/acme/other/resolve/main/a.bin", trust_env=False)
    return urlsplit(head.headers["Location"]).port


def raw(port: int | None, path: str) -> bytes:
    """Request *path* unchanged; clients would normalise it."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nConnection: close\r\n\r\n".encode())
        with connection.makefile("rb") as answer:
            return answer.read()


def test_a_blob_that_leads_out_of_the_folder_is_not_followed(
    hub: Hub, plain: httpx.Client, tmp_path: Path
) -> None:
    hub.commit(REPO, {"config.json": b"{}"})
    (tmp_path / "secret").write_bytes(SECRET)
    (blob,) = (tmp_path / "hub" / "blobs").iterdir()
    blob.unlink()
    blob.symlink_to(tmp_path / "secret")
    answer = plain.get(f"/{REPO}/resolve/main/config.json")
    assert answer.status_code == 500
    assert SECRET not in answer.content


def test_a_file_that_has_shrunk_is_reported_as_a_failure_of_the_hub(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="the Hub failed to answer"):  # noqa: PT012, SIM117
        with hub_server(tmp_path / "hub") as hub:
            hub.commit(REPO, {"config.json": b"{}"})
            (blob,) = (tmp_path / "hub" / "blobs").iterdir()
            blob.write_bytes(b"{")
            with pytest.raises(httpx.RemoteProtocolError):
                httpx.get(f"{hub.url}/{REPO}/resolve/main/config.json", trust_env=False)


def test_commits_outlive_the_process(tmp_path: Path) -> None:
    files = {"config.json": b"{}", "model.safetensors": b"weights"}
    with hub_server(tmp_path / "hub") as first:
        commit = first.commit(REPO, files)
        first.private(REPO, token="hf_x")
    with hub_server(tmp_path / "hub") as second:
        client = Client(second.url, tmp_path / "client")
        assert client.snapshot(REPO, token="hf_x", revision=commit) == files
        plain = httpx.get(f"{second.url}/api/models/{REPO}", trust_env=False)
        assert plain.status_code == 401
