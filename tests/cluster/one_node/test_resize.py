"""A resize in place does not move the model; whether the model counts follows from the new limit.

In Mi: a model of 256 and a server of 600, which becomes 856. The pod's limit is never less than the
loader's, 768, however low the server's is.
"""

from collections.abc import Iterator
from typing import Final

import pytest

from tests.cluster.one_node.charges import charges, tmpfs
from tests.cluster.one_node.lone_pod import lone_pod
from tests.cluster.one_node.memory_table import SERVER, server
from tests.cluster.one_node.pages import publish
from tests.kubernetes.api import Object
from tests.kubernetes.cluster import Cluster
from tests.kubernetes.ends import reasons
from tests.kubernetes.inference_pods import PORT, ask, event_of
from tests.kubernetes.registration import create_namespace, wait_until

Mi: Final = 1 << 20
V: Final = 256 * Mi


@pytest.fixture(scope="module")
def pod(serving_cluster: Cluster) -> Iterator[Object]:
    """A pod whose model fills its volume."""
    plane, (node,) = serving_cluster.plane, serving_cluster.nodes
    namespace = create_namespace(plane, "resize")
    asked = {"model": publish(node, "acme/resize", V), "strategy": "emptyDir"}
    asked |= {"load-from": "node", "size": "240Mi", "shm-size": "0"}
    wanted = lone_pod(namespace, asked, server("600Mi", "600Mi"))
    yield serving_cluster.ready(plane.api.create(wanted).expect(201).body, 250)
    plane.api.delete({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})


def resize(cluster: Cluster, pod: Object, amount: str) -> None:
    """Give the server another limit, and as large a request."""
    meta = pod["metadata"]
    resources = {key: {"memory": amount} for key in ("requests", "limits")}
    patch = {"spec": {"containers": [{"name": SERVER, "resources": resources}]}}
    url = f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}/resize"
    media_type = "application/strategic-merge-patch+json"
    cluster.api.request("PATCH", url, patch, media_type=media_type).expect(200)
    (node,) = cluster.nodes
    group = node.container_cgroup(pod, SERVER)
    wait_until(lambda: group.limit() == int(amount[:-2]) * Mi, f"a limit of {amount}", 120)


def tmpfs_options(cluster: Cluster, pod: Object) -> list[str]:
    (node,) = cluster.nodes
    (mount,) = [m for path, m in node.mounts(pod, SERVER).items() if path.startswith("/models/")]
    return mount[3].split(",")


def test_the_tmpfs_keeps_its_size_when_the_server_may_use_more(
    pod: Object, serving_cluster: Cluster
) -> None:
    (node,) = serving_cluster.nodes
    resize(serving_cluster, pod, "1000Mi")
    wait_until(lambda: node.pod_cgroup(pod).limit() == 1000 * Mi, "a larger pod", 120)
    assert f"size={V // 1024}k" in tmpfs_options(serving_cluster, pod)
    resize(serving_cluster, pod, "856Mi")
    wait_until(lambda: node.pod_cgroup(pod).limit() == 856 * Mi, "a smaller pod", 120)


def test_the_kubelet_refuses_a_limit_below_what_the_pod_uses(
    pod: Object, serving_cluster: Cluster
) -> None:
    (node,) = serving_cluster.nodes
    ask(serving_cluster, pod, "/allocate", {"bytes": 500 * Mi})
    assert charges(node.pod_cgroup(pod)).processes < 600 * Mi
    resize(serving_cluster, pod, "600Mi")
    said = event_of(serving_cluster, pod, "unable to set memory limit")
    assert said.startswith("ResizeError: ")
    assert node.pod_cgroup(pod).limit() == 856 * Mi
    assert ask(serving_cluster, pod, "/release", {}) == {"held": 0}


def test_a_limit_lowered_by_the_model_is_lowered_for_the_server(
    pod: Object, serving_cluster: Cluster
) -> None:
    (node,) = serving_cluster.nodes
    resize(serving_cluster, pod, "856Mi")
    resize(serving_cluster, pod, "600Mi")
    wait_until(lambda: node.pod_cgroup(pod).limit() == 768 * Mi, "a smaller pod", 120)
    assert tmpfs(node.pod_cgroup(pod), V) == V
    meta = pod["metadata"]
    url = f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}:{PORT}/proxy/allocate"
    assert not serving_cluster.api.request("POST", url, {"bytes": 520 * Mi}).ok
    serving_cluster.wait_for(pod, lambda now: reasons(now, SERVER) == ["OOMKilled"])
