"""Fixtures of the doctor's tests."""

from collections.abc import Iterator

import pytest

from tests.kubernetes.control_plane import ControlPlane
from tests.kubernetes.server import standing_aside


@pytest.fixture
def alone(cluster: ControlPlane) -> Iterator[ControlPlane]:
    """The cluster without any of the webhook's objects."""
    with standing_aside(cluster):
        yield cluster
