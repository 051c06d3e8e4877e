"""A claim that two volumes of a pod name is mounted once, so the webhook refuses such pods.

The kubelet has one mount per claim and pod. Before 1.35 it waits for the second one for ever.
(pkg/kubelet/volumemanager/cache/desired_state_of_world.go, AddPodToVolume)
"""

from tests.images.busybox import BUSYBOX
from tests.kubernetes.api import Object
from tests.kubernetes.cluster import Cluster
from tests.kubernetes.local_volume import bind
from tests.kubernetes.registration import NamespaceFactory


def pod(namespace: str, name: str, *volumes: Object) -> Object:
    """Return a pod that mounts each of *volumes* below its name."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "terminationGracePeriodSeconds": 0,
            "automountServiceAccountToken": False,
            "volumes": list(volumes),
            "containers": [
                {
                    "name": "reader",
                    "image": BUSYBOX.reference,
                    "imagePullPolicy": "Never",
                    "command": ["sleep", "1000000"],
                    "volumeMounts": [
                        {"name": one["name"], "mountPath": f"/{one['name']}"} for one in volumes
                    ],
                }
            ],
        },
    }


def volume(name: str, *, read_only: bool) -> Object:
    claim = {"claimName": "model-store", "readOnly": read_only}
    return {"name": name, "persistentVolumeClaim": claim}


def test_both_volumes_are_read_only_or_both_are_writable(
    serving_cluster: Cluster, namespace: NamespaceFactory
) -> None:
    cluster, (node,) = serving_cluster, serving_cluster.nodes
    where = namespace(on=cluster.plane)
    bind(cluster, node, where, "model-store")
    ours, theirs = volume("ours", read_only=True), volume("theirs", read_only=False)
    pods = [pod(where, "ours-last", theirs, ours), pod(where, "theirs-last", ours, theirs)]
    for one in pods:
        cluster.api.create(one).expect(201)
    for one in map(cluster.ready, pods):
        mounts = node.mounts(one, "reader")
        modes = {mounts[path][3].split(",")[0] for path in ("/ours", "/theirs")}
        assert modes in ({"ro"}, {"rw"})  # which of them is chance
