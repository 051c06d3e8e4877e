"""Owns the fixtures: control planes for the session, namespaces and webhooks for a test."""

import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import pytest

from tests.kubernetes import binaries
from tests.kubernetes.asking import Asked, asking
from tests.kubernetes.cluster import Cluster
from tests.kubernetes.control_plane import ControlPlane, Options
from tests.kubernetes.registration import create_namespace
from tests.kubernetes.scripted_hook import ScriptedHook
from tests.kubernetes.server import Webhook, serve

_numbers = itertools.count(1)


class NamespaceFactory(Protocol):
    """Creates a namespace with a name of its own, with *labels*, on *plane* or `cluster`."""

    def __call__(
        self, labels: dict[str, str] | None = None, *, on: ControlPlane | None = None
    ) -> str: ...


class WebhookFactory(Protocol):
    """Starts `modelcache serve` with *flags* and registers it on *plane* for one test."""

    def __call__(self, plane: ControlPlane, kube_version: str = "", *flags: str) -> Webhook: ...


@pytest.fixture(scope="session")
def cluster() -> Iterator[ControlPlane]:
    """The current Kubernetes, with its controllers and an audit log."""
    plane = ControlPlane(Options(audit=True))
    yield plane
    plane.stop()


@pytest.fixture(scope="session")
def old_cluster() -> Iterator[ControlPlane]:
    """Kubernetes 1.34: image volumes are off. It has no controllers."""
    plane = ControlPlane(Options(api_server=binaries.OLD_API_SERVER, controller_manager=False))
    yield plane
    plane.stop()


@pytest.fixture(scope="session")
def node_cluster() -> Iterator[Cluster]:
    """A whole cluster with one node, on which pods run."""
    cluster = Cluster()
    yield cluster
    cluster.stop()


@pytest.fixture(scope="session")
def two_nodes() -> Iterator[Cluster]:
    """A whole cluster with two nodes, each with a node cache of its own."""
    cluster = Cluster(nodes=2)
    yield cluster
    cluster.stop()


@pytest.fixture
def namespace(request: pytest.FixtureRequest) -> NamespaceFactory:
    """A factory of namespaces in which pods can be created at once."""

    def make(labels: dict[str, str] | None = None, *, on: ControlPlane | None = None) -> str:
        plane = on or request.getfixturevalue("cluster")
        return create_namespace(plane, f"test-{os.getpid()}-{next(_numbers)}", labels)

    return make


@pytest.fixture
def hook(tmp_path: Path) -> Iterator[ScriptedHook]:
    """A scripted webhook server, not registered anywhere yet."""
    with ScriptedHook(tmp_path) as server:
        yield server


@pytest.fixture(scope="session")
def _asking(
    cluster: ControlPlane, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Asked]]:
    with (
        ScriptedHook(tmp_path_factory.mktemp("hook")) as server,
        asking(cluster, server) as asked,
    ):
        yield asked


@pytest.fixture(params=["Fail", "Ignore"])
def asked(request: pytest.FixtureRequest, _asking: dict[str, Asked]) -> Asked:
    """A scripted webhook that is asked about one pod, under either failurePolicy."""
    return _asking[request.param]


@pytest.fixture
def patient(_asking: dict[str, Asked]) -> Asked:
    """The same under Fail, with 8 seconds in place of one."""
    return _asking["Patient"]


@pytest.fixture(scope="session")
def webhook(cluster: ControlPlane) -> Iterator[Webhook]:
    """The product, registered on `cluster` as deploy/ does, without a policy."""
    server = serve(cluster)
    yield server
    server.stop()


@pytest.fixture
def webhook_on() -> Iterator[WebhookFactory]:
    """A factory of servers for tests that need flags, or another control plane.

    The configuration has one name in a control plane: it takes the place of an earlier one.
    """
    started: list[Callable[[], None]] = []

    def start(plane: ControlPlane, kube_version: str = "", *flags: str) -> Webhook:
        server = serve(plane, *flags, kube_version=kube_version)
        started.append(server.stop)
        return server

    yield start
    for stop in reversed(started):
        stop()
