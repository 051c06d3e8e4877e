"""The API server that has our kinds."""

from collections.abc import Iterator

import pytest

from tests.kubernetes.control_plane import ControlPlane, Options


@pytest.fixture(scope="package")
def cluster() -> Iterator[ControlPlane]:
    """The current Kubernetes, with its controllers and an audit log."""
    plane = ControlPlane(Options(audit=True))
    yield plane
    plane.stop()
