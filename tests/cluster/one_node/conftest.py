"""Owns the cluster with one node and the webhook."""

from collections.abc import Iterator

import pytest

from tests.kubernetes.cluster import Cluster
from tests.kubernetes.inference_pods import equip


@pytest.fixture(scope="session")
def serving_cluster(node_cluster: Cluster) -> Iterator[Cluster]:
    """A cluster with one node and the webhook."""
    webhook = equip(node_cluster)
    yield node_cluster
    webhook.stop()
