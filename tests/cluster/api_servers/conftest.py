"""The two API servers, and the webhooks that are registered with them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kubernetes import binaries
from tests.kubernetes.asking import Asked, asking
from tests.kubernetes.control_plane import ControlPlane, Options
from tests.kubernetes.scripted_hook import ScriptedHook
from tests.kubernetes.server import Webhook, serve


@pytest.fixture(scope="package")
def cluster() -> Iterator[ControlPlane]:
    """The current Kubernetes, with its controllers and an audit log."""
    plane = ControlPlane(Options(audit=True))
    yield plane
    plane.stop()


@pytest.fixture(scope="package")
def old_cluster() -> Iterator[ControlPlane]:
    """Kubernetes 1.34, where image volumes are off. It has no controllers."""
    plane = ControlPlane(Options(api_server=binaries.OLD_API_SERVER, controller_manager=False))
    yield plane
    plane.stop()


@pytest.fixture(scope="package")
def webhook(cluster: ControlPlane) -> Iterator[Webhook]:
    """The product, registered on `cluster` as deploy/ does, without a policy."""
    server = serve(cluster)
    yield server
    server.stop()


@pytest.fixture
def hook(tmp_path: Path) -> Iterator[ScriptedHook]:
    """A scripted webhook server that is not registered anywhere yet."""
    with ScriptedHook(tmp_path) as server:
        yield server


@pytest.fixture(scope="package")
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
    """A scripted webhook that is called for one pod, under either failurePolicy."""
    return _asking[request.param]


@pytest.fixture
def patient(_asking: dict[str, Asked]) -> Asked:
    """The same under Fail, with a timeout of 8 seconds instead of one."""
    return _asking["Patient"]
