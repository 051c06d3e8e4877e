"""A loader that fails says why in the pod's status, and no server starts with an incomplete model."""

import re
from collections.abc import Iterator
from hashlib import sha256
from typing import Any, Final

import pytest

from tests.cluster.one_node.charges import tmpfs
from tests.cluster.one_node.lone_pod import lone_pod
from tests.cluster.one_node.memory_table import SERVER, resources, server
from tests.cluster.one_node.pages import PAGE, WEIGHTS, directory, publish
from tests.kubernetes.api import Object
from tests.kubernetes.cluster import Cluster
from tests.kubernetes.ends import ends
from tests.kubernetes.inference_pods import ask, status_of
from tests.kubernetes.registration import create_namespace

Mi: Final = 1 << 20
LOADER: Final = "modelcache-loader"
V: Final = 256 * Mi
CORRUPT: Final = "acme/corrupt"


def asked(namespace: str, model: str, level: str | None = None, **spec: Any) -> Object:
    annotations = {"model": model, "strategy": "emptyDir", "load-from": "node"}
    annotations |= {"size": "240Mi", "shm-size": "0"}
    if level:
        spec["resources"] = resources(level, level)
    serves = server(None, None) if level else server("600Mi", "600Mi")
    return lone_pod(namespace, annotations, serves, **spec)


@pytest.fixture(scope="module")
def pods(serving_cluster: Cluster) -> Iterator[dict[str, Object]]:
    """A pod for each way to fail, started together."""
    plane, (node,) = serving_cluster.plane, serving_cluster.nodes
    namespace = create_namespace(plane, "loader-failures")
    fits = publish(node, "acme/fits", V)
    larger = publish(node, "acme/larger", V + PAGE)
    corrupt = publish(node, CORRUPT, V)
    with (directory(node, CORRUPT) / WEIGHTS).open("r+b") as weights:
        weights.seek(V - 2 * PAGE)
        weights.write(b"\1")
    wanted = {
        "corrupt": asked(namespace, corrupt, restartPolicy="Always"),
        "larger than announced": asked(namespace, larger),
        # The pod may use 8Mi in addition to the model, which is less than the loader needs. In its
        # container the loader sees only its own limit, which would be enough.
        "out of memory": asked(namespace, fits, level="8Mi"),
    }
    yield {name: plane.api.create(pod).expect(201).body for name, pod in wanted.items()}
    plane.api.delete({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})


def failed(cluster: Cluster, created: Object) -> tuple[Object, Object]:
    """Return the pod once its loader has ended, and how that ended."""
    pod = cluster.wait_for(created, lambda now: bool(ends(now, LOADER)), 250)
    return pod, ends(pod, LOADER)[0]


def assert_never_started(pod: Object) -> None:
    status = status_of(pod, SERVER)
    assert status["state"] == {"waiting": {"reason": "PodInitializing"}}
    assert status["restartCount"] == 0
    assert not ends(pod, SERVER)


def test_a_model_larger_than_announced_is_refused_before_it_is_copied(
    pods: dict[str, Object], serving_cluster: Cluster
) -> None:
    pod, end = failed(serving_cluster, pods["larger than announced"])
    assert (end["reason"], end["exitCode"]) == ("Error", 1)
    assert end["message"] == (
        f"modelcache: /modelcache/memory/1: the model needs {V + PAGE} bytes, and {V} are free "
        "(257Mi of 256Mi): set modelcache.io/size to the model's true size\n"
    )
    assert_never_started(pod)


def test_a_loader_at_its_limit_is_killed_and_the_status_says_so(
    pods: dict[str, Object], serving_cluster: Cluster
) -> None:
    pod, end = failed(serving_cluster, pods["out of memory"])
    assert (end["reason"], end["exitCode"]) == ("OOMKilled", 137)
    assert_never_started(pod)


def test_the_remains_of_a_failed_attempt_do_no_harm(
    pods: dict[str, Object], serving_cluster: Cluster
) -> None:
    (node,) = serving_cluster.nodes
    pod, end = failed(serving_cluster, pods["corrupt"])
    # A copy that takes long reports its progress.
    *_, fault, anew, rest = end["message"].split("\n")
    assert re.fullmatch(
        rf"modelcache: /modelcache/store/1/{WEIGHTS}: has the sha256 [0-9a-f]{{64}}, "
        f"the manifest says {sha256(bytes(V - PAGE)).hexdigest()}",
        fault,
    )
    assert re.fullmatch(
        r"modelcache: /modelcache/store/1: publish it anew: modelcache load --full \S+ STORE", anew
    )
    assert not rest
    assert_never_started(pod)
    publish(node, CORRUPT, V)
    ready = serving_cluster.ready(pod, 250)
    assert ask(serving_cluster, ready, "/report")["models"][0]["manifest"] == "agrees"
    assert tmpfs(node.pod_cgroup(ready), V) == V
