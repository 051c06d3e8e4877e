"""Fixtures: a Hub for each test, and clients."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.hub.client import Client
from tests.hub.running import Hub, hub_server


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    with hub_server(tmp_path / "hub") as found:
        yield found


@pytest.fixture
def client(hub: Hub, tmp_path: Path) -> Client:
    return Client(hub.url, tmp_path / "client")


@pytest.fixture
def plain(hub: Hub) -> Iterator[httpx.Client]:
    """A plain HTTP client that follows redirects."""
    with httpx.Client(base_url=hub.url, trust_env=False, follow_redirects=True) as found:
        yield found
