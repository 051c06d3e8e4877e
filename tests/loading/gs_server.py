"""Run a server of Google Cloud Storage (fake-gcs-server) with buckets for tests."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import httpx

from tests.kubernetes import binaries
from tests.loading.buckets import WEIGHTS, Bucket
from tests.loading.faulty_server import faulty_server
from tests.loading.programs import HOST, program

TOKEN = "ya29.token-of-the-tests"


@contextmanager
def gs_server(folder: Path) -> Iterator[int]:
    """Run it for a `with` block, and yield its port."""
    port = HOST.free_port()
    argv: list[str | Path] = [
        binaries.path(binaries.FAKE_GCS), "-scheme", "http", "-host", "127.0.0.1",
        "-port", str(port), "-backend", "memory",
    ]  # fmt: skip
    with program(argv, f"http://127.0.0.1:{port}/storage/v1/b", folder / "gcs.log"):
        yield port


@dataclass(frozen=True, slots=True)
class GoogleBucket(Bucket):
    """A bucket of Google Cloud Storage."""

    client: httpx.Client

    scheme = "gs"
    library = "gcsfs"
    secrets = (TOKEN,)
    listing = "/storage/v1/b/*"
    weights = f"/download/*{WEIGHTS}*"
    changed = removed = "has changed since it was listed, or is gone"
    no_bucket = "answered 404"

    def put(self, objects: Mapping[str, bytes]) -> None:
        for name, content in objects.items():
            params = {"uploadType": "media", "name": name}
            path = f"/upload/storage/v1/b/{self.name}/o"
            self.client.post(path, params=params, content=content).raise_for_status()

    def remove(self, name: str) -> None:
        path = f"/storage/v1/b/{self.name}/o/{quote(name, safe='')}"
        self.client.delete(path).raise_for_status()

    def etag(self, name: str) -> str:
        path = f"/storage/v1/b/{self.name}/o/{quote(name, safe='')}"
        return str(self.client.get(path).raise_for_status().json()["etag"])

    def environment(self, **more: str) -> dict[str, str]:
        return {"STORAGE_EMULATOR_HOST": self.faulty.url} | more


@contextmanager
def google_bucket(port: int, name: str) -> Iterator[GoogleBucket]:
    """Make a bucket for one test."""
    with (
        httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client,
        faulty_server(port) as faulty,
    ):
        client.post("/storage/v1/b", json={"name": name}).raise_for_status()
        yield GoogleBucket(name, faulty, client)
