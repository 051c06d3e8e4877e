"""The API server that has our kinds, and objects of them."""

from collections.abc import Iterator

import pytest

from tests.cluster.custom_resources.applied import Applied
from tests.kubernetes.control_plane import ControlPlane, Options


@pytest.fixture(scope="package")
def cluster() -> Iterator[ControlPlane]:
    """The current Kubernetes, with its controllers and an audit log."""
    plane = ControlPlane(Options(audit=True))
    yield plane
    plane.stop()


@pytest.fixture
def applied(cluster: ControlPlane) -> Iterator[Applied]:
    """A function that applies objects, which end with the test."""
    found = Applied(cluster)
    yield found
    for obj in found.objects:
        cluster.api.delete(obj).expect(200, 404)
