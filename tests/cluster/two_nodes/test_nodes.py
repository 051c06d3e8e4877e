"""Nodes are real: pods run on them, within limits that the kernel enforces."""

import signal
from typing import Any

import pytest

from tests.kubernetes.api import Object
from tests.kubernetes.cluster import Cluster
from tests.kubernetes.local_volume import bind
from tests.kubernetes.node import Daemon
from tests.kubernetes.node_configuration import SANDBOX_IMAGE
from tests.kubernetes.registration import NamespaceFactory

Mi = 1 << 20


def pod(namespace: str, *containers: dict[str, Any], **spec: Any) -> Object:
    shared = {"image": SANDBOX_IMAGE, "imagePullPolicy": "Never"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"generateName": "p-", "namespace": namespace},
        "spec": {
            "terminationGracePeriodSeconds": 0,
            "containers": [
                {"name": f"c{number}", **shared, **one} for number, one in enumerate(containers)
            ],
            **spec,
        },
    }


def memory(quantity: str) -> dict[str, Any]:
    return {"resources": {"limits": {"memory": quantity}}}


def test_a_pod_runs_and_its_group_may_use_the_sum_of_its_limits(
    two_nodes: Cluster, namespace: NamespaceFactory
) -> None:
    asked = pod(namespace(on=two_nodes.plane), memory("48Mi"), memory("16Mi"))
    created = two_nodes.ready(two_nodes.api.create(asked).expect(201).body)
    node = two_nodes.node_of(created)
    group = node.pod_cgroup(created)
    assert group.limit() == 64 * Mi
    assert 0 < group.usage() <= group.peak() < 64 * Mi
    (first, second) = (node.container_cgroup(created, name) for name in ("c0", "c1"))
    assert (first.limit(), second.limit()) == (48 * Mi, 16 * Mi)
    assert len(first.processes()) == len(second.processes()) == 1
    assert {*first.processes(), *second.processes()} < {*group.processes()}
    assert node.mounts(created, "c0")["/"][2] == "overlay"


def busybox(*words: str) -> dict[str, Any]:
    return {"command": ["/bin/busybox", *words]}


def output(cluster: Cluster, created: Object) -> str:
    """Return the output of the only container of a pod, once the pod has ended."""
    ended = cluster.ended(created)
    meta = ended["metadata"]
    path = f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}/log"
    return cluster.api.request("GET", path).expect(200).message


def test_each_node_has_a_model_cache_of_its_own(
    two_nodes: Cluster, namespace: NamespaceFactory
) -> None:
    name = namespace(on=two_nodes.plane)
    cache = {"name": "cache", "hostPath": {"path": "/var/lib/model-cache", "type": "Directory"}}
    reader = {
        **busybox("cat", "/m/node"),
        "volumeMounts": [{"name": "cache", "mountPath": "/m", "readOnly": True}],
    }
    for node in two_nodes.nodes:
        (node.cache / "node").write_text(node.name)
    created = [
        two_nodes.api.create(
            pod(name, reader, volumes=[cache], restartPolicy="Never", nodeName=node.name)
        )
        for node in two_nodes.nodes
    ]
    assert [output(two_nodes, one.expect(201).body) for one in created] == ["node-1", "node-2"]


def test_pods_of_both_nodes_are_reached_through_a_service(
    two_nodes: Cluster, namespace: NamespaceFactory
) -> None:
    name = namespace(on=two_nodes.plane)
    service: Object = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "files", "namespace": name},
        "spec": {"selector": {"app": "files"}, "ports": [{"port": 80, "targetPort": 8000}]},
    }
    address = two_nodes.api.create(service).expect(201).body["spec"]["clusterIP"]
    serving = busybox("httpd", "-f", "-p", "8000", "-h", "/etc")
    serving["readinessProbe"] = {"tcpSocket": {"port": 8000}, "periodSeconds": 1}
    servers = [pod(name, serving, nodeName=node.name) for node in two_nodes.nodes]
    for server in servers:
        server["metadata"]["labels"] = {"app": "files"}
    running = [two_nodes.ready(two_nodes.api.create(one).expect(201).body) for one in servers]
    names = {one["metadata"]["name"] for one in running}
    fetch = f"""
        /bin/busybox --install -s /bin
        until echo $seen | grep -q {names.pop()} && echo $seen | grep -q {names.pop()}; do
            seen="$seen $(timeout 5 wget -q -O - http://{address}/hostname)"
        done
    """
    asked = pod(name, busybox("sh", "-c", fetch), restartPolicy="Never")
    ended = two_nodes.ended(two_nodes.api.create(asked).expect(201).body)
    assert ended["status"]["phase"] == "Succeeded"


def test_a_claim_is_bound_to_a_directory_of_the_node(
    two_nodes: Cluster, namespace: NamespaceFactory
) -> None:
    name = namespace(on=two_nodes.plane)
    node = two_nodes.nodes[0]
    files = bind(two_nodes, node, name, "models")
    (files / "weights").write_text("w")
    volume = {"name": "models", "persistentVolumeClaim": {"claimName": "models"}}
    writer = {
        **busybox("cp", "/m/weights", "/m/copied"),
        "volumeMounts": [{"name": "models", "mountPath": "/m"}],
    }
    asked = pod(name, writer, volumes=[volume], restartPolicy="Never")
    ended = two_nodes.ended(two_nodes.api.create(asked).expect(201).body)
    assert ended["status"]["phase"] == "Succeeded"
    assert (files / "copied").read_text() == "w"


@pytest.mark.parametrize("program", ["kubelet", "containerd"])
def test_a_pod_outlives_its(program: str, two_nodes: Cluster, namespace: NamespaceFactory) -> None:
    created = two_nodes.api.create(pod(namespace(on=two_nodes.plane), {})).expect(201).body
    before = two_nodes.ready(created)
    node = two_nodes.node_of(before)
    pids = node.pod_cgroup(before).processes()
    daemon: Daemon = getattr(node, program)
    daemon.restart(signal.SIGKILL)
    assert node.pod_cgroup(before).processes() == pids
    again = pod(before["metadata"]["namespace"], {})
    two_nodes.ready(two_nodes.api.create(again).expect(201).body)
    after = two_nodes.ready(created)
    assert after["status"]["containerStatuses"][0]["restartCount"] == 0
