"""A model in Ollama's registry, written as the store that Ollama reads.

The registry here is distribution, whose protocol Ollama's registry speaks.
"""

import json
import secrets
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli.command import Ran, modelcache
from tests.kubernetes import binaries
from tests.loading.buckets import published
from tests.loading.disks import run
from tests.loading.faulty_server import Fault
from tests.loading.registry_server import Ports, Repository, digest_of, repository
from webhook.models.layout import uri_folder

pytestmark = pytest.mark.programs

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
KINDS = ("model", "template", "license", "params")
WEIGHTS = secrets.token_bytes(3_000_000)


@dataclass(frozen=True, slots=True)
class Pushed:
    """A model of a registry, as `ollama push` leaves it there."""

    registry: Repository
    blobs: tuple[bytes, ...]
    manifest: bytes

    @property
    def uri(self) -> str:
        return f"ollama://{self.registry.faulty.host}/{self.registry.name}:3b"

    def load(self, store: Path, *flags: str) -> Ran:
        environment = {"SSL_CERT_FILE": str(self.registry.ports.authority.certificate)}
        return modelcache("load", self.uri, store, *flags, env=environment)

    def files(self) -> dict[str, bytes]:
        """Return path → content of the store that Ollama reads."""
        place = f"manifests/{self.registry.faulty.host}/{self.registry.name}/3b"
        blobs = {f"blobs/{digest_of(blob).replace(':', '-')}": blob for blob in self.blobs}
        return {place: self.manifest, **blobs}


@pytest.fixture
def pushed(ports: Ports) -> Iterator[Pushed]:
    with repository(ports) as registry:
        config = b'{"model_format":"gguf"}'
        blobs = (WEIGHTS, b"{{ .Prompt }}", b"MIT", b'{"stop":["<end>"]}')
        document = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": {
                "mediaType": "application/vnd.docker.container.image.v1+json",
                "digest": registry.blob(config),
                "size": len(config),
            },
            "layers": [
                {
                    "mediaType": f"application/vnd.ollama.image.{kind}",
                    "digest": registry.blob(blob),
                    "size": len(blob),
                }
                for kind, blob in zip(KINDS, blobs, strict=True)
            ],
        }
        registry.manifest(document, "3b")
        yield Pushed(registry, (config, *blobs), json.dumps(document).encode())


def content(place: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(place)): path.read_bytes()
        for path in place.rglob("*")
        if path.is_file() and path.name != ".modelcache.json"
    }


def test_it_is_published_as_the_store_that_ollama_reads(pushed: Pushed, store: Path) -> None:
    place = published(pushed.load(store))
    digest = digest_of(pushed.manifest).replace(":", "-")
    assert place == store / uri_folder(pushed.uri) / digest
    assert (place.parent / "main").readlink() == Path(digest)
    assert content(place) == pushed.files()
    assert pushed.load(store).out.endswith(" 0 of them downloaded\n")


def test_ollamas_own_code_reads_it_where_it_can_not_write(pushed: Pushed, store: Path) -> None:
    place = published(pushed.load(store))
    run("mount", "--bind", place, place)
    try:
        run("mount", "-o", "remount,bind,ro", place)
        done = subprocess.run(
            [binaries.path(binaries.OLLAMA_STORE)],
            env={"OLLAMA_MODELS": str(place), "HOME": "/nonexistent"},
            check=False, capture_output=True, text=True,
        )  # fmt: skip
    finally:
        run("umount", place)
    assert done.returncode == 0, done.stderr
    config, *layers = pushed.blobs
    name = f"{pushed.registry.faulty.host}/{pushed.registry.name}:3b"
    assert json.loads(done.stdout) == {name: [len(blob) for blob in (*layers, config)]}


def test_a_node_copies_it_from_a_claim_with_every_file(
    pushed: Pushed, store: Path, tmp_path: Path
) -> None:
    place = published(pushed.load(store))
    node = tmp_path / "node"
    node.mkdir()
    before = len(pushed.registry.faulty.asked)
    copied = published(pushed.load(node, "--first", f"file://{place.parent}/main"))
    assert content(copied) == pushed.files()
    assert len(pushed.registry.faulty.asked) == before


def test_a_tag_that_moved_is_another_model(pushed: Pushed, store: Path) -> None:
    first = published(pushed.load(store))
    document = json.loads(pushed.manifest)
    document["layers"].pop()
    pushed.registry.manifest(document, "3b")
    second = published(pushed.load(store))
    assert second != first
    assert len(content(first)) == len(content(second)) + 1


def test_wrong_bytes_are_never_published(pushed: Pushed, store: Path) -> None:
    pushed.registry.faulty.faults.append(Fault("*/blobs/*", corrupt_at=1))
    ran = pushed.load(store)
    assert (ran.status, ran.out) == (1, "")
    assert "its sha256 is " in ran.err
    assert {path.name for path in store.iterdir()} <= {".incoming"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"layers": []}, "is not a model of Ollama"),
        ({"config": None}, "is not a model of Ollama"),
    ],
)
def test_what_is_no_model_of_ollama_is_refused(
    pushed: Pushed, store: Path, change: dict[str, object], said: str
) -> None:
    answer = {"schemaVersion": 2, "mediaType": MANIFEST, **json.loads(pushed.manifest), **change}
    replaced = json.dumps({key: value for key, value in answer.items() if value is not None})
    pushed.registry.faulty.faults.append(Fault("*/manifests/*", status=200, body=replaced.encode()))
    ran = pushed.load(store)
    assert ran.status == 1
    assert said in ran.err
