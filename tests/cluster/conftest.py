"""What tests with clusters share: namespaces and servers. A folder's conftest.py owns the folder's cluster."""

import itertools
import os
from collections.abc import Callable, Iterator

import pytest

from tests.cluster.controllers.place import Place
from tests.kubernetes.control_plane import ControlPlane
from tests.kubernetes.registration import NamespaceFactory, create_namespace
from tests.kubernetes.server import Webhook, WebhookFactory, serve

_numbers = itertools.count(1)


@pytest.fixture
def namespace(request: pytest.FixtureRequest) -> NamespaceFactory:
    """A factory of namespaces in which pods can be created at once."""

    def make(labels: dict[str, str] | None = None, *, on: ControlPlane | None = None) -> str:
        plane = on or request.getfixturevalue("cluster")
        return create_namespace(plane, f"test-{os.getpid()}-{next(_numbers)}", labels)

    return make


@pytest.fixture
def place(cluster: ControlPlane, namespace: NamespaceFactory) -> Place:
    """A namespace and a registration that no other test uses, for the controllers of one test."""
    return Place(cluster, namespace())


@pytest.fixture
def webhook_on() -> Iterator[WebhookFactory]:
    """A factory of servers for tests that need flags, or another control plane.

    The configuration has one name in a control plane: it replaces an earlier one.
    """
    started: list[Callable[[], None]] = []

    def start(plane: ControlPlane, kube_version: str = "", *flags: str) -> Webhook:
        server = serve(plane, *flags, kube_version=kube_version)
        started.append(server.stop)
        return server

    yield start
    for stop in reversed(started):
        stop()
