"""The article's case: a model in memory counts against the limit of the pod.

In Mi: a model of 256, and a server that uses 550 and has a limit of 600. If the model is copied by
hand, that is more than the pod may use. The injected pod may use 856.
"""

import os
import signal
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest

from tests.cluster.one_node.charges import tmpfs
from tests.cluster.one_node.memory_table import SERVER, asleep, resources
from tests.cluster.one_node.pages import PAGE, publish
from tests.kubernetes.api import Object
from tests.kubernetes.cluster import Cluster, condition
from tests.kubernetes.ends import reasons
from tests.kubernetes.inference_pods import ask, container, created, deployment, status_of
from tests.kubernetes.node import Node
from tests.kubernetes.registration import create_namespace
from tests.store.models import COMMIT

Mi: Final = 1 << 20
MODEL: Final = 256 * Mi
HELD: Final = 550 * Mi
COPIES: Final = ["/bin/busybox", "sh", "-c", "/bin/busybox cp -r /store/. /models"]


def server(**fields: Any) -> Object:
    """Return the server as its author writes it, with or without the webhook."""
    holds = {"ALLOCATE": str(HELD)}
    return container(name=SERVER, resources=resources("600Mi", "600Mi"), env=holds, **fields)


def by_hand(namespace: str) -> Object:
    """Return the article's Deployment, with the limit that its reader found too small."""
    path = f"/var/lib/model-cache/acme--memory/{COMMIT}"
    volumes = [
        {"name": "models", "emptyDir": {"medium": "Memory", "sizeLimit": "256Mi"}},
        {"name": "store", "hostPath": {"path": path, "type": "Directory"}},
    ]
    reads = [{"name": "models", "mountPath": "/models", "readOnly": True}]
    copies = asleep("download", "600Mi", "600Mi", command=COPIES)
    copies["volumeMounts"] = [
        {"name": "models", "mountPath": "/models"},
        {"name": "store", "mountPath": "/store"},
    ]
    serves = server(args=["--model=/models"], volumeMounts=reads)
    more: Object = {"initContainers": [copies], "volumes": volumes}
    return deployment(namespace, {}, serves, name="by-hand", **more)


def annotated(namespace: str, model: str) -> Object:
    """Return the same Deployment, written for the webhook."""
    asked = {"model": model, "strategy": "emptyDir", "load-from": "node"}
    asked |= {"size": "240Mi", "shm-size": "0"}
    return deployment(namespace, asked, server(), name="annotated")


def on_disk(namespace: str, model: str) -> Object:
    """Return a server of the same model that maps the node's files, with a limit of 96."""
    asked = {"model": model, "strategy": "hostPath", "shm-size": "0"}
    small = container(name=SERVER, resources=resources("96Mi", "96Mi"))
    return deployment(namespace, asked, small, name="on-disk")


@pytest.fixture(scope="module")
def pods(serving_cluster: Cluster) -> Iterator[dict[str, Object]]:
    """One pod of each Deployment, started together."""
    plane, (node,) = serving_cluster.plane, serving_cluster.nodes
    namespace = create_namespace(plane, "out-of-memory")
    model = publish(node, "acme/memory", MODEL)
    workloads = [by_hand(namespace), annotated(namespace, model), on_disk(namespace, model)]
    yield {one["metadata"]["name"]: created(serving_cluster, one)[0] for one in workloads}
    plane.api.delete({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})


def again(name: str, restarts: int) -> Callable[[Object], bool]:
    """Whether the container *name* was restarted that many times, and the pod is ready."""

    def is_so(pod: Object) -> bool:
        return (
            status_of(pod, name)["restartCount"] == restarts and condition(pod, "Ready") == "True"
        )

    return is_so


def assert_serves(cluster: Cluster, node: Node, pod: Object) -> None:
    report = ask(cluster, pod, "/report")
    assert report["allocated"] == HELD
    assert [model["manifest"] for model in report["models"]] == ["agrees"]
    assert tmpfs(node.pod_cgroup(pod), MODEL) == MODEL
    assert tmpfs(node.container_cgroup(pod, SERVER), 0) == 0


def sandbox(node: Node, pod: Object) -> int:
    """Return the process that holds the namespaces of *pod*; its group is not that of a container."""
    status = pod["status"]
    every = [*status["initContainerStatuses"], *status["containerStatuses"]]
    names = {one["containerID"].removeprefix("containerd://") for one in every}
    groups = [path for path in node.pod_cgroup(pod).memory.iterdir() if path.is_dir()]
    (own,) = [path for path in groups if path.name not in names]
    return int((own / "cgroup.procs").read_text())


def test_a_model_copied_by_hand_is_too_much_for_the_limit_and_stays_so(
    pods: dict[str, Object], serving_cluster: Cluster
) -> None:
    def killed_again(pod: Object) -> bool:
        if not reasons(pod, SERVER):
            return False
        status = status_of(pod, SERVER)
        return status["restartCount"] >= 1 and "running" not in status["state"]

    pod = serving_cluster.wait_for(pods["by-hand"], killed_again, 250)
    assert {*reasons(pod, SERVER)} == {"OOMKilled"}
    (node,) = serving_cluster.nodes
    assert tmpfs(node.pod_cgroup(pod), MODEL) == MODEL


def test_the_annotated_server_is_not_killed(
    pods: dict[str, Object], serving_cluster: Cluster
) -> None:
    (node,) = serving_cluster.nodes
    assert_serves(serving_cluster, node, serving_cluster.ready(pods["annotated"], 250))


def test_a_model_on_a_disk_needs_no_limit_of_its_size(
    pods: dict[str, Object], serving_cluster: Cluster
) -> None:
    (node,) = serving_cluster.nodes
    pod = serving_cluster.ready(pods["on-disk"], 250)
    (model,) = ask(serving_cluster, pod, "/report")["models"]
    assert model["bytes"] > MODEL - PAGE
    assert node.pod_cgroup(pod).limit() == 96 * Mi
    assert status_of(pod, SERVER)["restartCount"] == 0


def test_a_server_that_starts_again_finds_the_model_and_the_same_limit(
    pods: dict[str, Object], serving_cluster: Cluster
) -> None:
    (node,) = serving_cluster.nodes
    before = serving_cluster.ready(pods["annotated"], 250)
    restarts = status_of(before, SERVER)["restartCount"]
    for pid in node.container_cgroup(before, SERVER).processes():
        os.kill(pid, signal.SIGKILL)
    pod = serving_cluster.wait_for(before, again(SERVER, restarts + 1), 250)
    assert_serves(serving_cluster, node, pod)
    assert status_of(pod, "modelcache-loader")["restartCount"] == 0


def test_a_loader_that_runs_again_in_a_new_sandbox_accepts_its_earlier_copy(
    pods: dict[str, Object], serving_cluster: Cluster
) -> None:
    (node,) = serving_cluster.nodes
    before = serving_cluster.ready(pods["annotated"], 250)
    os.kill(sandbox(node, before), signal.SIGKILL)
    pod = serving_cluster.wait_for(before, again("modelcache-loader", 1), 250)
    assert_serves(serving_cluster, node, pod)
