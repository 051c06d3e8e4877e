"""The cluster with one node, and the webhook in it."""

from collections.abc import Iterator

import pytest

from tests.kubernetes.cluster import Cluster
from tests.kubernetes.inference_pods import equip
from tests.kubernetes.node_disk import disk


@pytest.fixture(scope="package")
def node_cluster() -> Iterator[Cluster]:
    """A whole cluster with one node, on which pods run."""
    cluster = Cluster(disk=disk())
    yield cluster
    cluster.stop()


@pytest.fixture(scope="package")
def serving_cluster(node_cluster: Cluster) -> Iterator[Cluster]:
    """The cluster, with the webhook registered and the images on its node."""
    webhook = equip(node_cluster)
    yield node_cluster
    webhook.stop()
