"""Nodes are real: pods run on them, within limits that the kernel keeps."""

from typing import Any

from tests.cluster.api import Object
from tests.cluster.cluster import Cluster
from tests.cluster.conftest import NamespaceFactory
from tests.cluster.node_configuration import SANDBOX_IMAGE

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
    node_cluster: Cluster, namespace: NamespaceFactory
) -> None:
    asked = pod(namespace(on=node_cluster.plane), memory("48Mi"), memory("16Mi"))
    created = node_cluster.ready(node_cluster.api.create(asked).expect(201).body)
    node = node_cluster.node_of(created)
    group = node.pod_cgroup(created)
    assert group.limit() == 64 * Mi
    assert 0 < group.usage() <= group.peak() < 64 * Mi
    (first, second) = (node.container_cgroup(created, name) for name in ("c0", "c1"))
    assert (first.limit(), second.limit()) == (48 * Mi, 16 * Mi)
    assert len(first.processes()) == len(second.processes()) == 1
    assert {*first.processes(), *second.processes()} < {*group.processes()}
    assert node.mounts(created, "c0")["/"][2] == "overlay"
