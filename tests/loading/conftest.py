"""Fixtures: a Hub with a model, registries, and an empty store."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hub.running import hub_server
from tests.loading.loading import Loader, loader
from tests.loading.registry_server import Ports, registries


@pytest.fixture
def loading(tmp_path: Path) -> Iterator[Loader]:
    """A model of four megabytes in three shards."""
    with hub_server(tmp_path / "hub") as hub:
        yield loader(hub, tmp_path, 3, 4_000_000)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """An empty store."""
    path = tmp_path / "store"
    path.mkdir()
    return path


@pytest.fixture(scope="module")
def ports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ports]:
    """OCI registries that share their storage."""
    with registries(tmp_path_factory.mktemp("registries")) as found:
        yield found
