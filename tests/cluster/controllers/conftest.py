"""The API server with which controllers talk, and places where one test's controllers work."""

from collections.abc import Iterator

import pytest

from tests.cluster.controllers.place import Place
from tests.kubernetes.control_plane import ControlPlane, Options
from tests.kubernetes.registration import NamespaceFactory
from tests.kubernetes.rights import Bound


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


@pytest.fixture
def bound(cluster: ControlPlane, namespace: NamespaceFactory) -> Bound:
    """A user with the rights of deploy/ in a namespace that no other test uses."""
    found = Bound(cluster, namespace())
    found.grant()
    return found
