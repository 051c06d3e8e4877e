"""Owns the cluster that tests of releases share, and the pod that they create."""

from collections.abc import Iterator

import pytest

from tests.cluster.conftest import NamespaceFactory
from tests.kubernetes.api import Object
from tests.kubernetes.creations import asking
from tests.kubernetes.release import Release, on_two_nodes


@pytest.fixture(scope="session")
def release() -> Iterator[Release]:
    """A release to be installed, in a cluster of its own with two nodes."""
    with on_two_nodes() as found:
        yield found


@pytest.fixture
def pod(release: Release, namespace: NamespaceFactory) -> Object:
    """A pod that asks for a claim, in a namespace of its own."""
    return asking(namespace(on=release.cluster.plane))
