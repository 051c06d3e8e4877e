"""The API server that has our kinds, and places where one test's controllers work."""

from collections.abc import Iterator

import pytest

from tests.cluster.controllers.place import Place
from tests.kubernetes.control_plane import ControlPlane, Options
from tests.kubernetes.registration import NamespaceFactory


@pytest.fixture(scope="package")
def cluster() -> Iterator[ControlPlane]:
    """The current Kubernetes, with its controllers and an audit log."""
    plane = ControlPlane(Options(audit=True))
    yield plane
    plane.stop()


@pytest.fixture
def place(cluster: ControlPlane, namespace: NamespaceFactory) -> Place:
    """A namespace and a registration that no other test uses."""
    return Place(cluster, namespace())
