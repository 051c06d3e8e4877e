"""Running pods continue, whatever else fails; pods that are created again are injected."""

import dataclasses
import os
import signal
from collections.abc import Iterator
from typing import Any, Final

import pytest

from tests.images import model_image
from tests.kubernetes.api import Object
from tests.kubernetes.cluster import Cluster
from tests.kubernetes.inference_pods import (
    ask,
    container,
    created,
    deployment,
    event_of,
    pods_of,
    ready,
    replicas_of,
    served,
)
from tests.kubernetes.local_volume import bind
from tests.kubernetes.node import Daemon
from tests.kubernetes.registration import (
    configure,
    create_namespace,
    pointed,
    shipped,
)
from tests.kubernetes.server import Webhook, serve
from tests.store.models import COMMIT, publish

REPOSITORY: Final = "outages/model"
MODEL: Final = f"{REPOSITORY}@{COMMIT}"
STRATEGIES: Final = ("pvc", "hostPath", "emptyDir", "image")
NOT_INJECTED: Final = "the modelcache webhook did not inject the model"
NOT_COPIED: Final = "the modelcache webhook did not copy modelcache.io/"
NOT_CALLED: Final = 'failed calling webhook "{}.modelcache.io"'


@dataclasses.dataclass(frozen=True)
class Running:
    """A Deployment for each strategy, with one ready pod and the report of its server."""

    cluster: Cluster
    image: str
    workloads: dict[str, Object]
    pods: dict[str, Object]
    reports: dict[str, Any]

    @property
    def namespace(self) -> str:
        """Their namespace."""
        name: str = self.pods["pvc"]["metadata"]["namespace"]
        return name

    def go_on(self) -> bool:
        """Whether the same containers run, without restarts, and still report the same."""
        for strategy, before in self.pods.items():
            (now,) = pods_of(self.cluster, self.workloads[strategy])
            assert now["metadata"]["uid"] == before["metadata"]["uid"]
            assert ready(now)
            assert containers(now) == containers(before)
            assert ask(self.cluster, now, "/report") == self.reports[strategy]
        return True


def containers(pod: Object) -> list[tuple[str, int]]:
    status = pod["status"]
    every = [*status.get("initContainerStatuses", []), *status["containerStatuses"]]
    return [(one["containerID"], one["restartCount"]) for one in every]


def workload(namespace: str, strategy: str, image: str, name: str = "", **spec: Any) -> Object:
    asked = {"model": MODEL, "strategy": strategy, "shm-size": "8Mi"}
    asked |= {"size": "1Mi"} if strategy == "emptyDir" else {}
    asked |= {"image": image} if strategy == "image" else {}
    server = container(request="32Mi", limit="64Mi")
    return deployment(namespace, asked, server, name=name or strategy.lower(), **spec)


@pytest.fixture(scope="module")
def running(
    serving_cluster: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    cluster, (node,) = serving_cluster, serving_cluster.nodes
    where = create_namespace(cluster.plane, f"outages-{os.getpid()}")
    store = bind(cluster, node, where, "model-store")
    directory = publish(store, REPOSITORY)
    publish(node.cache, REPOSITORY)
    archive = tmp_path_factory.mktemp("image") / "model.tar"
    image = model_image.write(archive, directory, "localhost:5/outages/model")
    node.load(archive)
    workloads = {strategy: workload(where, strategy, image) for strategy in STRATEGIES}
    first = {strategy: created(cluster, one) for strategy, one in workloads.items()}
    pods = {strategy: cluster.ready(pod) for strategy, (pod,) in first.items()}
    reports = {strategy: ask(cluster, pod, "/report") for strategy, pod in pods.items()}
    yield Running(cluster, image, workloads, pods, reports)
    gone: Object = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": where}}
    cluster.api.delete(gone)


def injected(pod: Object) -> bool:
    return any(volume["name"] == "modelcache-model" for volume in pod["spec"]["volumes"])


@pytest.mark.parametrize(
    ("program", "number"),
    [
        ("kubelet", signal.SIGKILL),
        ("containerd", signal.SIGTERM),
        ("containerd", signal.SIGKILL),
    ],
)
def test_pods_keep_running_while_a_program_of_their_node_is_restarted(
    running: Running, program: str, number: signal.Signals
) -> None:
    cluster, (node,) = running.cluster, running.cluster.nodes
    name = f"{program}-{number.name.lower()}"
    daemon: Daemon = getattr(node, program)
    daemon.stop(number)
    # Pods that were created in the meantime start as soon as the program is back.
    later = workload(running.namespace, "pvc", running.image, name)
    (pod,) = created(cluster, later)
    assert running.go_on()
    daemon.start()
    daemon.wait_until_ready()
    assert injected(cluster.ready(pod))
    assert running.go_on()
    cluster.api.delete(later).expect(200)


def test_pods_keep_running_without_the_webhook_and_new_ones_wait_for_it(
    running: Running,
) -> None:
    cluster, api = running.cluster, running.cluster.api
    ignore, fail, later = (
        workload(running.namespace, "pvc", running.image, name)
        for name in ("ignore", "fail", "later")
    )
    api.create(fail).expect(201)
    (first,) = served(cluster, ignore)
    (second,) = [cluster.ready(pod) for pod in replicas_of(cluster, fail)]
    server = serve(cluster.plane)
    try:
        server.process.kill()
        api.delete(first).expect(200)
        assert event_of(cluster, owner_of(first), NOT_INJECTED)
        assert NOT_COPIED in api.create(later).message
        configure(cluster.plane, failing(server))
        api.delete(second).expect(200)
        assert event_of(cluster, owner_of(second), NOT_CALLED.format("inject"))
        assert NOT_CALLED.format("workloads") in api.create(later).message
        assert not pods_of(cluster, ignore)
        assert not pods_of(cluster, fail)
        assert running.go_on()
    finally:
        server.stop()  # an earlier server, which still runs, replaces it
    assert served(cluster, later)
    for obj in (ignore, fail):
        (pod,) = replicas_of(cluster, obj)
        assert injected(cluster.ready(pod))
    for obj in (ignore, fail, later):
        api.delete(obj).expect(200)


def owner_of(pod: Object) -> Object:
    (owner,) = pod["metadata"]["ownerReferences"]
    return {"kind": owner["kind"], "metadata": pod["metadata"] | {"name": owner["name"]}}


def failing(server: Webhook) -> list[Object]:
    """Return the registration with failurePolicy Fail, for servers without our policies."""
    objects = pointed(shipped("MutatingWebhookConfiguration"), server.url, server.ca)
    for hook in objects[0]["webhooks"]:
        hook["failurePolicy"] = "Fail"
    return objects
