"""The cluster with two nodes, the hub in its network, and the webhook."""

import itertools
import os
from collections.abc import Iterator
from typing import Final

import pytest

from tests.cluster.two_nodes.shop import Shop
from tests.hub.running import Hub, hub_server
from tests.kubernetes.api import Object
from tests.kubernetes.cluster import Cluster
from tests.kubernetes.inference_pods import equip
from tests.kubernetes.local_volume import bind
from tests.kubernetes.node_disk import disk
from tests.kubernetes.registration import create_namespace
from webhook.objects.restricted import USER

_NUMBERS: Final = itertools.count(1)


@pytest.fixture(scope="package")
def two_nodes() -> Iterator[Cluster]:
    """A whole cluster with two nodes; each has its own node cache."""
    cluster = Cluster(nodes=2, disk=disk())
    yield cluster
    cluster.stop()


@pytest.fixture(scope="package")
def hub_of_two_nodes(two_nodes: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """A hub in the network of the two nodes."""
    network = two_nodes.network
    folder = tmp_path_factory.mktemp("hub")
    with hub_server(folder, address=network.address, command=network.command) as hub:
        yield hub


@pytest.fixture(scope="package")
def two_serving_nodes(two_nodes: Cluster, hub_of_two_nodes: Hub) -> Iterator[Cluster]:
    """A cluster with two nodes and the webhook, whose loaders know the hub."""
    webhook = equip(two_nodes, f"--loader-env=HF_ENDPOINT={hub_of_two_nodes.url}")
    yield two_nodes
    webhook.stop()


@pytest.fixture(scope="module")
def shop(
    two_serving_nodes: Cluster, hub_of_two_nodes: Hub, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shop]:
    """A namespace with a claim, on the first of two nodes."""
    cluster = two_serving_nodes
    name = create_namespace(cluster.plane, f"once-{os.getpid()}-{next(_NUMBERS)}")
    store = bind(cluster, cluster.nodes[0], name, "model-store")
    # The kubelet sets no fsGroup on it while pods without one have it mounted (local.go, SetUpAt).
    os.chown(store, USER, USER)
    yield Shop(cluster, hub_of_two_nodes, name, tmp_path_factory.mktemp("models"), store)
    gone: Object = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    cluster.api.delete(gone)
