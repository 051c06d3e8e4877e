"""How often a model is downloaded: once for a cluster, for a node, for a pod, or never.

The loaders of `render` fill the article's set-ups on two nodes, from a hub that counts requests.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.cluster.two_nodes.shop import BUSY, CACHE, Shop, jobs_ended
from tests.hub.running import Fault
from tests.images import model_image
from tests.kubernetes.api import Object
from tests.kubernetes.ends import ends
from tests.kubernetes.inference_pods import created, deleted_at_end, pods_of, replicas_of, served
from tests.kubernetes.node import Node
from tests.kubernetes.registration import wait_until
from webhook.models.layout import node_label

BIG: Final = 700 * 2**20


def test_ten_replicas_that_are_created_with_the_job_wait_for_one_download(shop: Shop) -> None:
    model = "once/claim"
    shop.commit(model)
    servers = shop.servers(model, "pvc", 10)
    with deleted_at_end(shop.cluster, [servers]):
        created(shop.cluster, servers)
        (job,) = shop.render(model, "--kind=job")
        (pod,) = jobs_ended(shop, [job])
        assert ends(pod, "load")[0]["message"] == (
            f"{shop.size(model)} bytes, {shop.size(model)} of them downloaded"
        )
        ready = [shop.cluster.ready(one, 120) for one in pods_of(shop.cluster, servers)]
        shop.read_all(model, ready)
    assert shop.arrived(model) == shop.size(model)


def test_two_jobs_at_once_download_once(shop: Shop) -> None:
    model = "once/twice"
    commit = shop.commit(model)
    shop.hub.fault(BUSY)
    jobs = [*shop.render(model, "--kind=job"), *shop.render(f"{model}@{commit}", "--kind=job")]

    wait_until(lambda: "is loading it; waiting" in shop.logs(model), "one waits", 60)
    shop.hub.heal()
    messages = sorted(ends(pod, "load")[0]["message"] for pod in jobs_ended(shop, jobs))
    size = shop.size(model)
    assert (
        messages
        == [f"{size} bytes, {size} of them downloaded", f"{size} bytes, 0 of them downloaded"][::-1]
    )
    assert shop.arrived(model) == size


@pytest.fixture(scope="module")
def cached(shop: Shop) -> Iterator[tuple[str, Object]]:
    """A pinned model, and the DaemonSet that loads it on both nodes and labels them."""
    commit = shop.commit("once/node")
    model = f"once/node@{commit}"
    label = node_label("once/node", commit)
    shop.hub.fault(BUSY)
    daemon_set, pods = shop.caches(model)
    wait_until(
        lambda: len([one for one in shop.hub.requests() if one.code == 503]) >= 6, "both ask", 60
    )
    assert shop.labelled(label) == []
    shop.hub.heal()
    for pod in pods:
        shop.cluster.ready(pod, 60)
    yield model, daemon_set
    shop.cluster.api.delete(daemon_set).expect(200)


def test_each_node_downloads_once_and_then_gets_the_label(
    shop: Shop, cached: tuple[str, Object]
) -> None:
    model, _ = cached
    assert shop.labelled(node_label(*model.split("@"))) == ["node-1", "node-2"]
    assert shop.arrived("once/node") == 2 * shop.size("once/node")
    more = {"host-path": CACHE, "placement": "required"}
    servers = shop.servers(model, "hostPath", 4, **more)
    with deleted_at_end(shop.cluster, [servers]):
        shop.read_all("once/node", served(shop.cluster, servers))
    assert shop.arrived("once/node") == 2 * shop.size("once/node")


def test_restarted_containers_do_not_request_the_hub(
    shop: Shop, cached: tuple[str, Object]
) -> None:
    model, daemon_set = cached
    asked = len(shop.hub.requests())
    servers = shop.servers(model, "hostPath", 2, **{"host-path": CACHE})
    with deleted_at_end(shop.cluster, [servers]):
        shop.end(served(shop.cluster, servers))
        shop.end(pods_of(shop.cluster, daemon_set))
        (node, _) = shop.cluster.nodes
        node.containerd.restart()
        node.kubelet.restart()
        for workload in (servers, daemon_set):
            for pod in replicas_of(shop.cluster, workload):
                shop.cluster.ready(pod, 60)
        name = daemon_set["metadata"]["name"]
        for words in (("restart",), ("status", "--timeout=90s")):
            where = ("-n", shop.namespace, f"daemonset/{name}")
            done = shop.cluster.kubectl("rollout", *words, *where)
            assert done.returncode == 0, done.stderr
        shop.read_all("once/node", pods_of(shop.cluster, servers))
    assert len(shop.hub.requests()) == asked
    assert shop.labelled(node_label(*model.split("@"))) == ["node-1", "node-2"]


def test_a_node_whose_model_is_damaged_has_no_label_until_it_is_whole_again(
    shop: Shop, cached: tuple[str, Object]
) -> None:
    model, daemon_set = cached
    label = node_label(*model.split("@"))
    node: Node = shop.cluster.nodes[0]
    place = node.disk(CACHE) / model.replace("/", "--").replace("@", "/")
    (shard, *_) = sorted(place.glob("*.safetensors"))
    whole = shard.read_bytes()
    shard.write_bytes(whole[:-1])
    shop.hub.fault(
        Fault(paths=f"*{shard.name}", where="resolve", methods=("HEAD", "GET"), status=503)
    )
    pods = pods_of(shop.cluster, daemon_set)
    shop.end([pod for pod in pods if pod["spec"]["nodeName"] == node.name])
    wait_until(lambda: shop.labelled(label) == ["node-2"], "the label is taken away", 60)
    shop.hub.heal()
    (pod,) = [
        one for one in replicas_of(shop.cluster, daemon_set)
        if one["spec"]["nodeName"] == node.name
    ]  # fmt: skip
    shop.cluster.ready(pod, 120)
    assert shard.read_bytes() == whole
    assert shop.labelled(label) == ["node-1", "node-2"]


def test_each_pod_downloads_into_its_own_memory(shop: Shop) -> None:
    model = "once/pod"
    shop.commit(model)
    servers = shop.servers(model, "emptyDir", 2, size="40Mi", **{"load-from": "source"})
    with deleted_at_end(shop.cluster, [servers]):
        pods = served(shop.cluster, servers, 90)
        shop.read_all(model, pods)
        for pod in pods:
            assert "secret" not in json.dumps(pod["spec"])
    assert shop.arrived(model) == 2 * shop.size(model)


def test_an_image_volume_needs_no_hub(shop: Shop, tmp_path: Path) -> None:
    asked = len(shop.hub.requests())
    model = "once/claim"  # a loader has published it, with its manifest
    (published,) = shop.cluster.nodes[0].disk("/var/lib/volumes").glob("*/once--claim/main")
    image = model_image.write(tmp_path / "model.tar", published.resolve(), "localhost:5/once")
    for node in shop.cluster.nodes:
        node.load(tmp_path / "model.tar")
    servers = shop.servers(model, "image", 2, image=image)
    with deleted_at_end(shop.cluster, [servers]):
        shop.read_all(model, served(shop.cluster, servers))
    assert len(shop.hub.requests()) == asked


def test_a_model_larger_than_the_memory_limit_of_its_loader_is_loaded(shop: Shop) -> None:
    model = "once/large"
    shop.commit(model, BIG)
    (job,) = shop.render(model, "--kind=job")
    (pod,) = jobs_ended(shop, [job])
    (load,) = pod["spec"]["containers"]
    assert load["resources"]["limits"]["memory"] == "512Mi"
    (status,) = pod["status"]["containerStatuses"]
    assert status["restartCount"] == 0
    assert shop.arrived(model) == shop.size(model)
