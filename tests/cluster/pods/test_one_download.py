"""How often a model is downloaded: once for a cluster, for a node, for a pod, or never.

The article's set-ups, filled by what `render` prints from a hub that counts, on two nodes.
"""

import contextlib
import dataclasses
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.cli.command import modelcache
from tests.cluster.api import Object
from tests.cluster.cluster import Cluster
from tests.cluster.local_volume import bind
from tests.cluster.node import Node
from tests.cluster.pods.ends import ends
from tests.cluster.pods.serving import (
    ask,
    container,
    created,
    deleted_at_end,
    deployment,
    pods_of,
    replicas_of,
    served,
)
from tests.cluster.registration import create_namespace, wait_until
from tests.hub.fault import Fault
from tests.hub.running import Hub
from tests.images import model_image
from tests.images.product import MODELCACHE
from tests.models import sharded
from webhook.rendering.pod import USER
from webhook.store import node_label

SIZE: Final = 24_000_000
CACHE: Final = f"/var/lib/model-cache/once-{os.getpid()}"
BUSY: Final = Fault(where="cdn", status=503, headers={"Retry-After": "1"})
BIG: Final = 700 * 2**20


@dataclasses.dataclass(frozen=True)
class Shop:
    """A cluster of two nodes, a hub in its network, a namespace where everything may run."""

    cluster: Cluster
    hub: Hub
    namespace: str
    folder: Path

    def commit(self, model: str, size: int = SIZE) -> str:
        """Let the hub have *model*, and return its commit."""
        files = sharded(self.folder / model.replace("/", "--"), 3, size)
        return self.hub.commit(model, {path.name: path for path in files.iterdir()})

    def render(self, model: str, *arguments: str) -> list[Object]:
        """Return the objects that are printed for *model*, as the API server has them."""
        ran = modelcache(
            "render", model, f"--image={MODELCACHE.reference}", f"--env=HF_ENDPOINT={self.hub.url}",
            f"--namespace={self.namespace}", "--deadline=3m", *arguments,
        )  # fmt: skip
        assert not ran.status, ran.err
        return [self.cluster.api.apply(obj).expect().body for obj in yaml.safe_load_all(ran.out)]

    def caches(self, model: str, replicas: int = 2) -> tuple[Object, list[Object]]:
        """Return the DaemonSet that fills the nodes' caches and labels them, and its pods."""
        flags = ("--kind=daemonset", "--kind=node-labels", f"--host-path={CACHE}", "--stagger=0s")
        daemon_set = self.render(model, *flags)[-1]
        daemon_set["spec"]["replicas"] = replicas
        return daemon_set, replicas_of(self.cluster, daemon_set)

    def arrived(self, model: str) -> int:
        """Return the bytes of the files of *model* that the hub has sent."""
        every = [one for one in self.hub.requests() if one.repo == model and one.where != "api"]
        return sum(one.sent for one in every if one.code in (200, 206))

    def size(self, model: str) -> int:
        """Return the bytes of what is downloaded of *model*."""
        folder = self.folder / model.replace("/", "--")
        return sum(path.stat().st_size for path in folder.iterdir())

    def servers(self, model: str, strategy: str, replicas: int, **more: Any) -> Object:
        """Return a Deployment whose servers read *model*."""
        asked = {"model": model, "strategy": strategy, "shm-size": "8Mi", **more}
        server = container(request="32Mi", limit="96Mi")
        return deployment(
            self.namespace, asked, server, name=f"{strategy}-servers".lower(), replicas=replicas
        )

    def read_all(self, model: str, pods: Sequence[Object]) -> None:
        """See that each of *pods* has read every byte of *model*, and that its digests agree."""
        for pod in pods:
            (found,) = ask(self.cluster, pod, "/report")["models"]
            assert found["manifest"] == "agrees", found
            weights = (self.folder / model.replace("/", "--")).glob("*.safetensors")
            assert found["bytes"] >= sum(path.stat().st_size for path in weights)

    def labelled(self, label: str) -> list[str]:
        """Return the names of the nodes that bear *label*."""
        nodes = self.cluster.api.list("v1", "Node", labelSelector=f"{label}=ready")
        return sorted(node["metadata"]["name"] for node in nodes)

    def end(self, pods: Sequence[Object]) -> None:
        """Delete *pods*; who made them makes others."""
        for pod in pods:
            self.cluster.api.delete({"apiVersion": "v1", "kind": "Pod", **pod}).expect(200)

    def log(self, pod: Object) -> str:
        meta = pod["metadata"]
        return self.cluster.kubectl("logs", "-n", meta["namespace"], meta["name"]).stdout


@pytest.fixture(scope="module")
def shop(
    two_serving_nodes: Cluster, hub_of_two_nodes: Hub, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shop]:
    name = create_namespace(two_serving_nodes.plane, f"once-{os.getpid()}")
    found = Shop(two_serving_nodes, hub_of_two_nodes, name, tmp_path_factory.mktemp("models"))
    store = bind(two_serving_nodes, two_serving_nodes.nodes[0], name, "model-store")
    # The kubelet gives it no fsGroup while pods without one have it mounted (local.go, SetUpAt).
    os.chown(store, USER, USER)
    yield found
    gone: Object = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    two_serving_nodes.api.delete(gone)


def jobs_ended(shop: Shop, jobs: Sequence[Object]) -> list[Object]:
    """Return the pods of *jobs* once all have succeeded."""
    found = []
    for job in jobs:
        chosen = f"batch.kubernetes.io/controller-uid={job['metadata']['uid']}"
        pods: list[Object] = []

        def there(chosen: str = chosen, pods: list[Object] = pods) -> bool:
            pods[:] = shop.cluster.api.list("v1", "Pod", shop.namespace, labelSelector=chosen)
            return bool(pods)

        wait_until(there, "there is a pod")
        found.append(shop.cluster.ended(pods[0], 120))
        assert found[-1]["status"]["phase"] == "Succeeded", shop.log(found[-1])
    return found


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


def test_of_two_jobs_at_once_one_works_and_the_other_waits_for_it(shop: Shop) -> None:
    model = "once/twice"
    commit = shop.commit(model)
    shop.hub.fault(BUSY)
    jobs = [*shop.render(model, "--kind=job"), *shop.render(f"{model}@{commit}", "--kind=job")]

    def said(what: str) -> bool:
        where = (
            "-n",
            shop.namespace,
            "-l",
            f"loader.modelcache.io/model={model.replace('/', '--')}",
        )
        return what in shop.cluster.kubectl("logs", *where).stdout

    wait_until(lambda: said("is loading it; waiting"), "one waits", 60)
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
    """A pinned model, and the DaemonSet by which both nodes hold it and say so."""
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


def test_each_node_downloads_once_and_bears_the_label_once_it_has(
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


def test_nothing_that_starts_again_asks_the_hub(shop: Shop, cached: tuple[str, Object]) -> None:
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


def test_a_node_whose_model_is_damaged_bears_the_label_no_more(
    shop: Shop, cached: tuple[str, Object]
) -> None:
    model, daemon_set = cached
    label = node_label(*model.split("@"))
    node: Node = shop.cluster.nodes[0]
    place = node.disk(CACHE) / model.replace("/", "--").replace("@", "/")
    (shard, *_) = sorted(place.glob("*.safetensors"))
    shard.write_bytes(shard.read_bytes()[:-1])
    pods = pods_of(shop.cluster, daemon_set)
    shop.end([pod for pod in pods if pod["spec"]["nodeName"] == node.name])
    wait_until(lambda: shop.labelled(label) == ["node-2"], "the label is taken away", 60)
    (pod,) = [
        one for one in replicas_of(shop.cluster, daemon_set)
        if one["spec"]["nodeName"] == node.name
    ]  # fmt: skip
    pod = shop.cluster.wait_for(pod, lambda now: bool(ends(now, "load")))
    assert f"{shard.name}: has " in ends(pod, "load")[0]["message"]
    for path in (place, place.parent):
        for file in [*path.iterdir()]:
            with contextlib.suppress(IsADirectoryError):
                file.unlink()
        path.rmdir()
    shop.cluster.ready(pod, 120)  # it is loaded anew
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


def test_an_image_asks_no_hub(shop: Shop, tmp_path: Path) -> None:
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
