"""A bucket with a model, for tests of S3 and of Google Cloud Storage."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from tests.cli.command import Ran, modelcache
from tests.loading.faulty_server import Asked, FaultyServer
from tests.store.models import safetensors
from webhook.store.verify import faults_of

WEIGHTS = "model.safetensors"
SIZE = 3_000_000
MiB = 2**20


@dataclass(frozen=True, slots=True)
class Bucket(ABC):
    """A bucket that one test uses, behind a faulty server."""

    name: str
    faulty: FaultyServer

    scheme: ClassVar[str]
    library: ClassVar[str]
    """The library that the extra of that name installs."""
    secrets: ClassVar[tuple[str, ...]]
    """Texts that no command may print."""
    listing: ClassVar[str]
    """A pattern of the requests that list objects."""
    weights: ClassVar[str]
    """A pattern of the requests for the weights."""
    changed: ClassVar[str]
    """What load prints for an object that was replaced after it was listed."""
    removed: ClassVar[str]
    """The same for an object that was removed."""
    no_bucket: ClassVar[str]
    """The same for a bucket that does not exist."""

    @abstractmethod
    def put(self, objects: Mapping[str, bytes]) -> None: ...

    @abstractmethod
    def remove(self, name: str) -> None: ...

    @abstractmethod
    def etag(self, name: str) -> str: ...

    @abstractmethod
    def environment(self, **more: str) -> dict[str, str]:
        """Return the variables that send a loader to the faulty server."""

    def put_model(self, folder: Path) -> None:
        """Put a model below v1, and another file outside of it."""
        model = {"v1/config.json": b"{}", f"v1/{WEIGHTS}": weights(folder)}
        self.put({**model, "v10/x.json": b"1"})

    def load(self, store: Path, *flags: str, path: str = "/v1", **environment: str) -> Ran:
        more = self.environment(**environment)
        ran = modelcache("load", f"{self.scheme}://{self.name}{path}", store, *flags, env=more)
        for secret in self.secrets:
            assert secret not in ran.out + ran.err
        return ran

    def gets(self) -> list[Asked]:
        """Return the requests for the weights."""
        return [one for one in self.faulty.asked if WEIGHTS in one.path and one.method == "GET"]

    def codes(self, status: int) -> int:
        """Return how many answers had a status."""
        return [one.code for one in self.faulty.asked].count(status)


def weights(folder: Path, size: int = SIZE) -> bytes:
    safetensors(folder / WEIGHTS, size)
    return (folder / WEIGHTS).read_bytes()


def published(ran: Ran) -> Path:
    """Return the place of the published model, which is whole."""
    assert ran.status == 0, ran.err
    place = Path(ran.out.partition(": ")[0])
    assert not list(faults_of(place, full=True))
    return place


def refused(ran: Ran, store: Path) -> str:
    """Return the message; nothing is published."""
    assert (ran.status, ran.out) == (1, "")
    assert {path.name for path in store.iterdir()} <= {".incoming"}
    return ran.err
