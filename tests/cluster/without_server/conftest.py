"""The API server with the policies, and what compares them with the webhook."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
import yaml

from tests.cli.command import modelcache
from tests.cluster.without_server.compared import Comparison
from tests.kubernetes.api import Object
from tests.kubernetes.control_plane import ControlPlane, Options
from tests.kubernetes.registration import configured
from webhook.admission.policy.documents import load_policy

PLATFORM: Final = Path(__file__).parent / "platform.yaml"


@pytest.fixture(scope="package")
def cluster() -> Iterator[ControlPlane]:
    """The current Kubernetes, without controllers."""
    plane = ControlPlane(Options(controller_manager=False))
    yield plane
    plane.stop()


@pytest.fixture(scope="package")
def printed() -> list[Object]:
    """What `render` prints."""
    ran = modelcache("render", "--kind", "admission-policy", "--policy", PLATFORM)
    assert (ran.status, ran.err) == (0, "")
    return list(yaml.safe_load_all(ran.out))


@pytest.fixture(scope="package")
def comparison(cluster: ControlPlane, printed: list[Object]) -> Iterator[Comparison]:
    """The policies in force, and the webhook with the same documents."""
    documents = list(yaml.safe_load_all(PLATFORM.read_text()))
    policy = load_policy((PLATFORM.name, document) for document in documents)
    with configured(cluster, printed):
        yield Comparison(cluster, policy)
