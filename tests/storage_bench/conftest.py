"""Fixtures: directories on a disk and in memory."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """A directory on a disk. On some systems /tmp is a tmpfs, which keeps all pages in memory."""
    with TemporaryDirectory(dir="/var/tmp", prefix="modelcache-") as place:
        yield Path(place)


@pytest.fixture
def memory() -> Iterator[Path]:
    """A directory on a tmpfs."""
    with TemporaryDirectory(dir="/dev/shm") as place:
        yield Path(place)
