"""Load from a Hub as people do: with the command, in a process."""

import contextlib
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.forking.process import ENVIRONMENT, ROOT, run
from tests.hub.running import Hub
from tests.store.models import sharded
from webhook.loading.load import load
from webhook.loading.options import Options
from webhook.loading.patterns import Patterns
from webhook.loading.published import Loaded
from webhook.store.manifest import sha256_of
from webhook.store.verify import faults_of

REPOSITORY = "acme/tiny"


@dataclass(frozen=True, slots=True)
class Loader:
    """A Hub, a store, and the loader between them."""

    hub: Hub
    store: Path
    model: Path
    """The directory of the model as it was committed."""
    commit: str
    said: list[str] = field(default_factory=list)

    @property
    def place(self) -> Path:
        """Where the model is published."""
        return self.store / "acme--tiny" / self.commit

    @property
    def size(self) -> int:
        """Bytes of all its files."""
        return sum(path.stat().st_size for path in self.model.iterdir())

    def command(self, *flags: str | Path, source: str = REPOSITORY) -> list[str]:
        return [sys.executable, "-m", "webhook", "load", source, str(self.store), *map(str, flags)]

    def environment(self, **more: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
        return kept | ENVIRONMENT | {"HF_ENDPOINT": self.hub.url} | more

    def run(
        self, *flags: str | Path, source: str = REPOSITORY, seconds: float = 120, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run the command to its end; a traceback fails the test."""
        done = run(
            self.command(*flags, source=source), text=True, cwd=ROOT, seconds=seconds,
            env=self.environment(**environment),
        )  # fmt: skip
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def load(self, repository: str = REPOSITORY, deadline: float = 60) -> Loaded:
        """Load in this process, which saves the imports; ValueError says why it failed."""
        options = Options(
            source=repository, store=self.store, patterns=Patterns(), safetensors_only=True,
            hub_cache=False, token=None, endpoint=self.hub.url, parallel=3, deadline=deadline,
        )  # fmt: skip
        return load(options, self.said.append, lambda what, total: contextlib.nullcontext(unseen))

    def until(self, process: "subprocess.Popen[str]", size: int) -> None:
        """Wait until the Hub has sent *size* bytes to *process*, which keeps running."""
        while self.fetched() < size:
            assert process.poll() is None
            time.sleep(0.01)

    def see_whole(self) -> None:
        """Check that the whole model is published, and that the store has nothing else."""
        assert not list(faults_of(self.place, full=True))
        for path in self.model.iterdir():
            assert sha256_of(self.place / path.name) == sha256_of(path)
        assert not list((self.store / ".incoming").iterdir())

    def fetched(self) -> int:
        """Return how many bytes of files the Hub has sent, without metadata."""
        return sum(one.sent for one in self.hub.requests() if not one.path.startswith("/api/"))


def unseen(done: int) -> None:
    """Show no progress."""


def loader(hub: Hub, folder: Path, shards: int, size: int, store: Path | None = None) -> Loader:
    """Return a loader for a model of *size* bytes that is on the Hub and not in the store.

    *store*: None: a new one.
    """
    model = sharded(folder / "model", shards, size)
    files: dict[str, bytes | Path] = {path.name: path for path in model.iterdir()}
    if store is None:
        store = folder / "store"
        store.mkdir()
    return Loader(hub, store, model, hub.commit(REPOSITORY, files))
