"""The API server with which controllers talk, and users with the rights of deploy/."""

from collections.abc import Iterator

import pytest

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
def bound(cluster: ControlPlane, namespace: NamespaceFactory) -> Bound:
    """A user with the rights of deploy/ in a namespace that no other test uses."""
    found = Bound(cluster, namespace())
    found.grant()
    return found
