"""Owns the fixtures of tests that run pods: clusters with the webhook and the images."""

import itertools
import os
from collections.abc import Iterator
from typing import Final

import pytest

from tests.cluster.api import Object
from tests.cluster.cluster import Cluster
from tests.cluster.local_volume import bind
from tests.cluster.pods.serving import SERVER
from tests.cluster.pods.shop import Shop
from tests.cluster.registration import create_namespace
from tests.cluster.server import Webhook, serve
from tests.hub.running import Hub, hub_server
from tests.images.busybox import BUSYBOX
from tests.images.inference import INFERENCE_SERVER
from tests.images.product import MODELCACHE
from webhook.objects.restricted import USER

_NUMBERS: Final = itertools.count(1)


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


@pytest.fixture(scope="module")
def shop(
    two_serving_nodes: Cluster, hub_of_two_nodes: Hub, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shop]:
    """A namespace with a claim, on the first of two nodes."""
    cluster = two_serving_nodes
    name = create_namespace(cluster.plane, f"once-{os.getpid()}-{next(_NUMBERS)}")
    store = bind(cluster, cluster.nodes[0], name, "model-store")
    # The kubelet gives it no fsGroup while pods without one have it mounted (local.go, SetUpAt).
    os.chown(store, USER, USER)
    yield Shop(cluster, hub_of_two_nodes, name, tmp_path_factory.mktemp("models"), store)
    gone: Object = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    cluster.api.delete(gone)
