"""Mistakes that last: `modelcache load` names them with the remedy at once, and does not try again."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.cli.command import Ran, modelcache
from tests.loading.echo_server import echo_server
from tests.loading.https_server import https_server
from tests.loading.test_credentials import AWS, HUB, NONE, S3

NO_SCHEME: Final = "must begin with http:// or https://"
PLAIN: Final = "speaks plain HTTP where TLS was expected"
NO_PORT: Final = "has no valid host and port: in a password, write / : @ ? # as %2F"


@pytest.fixture(scope="module")
def plain() -> Iterator[str]:
    """Host and port of a server of plain HTTP."""
    with echo_server() as (server, _):
        yield server.host


def refused(source: str, store: Path, *flags: str, **more: str) -> str:
    """Return the message for a load that ends with its first attempt."""
    ran: Ran = modelcache("load", source, store, *flags, env=NONE | more)
    assert (ran.status, ran.out) == (1, "")
    assert "again in" not in ran.err
    assert list(store.iterdir()) == []
    return ran.err


@pytest.mark.parametrize(
    ("source", "variables", "said"),
    [
        (HUB, {"HF_ENDPOINT": "hub.example"}, f'HF_ENDPOINT="hub.example": {NO_SCHEME}'),
        (HUB, {"HF_ENDPOINT": "hub.example:8080"}, NO_SCHEME),
        (HUB, {"HF_ENDPOINT": "ftp://hub.example"}, NO_SCHEME),
        (HUB, {"HF_ENDPOINT": "https://"}, 'HF_ENDPOINT="https:": must begin'),
        (HUB, {"HF_ENDPOINT": "https://hub:port"}, NO_PORT),
        (S3, AWS | {"AWS_ENDPOINT_URL": "minio:9000"}, f'AWS_ENDPOINT_URL="minio:9000": {NO_SCHEME}'),
        (S3, AWS | {"AWS_ENDPOINT_URL_S3": "minio"}, f'AWS_ENDPOINT_URL_S3="minio": {NO_SCHEME}'),
        (HUB, {"HTTPS_PROXY": "socks5://proxy:1080"}, f'HTTPS_PROXY="socks5://proxy:1080": {NO_SCHEME}'),
        (S3, AWS | {"https_proxy": "http://user:a/b@proxy:80"}, f'https_proxy="http://…@proxy:80": {NO_PORT}'),
    ],
)  # fmt: skip
def test_an_address_that_is_none_is_named_with_its_variable(
    store: Path, source: str, variables: dict[str, str], said: str
) -> None:
    assert said in refused(source, store, **variables)


def test_all_proxies_that_are_wrong_are_named_at_once(store: Path) -> None:
    said = refused(HUB, store, HTTP_PROXY="socks5://a", all_proxy="http://a:b")
    assert "HTTP_PROXY=" in said
    assert "all_proxy=" in said


@pytest.mark.parametrize("kind", ["hub", "s3", "oci", "https"])
def test_plain_http_where_tls_was_expected_is_named(store: Path, plain: str, kind: str) -> None:
    url = f"https://{plain}"
    source, variables = {
        "hub": (HUB, {"HF_ENDPOINT": url}),
        "s3": (S3, AWS | {"AWS_ENDPOINT_URL": url}),
        "oci": (f"oci://{plain}/acme/tiny", {}),
        "https": (f"{url}/m.safetensors", {}),
    }[kind]
    assert PLAIN in refused(source, store, **variables)


@pytest.mark.parametrize("text", ["", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n"])
def test_a_file_of_authorities_that_is_none_is_named(
    store: Path, tmp_path: Path, text: str
) -> None:
    (tmp_path / "ca.pem").write_text(text)
    said = refused(HUB, store, REQUESTS_CA_BUNDLE=str(tmp_path / "ca.pem"))
    assert f"REQUESTS_CA_BUNDLE={tmp_path / 'ca.pem'}: can't be read as certificates" in said


def test_a_certificate_for_another_name_is_named(store: Path, tmp_path: Path) -> None:
    with https_server(tmp_path / "tls", b"{}") as server:
        url = server.url.replace("127.0.0.1", "localhost")
        said = refused(url, store, SSL_CERT_FILE=str(server.authority))
    assert "its certificate is for another name: use the name that it has" in said
