"""What tests with clusters share: namespaces. A folder's conftest.py owns the folder's cluster."""

import itertools
import os

import pytest

from tests.kubernetes.control_plane import ControlPlane
from tests.kubernetes.registration import NamespaceFactory, create_namespace

_numbers = itertools.count(1)


@pytest.fixture
def namespace(request: pytest.FixtureRequest) -> NamespaceFactory:
    """A factory of namespaces in which pods can be created at once."""

    def make(labels: dict[str, str] | None = None, *, on: ControlPlane | None = None) -> str:
        plane = on or request.getfixturevalue("cluster")
        return create_namespace(plane, f"test-{os.getpid()}-{next(_numbers)}", labels)

    return make
