"""Credentials of `modelcache load` are checked before they are sent, and never shown.

The word that is searched for is in every credential: in the log, in all files, in base64 too.
"""

import base64
import json
import secrets
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.cli.command import Ran, modelcache
from tests.hub.fault import Fault
from tests.loading.buckets import WEIGHTS, published
from tests.loading.echo_server import EchoServer, echo_server
from tests.loading.loading import Loader
from tests.loading.programs import HOST
from tests.loading.s3_server import KEY, SECRET, s3_bucket, s3_server

CANARY: Final = "canary7Zx7Qp4Kt9Wv2Lm5"
CLOSED: Final = f"http://127.0.0.1:{HOST.free_port()}"
HUB, REGISTRY, S3, GS = (
    "acme/tiny",
    "oci://127.0.0.1:9/acme/tiny",
    "s3://models/v1",
    "gs://models/v1",
)
NONE: Final = dict.fromkeys((
    "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_ENDPOINT", "HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY",
    "NO_PROXY", "https_proxy", "http_proxy", "all_proxy", "no_proxy", "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE", "AWS_CA_BUNDLE",
), "")  # fmt: skip
LOGS: Final = {
    "HF_DEBUG": "1", "HF_HUB_VERBOSITY": "debug", "S3FS_LOGGING_LEVEL": "DEBUG",
    "GCSFS_DEBUG": "DEBUG", "FSSPEC_LOGGING_LEVEL": "DEBUG", "PYTHONWARNINGS": "always",
}  # fmt: skip
AWS: Final = {
    "AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ENDPOINT_URL": CLOSED, "AWS_EC2_METADATA_DISABLED": "true",
}  # fmt: skip

Given = tuple[str, list[str], dict[str, str], str]
"""Source, flags, variables, and the place that the message must name."""


def hidden(text: str) -> None:
    """Check that *text* has no part of a credential, as it is or in base64."""
    assert CANARY not in text
    for before in range(3):
        # The middle of its base64, wherever in a longer text it begins.
        encoded = base64.b64encode(b"x" * before + CANARY.encode()).decode()
        assert encoded[4:-4] not in text


def load(source: str, store: Path, *flags: str, **more: str) -> Ran:
    ran = modelcache("load", source, store, "--deadline=20s", *flags, env=NONE | more)
    hidden(ran.out + ran.err)
    for path in store.rglob("*"):
        hidden(path.read_text(errors="replace") if path.is_file() else path.name)
    return ran


def of_variable(name: str, source: str, **more: str) -> Callable[[Path, str], Given]:
    return lambda _, text: (source, [], more | {name: text}, f"{name}: ")


def of_token_file(source: str, before: str = "") -> Callable[[Path, str], Given]:
    def made(folder: Path, text: str) -> Given:
        (folder / "token").write_text(before + text)
        return source, ["--token-file", str(folder / "token")], {}, str(folder / "token")

    return made


def of_login(folder: Path, text: str) -> Given:
    (folder / "token").write_text(text)
    return HUB, [], {"HF_HOME": str(folder)}, str(folder / "token")


def of_docker(**auth: str) -> Callable[[Path, str], Given]:
    def made(folder: Path, text: str) -> Given:
        filled: dict[str, Any] = {key: value.replace("?", text) for key, value in auth.items()}
        if "auth" in filled:
            filled["auth"] = base64.b64encode(filled["auth"].encode()).decode()
        config = folder / "config.json"
        config.write_text(json.dumps({"auths": {"127.0.0.1:9": filled}}))
        return REGISTRY, [], {"DOCKER_CONFIG": str(folder)}, f"{config}: the credentials for "

    return made


def of_aws_file(folder: Path, text: str) -> Given:
    text = text.replace("\n", "\n  ")  # a value goes on where a line is indented
    (folder / "aws").write_text(f"[default]\naws_access_key_id=A\naws_secret_access_key={text}\n")
    more = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
    file = {"AWS_SHARED_CREDENTIALS_FILE": str(folder / "aws")}
    return S3, [], AWS | more | file, "the credentials of shared-credentials-file"


def of_url(name: str, source: str, **more: str) -> Callable[[Path, str], Given]:
    return lambda _, text: (source, [], more | {name: f"http://user:{text}@127.0.0.1:9"}, name)


PLACES: dict[str, Callable[[Path, str], Given]] = {
    "HF_TOKEN": of_variable("HF_TOKEN", HUB),
    "HUGGING_FACE_HUB_TOKEN": of_variable("HUGGING_FACE_HUB_TOKEN", HUB),
    "token file": of_token_file(HUB),
    "login": of_login,
    "token of a registry": of_token_file(REGISTRY),
    "password of a registry": of_token_file(REGISTRY, "name:"),
    "docker auth": of_docker(auth="name:?"),
    "docker password": of_docker(username="name", password="?"),
    "docker identity token": of_docker(identitytoken="?"),
    "docker registry token": of_docker(registrytoken="?"),
    "AWS_ACCESS_KEY_ID": of_variable("AWS_ACCESS_KEY_ID", S3, **AWS),
    "AWS_SECRET_ACCESS_KEY": of_variable("AWS_SECRET_ACCESS_KEY", S3, **AWS),
    "AWS_SESSION_TOKEN": of_variable("AWS_SESSION_TOKEN", S3, **AWS),
    "file of AWS": of_aws_file,
    "HTTPS_PROXY": of_url("HTTPS_PROXY", HUB),
    "all_proxy": of_url("all_proxy", S3, **AWS),
    "HF_ENDPOINT": of_url("HF_ENDPOINT", HUB),
    "AWS_ENDPOINT_URL": of_url("AWS_ENDPOINT_URL", S3, **AWS),
}
SHAPES: dict[str, tuple[str, str]] = {
    "two lines": (f"{CANARY}\n{CANARY}2", "has 2 lines: a credential is one line"),
    "control": (f"{CANARY}\x7f", "is a control character"),
    "not ASCII": (f"{CANARY}…", "is not ASCII"),
}
NO_TOKENS: dict[str, tuple[str, str]] = {
    "quotes": (f'"{CANARY}"', "is in quotation marks: write it without them"),
    "two words": (f"Bearer {CANARY}", "has a space: write only the token there"),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("place", PLACES)
def test_a_credential_of_a_bad_shape_is_refused_at_once_and_never_shown(
    store: Path, tmp_path: Path, place: str, shape: str
) -> None:
    text, why = SHAPES[shape]
    source, flags, more, where = PLACES[place](tmp_path, text)
    ran = load(source, store, *flags, **more)
    assert ran.status == 1
    assert where in ran.err
    assert why in ran.err
    assert "again in" not in ran.err
    assert list(store.iterdir()) == []


@pytest.mark.parametrize("shape", NO_TOKENS)
@pytest.mark.parametrize("place", ["HF_TOKEN", "token file", "login", "token of a registry"])
def test_a_token_in_quotes_or_with_another_word_is_refused_at_once(
    store: Path, tmp_path: Path, place: str, shape: str
) -> None:
    text, why = NO_TOKENS[shape]
    source, flags, more, _ = PLACES[place](tmp_path, text)
    ran = load(source, store, *flags, **more)
    assert ran.status == 1
    assert why in ran.err


@pytest.mark.parametrize("text", ["", "\n", " \n\n"])
def test_an_empty_token_file_is_named(store: Path, tmp_path: Path, text: str) -> None:
    source, flags, _, where = of_token_file(HUB)(tmp_path, text)
    ran = load(source, store, *flags, HF_TOKEN=CANARY)
    assert (ran.status, ran.err) == (1, f"modelcache: {where}: is empty: a token must be in it\n")


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("place", ["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "token file", "login"])
def test_white_space_around_a_token_does_no_harm(
    loading: Loader, tmp_path: Path, place: str, end: str
) -> None:
    loading.hub.private(HUB, CANARY)
    _, flags, more, _ = PLACES[place](tmp_path, f" {CANARY}{end}")
    ran = load(HUB, loading.store, *flags, **more, HF_ENDPOINT=loading.hub.url + "\n")
    assert ran.status == 0, ran.err
    login = f"modelcache: hf://{HUB}: uses the login in {tmp_path / 'token'}\n"
    assert (login in ran.err) is (place == "login")


@pytest.mark.parametrize("place", ["HF_TOKEN", "token file", "login"])
def test_a_refusal_names_where_the_token_comes_from(
    loading: Loader, tmp_path: Path, place: str
) -> None:
    loading.hub.private(HUB, "another")
    _, flags, more, where = PLACES[place](tmp_path, CANARY)
    ran = load(HUB, loading.store, *flags, **more, HF_ENDPOINT=loading.hub.url)
    assert ran.status == 1
    whence = "--token-file" if flags else where.removesuffix(": ")
    assert f"there is no access with this token ({whence})" in ran.err


def test_white_space_around_credentials_of_aws_does_no_harm(store: Path, tmp_path: Path) -> None:
    with s3_server(tmp_path) as port, s3_bucket(port, f"m-{secrets.token_hex(4)}") as bucket:
        bucket.put_model(tmp_path)
        more = {"AWS_ACCESS_KEY_ID": f"{KEY}\n", "AWS_SECRET_ACCESS_KEY": f" {SECRET}\r\n"}
        assert (published(bucket.load(store, **more)) / WEIGHTS).exists()


@pytest.fixture(scope="module")
def echo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[EchoServer, Path]]:
    with echo_server(tmp_path_factory.mktemp("echo")) as found:
        yield found


KINDS: Final = (
    "hub", "hub with user", "token of a registry", "password of a registry", "s3", "s3 with user",
    "gs", "proxy", "proxy of s3",
)  # fmt: skip


def sources(server: EchoServer, folder: Path) -> dict[str, Given]:
    """Return every source, with a credential that has the right shape."""
    key = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    account = {
        "type": "service_account", "project_id": "p", "private_key_id": CANARY,
        "private_key": key.decode(), "client_email": f"{CANARY}@example.com",
        "token_uri": f"{server.url}/token",
    }  # fmt: skip
    (folder / "account.json").write_text(json.dumps(account))
    (folder / "token").write_text(CANARY)
    (folder / "password").write_text(f"{CANARY}:{CANARY}")
    oci = f"oci://{server.host}/acme/tiny"
    aws = {**AWS, "AWS_ENDPOINT_URL": server.url, "AWS_ACCESS_KEY_ID": CANARY}
    aws |= {"AWS_SECRET_ACCESS_KEY": CANARY, "AWS_SESSION_TOKEN": CANARY}
    proxy = {"HTTPS_PROXY": f"http://{CANARY}:{CANARY}@{server.host}"}
    whole = server.url.replace("://", f"://{CANARY}:{CANARY}@")
    return {
        "hub": (HUB, [], {"HF_TOKEN": CANARY, "HF_ENDPOINT": server.url}, ""),
        "hub with user": (HUB, [], {"HF_ENDPOINT": whole}, ""),
        "token of a registry": (oci, ["--token-file", str(folder / "token")], {}, ""),
        "password of a registry": (oci, ["--token-file", str(folder / "password")], {}, ""),
        "s3": (S3, [], aws, ""),
        "s3 with user": (S3, [], aws | {"AWS_ENDPOINT_URL": whole}, ""),
        "gs": (GS, [], {"GOOGLE_APPLICATION_CREDENTIALS": str(folder / "account.json")}, ""),
        "proxy": ("https://example.com/m.safetensors", [], proxy, ""),
        "proxy of s3": (S3, [], aws | proxy | {"AWS_ENDPOINT_URL": "https://example.com"}, ""),
    }


@pytest.mark.parametrize("status", [302, 401, 403, 500])
@pytest.mark.parametrize("kind", KINDS)
def test_a_server_that_repeats_credentials_in_its_answers_is_not_quoted(
    echo: tuple[EchoServer, Path], store: Path, tmp_path: Path, kind: str, status: int
) -> None:
    server, authority = echo
    server.status = status
    source, flags, more, _ = sources(server, tmp_path)[kind]
    more |= LOGS | {"SSL_CERT_FILE": str(authority)}
    assert load(source, store, *flags, "--deadline=1s", **more).status == 1


@pytest.mark.parametrize(
    "source",
    [
        f"https://user:{CANARY}@host/m.safetensors", f"https://host/m.gguf?X-Amz-Signature={CANARY}",
        f"ftp://user:{CANARY}@host/m", f"hf://user:{CANARY}@huggingface.co/acme/tiny",
        f"oci://user:{CANARY}@registry/acme/tiny", f"s3://{CANARY}:{CANARY}@bucket/m",
    ],
)  # fmt: skip
def test_credentials_in_a_source_are_refused_and_not_repeated(store: Path, source: str) -> None:
    assert load(source, store).status == 1


def test_a_core_file_is_never_written(loading: Loader) -> None:
    loading.hub.fault(Fault(where="api", before_headers_seconds=50))
    allowed = ["prlimit", "--core=unlimited:unlimited"]
    process = subprocess.Popen([*allowed, *loading.command()], env=loading.environment())
    try:
        while not loading.hub.requests():
            assert process.poll() is None
        limits = Path(f"/proc/{process.pid}/limits").read_text()
        assert [line.split()[4] for line in limits.splitlines() if "core file" in line] == ["0"]
    finally:
        process.kill()
        process.wait()
