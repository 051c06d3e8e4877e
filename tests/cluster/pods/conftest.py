"""Owns the fixtures of tests that run pods: clusters with the webhook and the images."""

from collections.abc import Iterator

import pytest

from tests.cluster.cluster import Cluster
from tests.cluster.pods.serving import SERVER
from tests.cluster.server import Webhook, serve
from tests.hub.running import Hub, hub_server
from tests.images.busybox import BUSYBOX
from tests.images.inference import INFERENCE_SERVER
from tests.images.product import MODELCACHE


def equip(cluster: Cluster, *flags: str) -> Webhook:
    """Give the nodes of *cluster* the images, and register the webhook with it."""
    for node in cluster.nodes:
        node.load(BUSYBOX.path())
        node.load(INFERENCE_SERVER.path(SERVER))
        node.load(MODELCACHE.path())
    return serve(cluster.plane, f"--loader-image={MODELCACHE.reference}", *flags)


@pytest.fixture(scope="session")
def serving_cluster(node_cluster: Cluster) -> Iterator[Cluster]:
    """A cluster with one node and the webhook."""
    webhook = equip(node_cluster)
    yield node_cluster
    webhook.stop()


@pytest.fixture(scope="session")
def hub_of_two_nodes(two_nodes: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """A hub in the network of the two nodes."""
    network = two_nodes.network
    folder = tmp_path_factory.mktemp("hub")
    with hub_server(folder, address=network.address, command=network.command) as hub:
        yield hub


@pytest.fixture(scope="session")
def two_serving_nodes(two_nodes: Cluster, hub_of_two_nodes: Hub) -> Iterator[Cluster]:
    """A cluster with two nodes and the webhook, whose loaders know the hub."""
    webhook = equip(two_nodes, f"--loader-env=HF_ENDPOINT={hub_of_two_nodes.url}")
    yield two_nodes
    webhook.stop()
