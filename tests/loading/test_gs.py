"""Google Cloud Storage only: credentials. The rest is in test_buckets."""

import json
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.loading.buckets import published, refused
from tests.loading.faulty_server import Fault
from tests.loading.gs_server import TOKEN, GoogleBucket, google_bucket, gs_server

pytestmark = pytest.mark.programs


@pytest.fixture
def gs(tmp_path: Path) -> Iterator[GoogleBucket]:
    with (
        gs_server(tmp_path) as port,
        google_bucket(port, f"models-{secrets.token_hex(4)}") as found,
    ):
        found.put_model(tmp_path)
        yield found


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
    published(gs.load(store, GOOGLE_APPLICATION_CREDENTIALS=key))
    sent = [one.headers.get("authorization") for one in gs.faulty.asked if one.method == "GET"]
    assert set(sent) == {f"Bearer {TOKEN}"}


def test_bad_credentials_are_reported_without_their_text(
    gs: GoogleBucket, store: Path, tmp_path: Path
) -> None:
    gs.faulty.faults.append(Fault("/token", "POST", status=400, body=b'{"error": "invalid"}'))
    key = service_account(tmp_path, f"{gs.faulty.url}/token")
    for path in (key, str(tmp_path / "none.json")):
        said = refused(gs.load(store, GOOGLE_APPLICATION_CREDENTIALS=path), store)
        assert "can't get credentials" in said
        assert "PRIVATE" not in said
