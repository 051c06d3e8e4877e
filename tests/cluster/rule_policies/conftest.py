"""The API server that has our kinds and the policies for rules."""

from collections.abc import Iterator

import pytest

from tests.cluster.rule_policies.enforced import Enforced, enforcing
from tests.kubernetes.control_plane import ControlPlane, Options


@pytest.fixture(scope="package")
def cluster() -> Iterator[ControlPlane]:
    """The current Kubernetes, with its controllers and an audit log."""
    plane = ControlPlane(Options(audit=True))
    yield plane
    plane.stop()


@pytest.fixture(scope="package")
def enforced(cluster: ControlPlane) -> Iterator[Enforced]:
    with enforcing(cluster) as found:
        yield found
