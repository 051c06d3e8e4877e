"""The cluster with two nodes and the release from which tests take replicas."""

from collections.abc import Iterator

import pytest

from tests.kubernetes.api import Object
from tests.kubernetes.creations import asking
from tests.kubernetes.registration import NamespaceFactory
from tests.kubernetes.release import Release, on_two_nodes


@pytest.fixture(scope="package")
def release() -> Iterator[Release]:
    """A release that is not installed yet, in the cluster with two nodes."""
    with on_two_nodes() as found:
        yield found


@pytest.fixture
def pod(release: Release, namespace: NamespaceFactory) -> Object:
    """A pod that requests a claim, in a namespace that no other test uses."""
    return asking(namespace(on=release.cluster.plane))
