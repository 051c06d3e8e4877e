"""Owns claims on a directory of a node, which stand in for a shared file system."""

from pathlib import Path

from tests.kubernetes.api import Object
from tests.kubernetes.cluster import Cluster
from tests.kubernetes.node import Node


def bind(cluster: Cluster, node: Node, namespace: str, claim: str, source: str = "local") -> Path:
    """Create a claim and its volume on *node*; return the path from here of the volume's files.

    With *source* `hostPath` nothing is mounted: the kubelet uses the directory itself.
    """
    name = f"{namespace}-{claim}"
    path = f"/var/lib/volumes/{name}"
    files = node.disk(path)
    files.mkdir(parents=True)
    size = {"storage": "1Gi"}
    shared: Object = {"accessModes": ["ReadWriteMany"], "storageClassName": ""}
    hostname = {"key": "kubernetes.io/hostname", "operator": "In", "values": [node.name]}
    volume: Object = {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name},
        "spec": {
            **shared,
            "capacity": size,
            source: {"path": path},
            "claimRef": {"namespace": namespace, "name": claim},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [hostname]}]}},
        },
    }
    wanted: Object = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": claim, "namespace": namespace},
        "spec": {**shared, "volumeName": name, "resources": {"requests": size}},
    }
    for obj in (volume, wanted):
        cluster.api.create(obj).expect(201)
    return files
