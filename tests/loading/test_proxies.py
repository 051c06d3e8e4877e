"""Proxies and private authorities: all sources follow the environment alike."""

import secrets
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.cli.command import Ran, modelcache
from tests.hub.running import hub_server
from tests.kubernetes.certificates import Authority
from tests.loading.faulty_server import FaultyServer, faulty_server
from tests.loading.gs_server import google_bucket, gs_server
from tests.loading.https_server import https_server
from tests.loading.programs import HOST, program
from tests.loading.registry_server import registries, repository
from tests.loading.s3_server import s3_bucket, s3_server
from tests.store.models import safetensors

WEIGHTS = "tiny.safetensors"
KINDS = (
    "hf", "https", "s3",
    pytest.param("gs", marks=pytest.mark.programs), pytest.param("oci", marks=pytest.mark.programs),
)  # fmt: skip
NAMES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "AWS_CA_BUNDLE")
USER, PASSWORD = "loader", "password-of-the-proxy"


@dataclass(frozen=True, slots=True)
class Remote:
    """A source behind TLS, with the environment to load from it."""

    uri: str
    host: str
    """Host and port of the server that is asked."""
    environment: dict[str, str]
    authority: Path


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy that requires a password."""

    port: int
    log: Path

    def url(self, password: str = PASSWORD) -> str:
        return f"http://{USER}:{password}@127.0.0.1:{self.port}"

    def connections(self, host: str) -> int:
        """Return how many tunnels to *host* there were; the proxy logs them as they end."""
        until = time.monotonic() + 5
        while not (found := self.log.read_text().count(f"CONNECT {host} - ")):
            if time.monotonic() > until:
                break
            time.sleep(0.05)
        return found


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    folder = tmp_path_factory.mktemp("proxy")
    port, log = HOST.free_port(), folder / "access.log"
    argv = [
        sys.executable, "-m", "proxy", "--hostname", "127.0.0.1", "--port", str(port),
        "--num-workers", "1", "--num-acceptors", "1", "--log-file", str(log),
        "--data-dir", str(folder), "--basic-auth", f"{USER}:{PASSWORD}",
    ]  # fmt: skip
    with program(argv, f"http://127.0.0.1:{port}/", folder / "proxy.log"):
        yield Proxy(port, log)


@contextmanager
def front(port: int, authority: Authority) -> Iterator[FaultyServer]:
    with faulty_server(port, authority.sign("front", hosts=["127.0.0.1"])) as found:
        yield found


@pytest.fixture(scope="module", params=KINDS)
def remote(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Remote]:
    """A source of each kind with one small file."""
    folder = tmp_path_factory.mktemp("remote")
    authority = Authority(folder / "pki")
    safetensors(folder / WEIGHTS, 5000)
    content, name = (folder / WEIGHTS).read_bytes(), f"m{secrets.token_hex(4)}"
    with ExitStack() as stack:
        enter = stack.enter_context
        match request.param:
            case "hf":
                hub = enter(hub_server(folder / "hub"))
                hub.commit(f"acme/{name}", {"config.json": b"{}", WEIGHTS: content})
                asked = enter(front(urlsplit(hub.url).port or 0, authority))
                flags = {"HF_ENDPOINT": asked.url}
                yield Remote(f"hf://acme/{name}", asked.host, flags, authority.certificate)
            case "https":
                server = enter(https_server(folder / "tls", content))
                host = urlsplit(server.url).netloc
                yield Remote(server.url, host, {}, server.authority)
            case "s3":
                port = enter(s3_server(folder))
                made = enter(s3_bucket(port, name))
                made.put({WEIGHTS: content})
                asked = enter(front(port, authority))
                flags = made.environment(AWS_ENDPOINT_URL=asked.url)
                yield Remote(f"s3://{name}", asked.host, flags, authority.certificate)
            case "gs":
                port = enter(gs_server(folder))
                there = enter(google_bucket(port, name))
                there.put({WEIGHTS: content})
                asked = enter(front(port, authority))
                flags = there.environment(STORAGE_EMULATOR_HOST=asked.url)
                yield Remote(f"gs://{name}", asked.host, flags, authority.certificate)
            case _:
                ports = enter(registries(folder))
                oci = enter(repository(ports))
                oci.push([oci.layer(content, name=WEIGHTS)])
                yield Remote(oci.uri, oci.faulty.host, {}, ports.authority.certificate)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    path = tmp_path / "store"
    path.mkdir()
    return path


def load(remote: Remote, store: Path, *flags: str, **more: str) -> Ran:
    none = dict.fromkeys((*NAMES, "HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"), "")
    given = none | {"SSL_CERT_DIR": ""} | remote.environment | more
    lower = {name.lower(): value for name, value in given.items() if name.endswith("_PROXY")}
    environment = given | lower  # which override the others
    wanted = ("--allow", "*.safetensors", "--allow", "*.json")
    ran = modelcache("load", remote.uri, store, *wanted, *flags, env=environment)
    assert PASSWORD not in ran.out + ran.err
    return ran


@pytest.mark.parametrize("name", NAMES)
def test_a_private_authority_is_trusted_whichever_variable_names_it(
    remote: Remote, store: Path, name: str
) -> None:
    ran = load(remote, store, **{name: str(remote.authority)})
    assert ran.status == 0, ran.err


def test_without_it_no_server_is_trusted(remote: Remote, store: Path, tmp_path: Path) -> None:
    other = Authority(tmp_path / "other").certificate
    ran = load(remote, store, SSL_CERT_FILE=str(other))
    assert ran.status == 1
    variable = "AWS_CA_BUNDLE" if remote.uri.startswith("s3://") else "SSL_CERT_FILE"
    assert ": certificate verify failed: " in ran.err
    assert ran.err.endswith(f"name a PEM file that has it in {variable}\n")
    assert "again in" not in ran.err, "no attempt would help"


def test_a_missing_authority_is_named(remote: Remote, store: Path) -> None:
    ran = load(remote, store, REQUESTS_CA_BUNDLE="/none.pem")
    assert ran.status == 1
    assert ran.err == (
        "modelcache: REQUESTS_CA_BUNDLE=/none.pem: is not a file: give certificate authorities as a PEM file\n"
    )


def test_a_download_goes_through_the_proxy(remote: Remote, store: Path, proxy: Proxy) -> None:
    before = proxy.connections(remote.host) if proxy.log.exists() else 0
    ran = load(remote, store, SSL_CERT_FILE=str(remote.authority), HTTPS_PROXY=proxy.url())
    assert ran.status == 0, ran.err
    assert proxy.connections(remote.host) > before


def test_a_proxy_that_is_down_is_not_bypassed(remote: Remote, store: Path) -> None:
    away = f"http://{USER}:{PASSWORD}@127.0.0.1:{HOST.free_port()}"
    ran = load(
        remote, store, "--deadline", "1s", SSL_CERT_FILE=str(remote.authority), HTTPS_PROXY=away
    )
    assert ran.status == 1
    assert ": the deadline has passed (--deadline)" in ran.err


def test_a_proxy_that_refuses_our_credentials_is_reported(
    remote: Remote, store: Path, proxy: Proxy
) -> None:
    wrong = proxy.url("wrong-" + PASSWORD)
    ran = load(remote, store, SSL_CERT_FILE=str(remote.authority), HTTPS_PROXY=wrong)
    assert ran.status == 1
    assert ran.err.endswith("the proxy answered 407: check user and password in HTTPS_PROXY\n")
    assert "again in" not in ran.err, "no attempt would help"


def test_a_host_of_no_proxy_is_asked_directly(remote: Remote, store: Path) -> None:
    away = f"http://127.0.0.1:{HOST.free_port()}"
    ran = load(
        remote, store, SSL_CERT_FILE=str(remote.authority), HTTPS_PROXY=away, NO_PROXY="127.0.0.1"
    )
    assert ran.status == 0, ran.err
