"""A model of one file at an https URL: its ETag is its commit, and versions are never mixed."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.command import Ran, modelcache
from tests.loading.https_server import HttpsServer, https_server
from tests.store.models import safetensors
from webhook.models.layout import uri_folder

SIZE = 3_000_000


def content(path: Path, size: int = SIZE) -> bytes:
    safetensors(path, size)
    return path.read_bytes()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[HttpsServer]:
    with https_server(tmp_path / "tls", content(tmp_path / "m.safetensors")) as found:
        yield found


@pytest.fixture
def store(tmp_path: Path) -> Path:
    path = tmp_path / "store"
    path.mkdir()
    return path


def load(server: HttpsServer, store: Path, url: str = "") -> Ran:
    trust = {"SSL_CERT_FILE": str(server.authority)}
    return modelcache("load", url or server.url, store, env=trust)


def place(server: HttpsServer, store: Path, etag: str) -> Path:
    commit = hashlib.sha256(etag.encode()).hexdigest()
    return store / uri_folder(server.url) / commit / "tiny.safetensors"


def test_a_file_is_published_by_its_etag(server: HttpsServer, store: Path) -> None:
    ran = load(server, store)
    assert ran.status == 0, ran.err
    assert place(server, store, '"one"').read_bytes() == server.content
    assert load(server, store).out.endswith(" 0 of them downloaded\n")


def test_a_private_authority_must_be_named(server: HttpsServer, store: Path) -> None:
    ran = modelcache("load", server.url, store)
    assert ran.status == 1
    assert "certificate verify failed: " in ran.err
    assert "name a PEM file that has it in SSL_CERT_FILE" in ran.err
    assert "again in" not in ran.err, "no attempt would help"


def test_a_body_that_ends_early_continues_where_it_stopped(
    server: HttpsServer, store: Path
) -> None:
    server.cut = 1_000_000
    assert load(server, store).status == 0
    assert place(server, store, '"one"').read_bytes() == server.content
    assert server.asked[-1] == ("bytes=1000000-", 206)


def test_a_file_that_changes_meanwhile_is_not_mixed(server: HttpsServer, store: Path) -> None:
    other = server.content[:-1] + b"\xee"  # the same length
    server.cut, server.then = 1_000_000, (other, '"two"')
    ran = load(server, store)
    assert ran.status == 1
    assert "has changed since it was listed" in ran.err
    assert [path.name for path in store.iterdir()] == [".incoming"]
    assert load(server, store).status == 0
    assert place(server, store, '"two"').read_bytes() == server.content


def test_an_answer_without_etag_and_date_is_refused(server: HttpsServer, store: Path) -> None:
    server.etag = ""
    ran = load(server, store)
    assert ran.status == 1
    assert "answers with neither ETag nor Last-Modified" in ran.err


def test_a_missing_file_is_reported_without_secrets(server: HttpsServer, store: Path) -> None:
    ran = load(server, store, server.url.replace("tiny", "none"))
    assert ran.status == 1
    assert "none.safetensors: answered 404" in ran.err
