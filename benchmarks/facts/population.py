"""The objects of a large cluster: namespaces, claims, nodes, models and a policy."""

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from rich.console import Console
from rich.progress import track

from tests.kubernetes.api import Api, Object

NAMESPACES: Final = 100
_V1ALPHA1: Final = "modelcache.io/v1alpha1"
_CREATORS: Final = 8
_CONDITIONS: Final = ("MemoryPressure", "DiskPressure", "PIDPressure", "Ready")


def namespace(number: int) -> Object:
    labels = {"team": "inference" if number % 2 else "other"}
    metadata = {"name": f"team-{number}", "labels": labels}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def claim(number: int) -> Object:
    metadata = {
        "name": f"claim-{number}",
        "namespace": f"team-{number % NAMESPACES}",
        "labels": {"app": f"app-{number % 50}", "app.kubernetes.io/managed-by": "Helm"},
        "annotations": {"volume.kubernetes.io/storage-provisioner": "nfs.csi.k8s.io"},
    }
    spec = {
        "accessModes": ["ReadWriteMany"],
        "storageClassName": "nfs-csi",
        "resources": {"requests": {"storage": "100Gi"}},
    }
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": metadata,
        "spec": spec,
    }


def node(number: int) -> Object:
    """Return a node with the labels and the fifty images that a node with accelerators has."""
    labels = {
        "kubernetes.io/hostname": f"node-{number}",
        "topology.kubernetes.io/zone": f"zone-{number % 3}",
        "nvidia.com/gpu.present": "true",
    }
    labels |= {f"feature.node.kubernetes.io/cpu-cpuid.F{k}": "true" for k in range(40)}
    labels |= {f"modelcache.io/{_digest(k % 40)[:16]}": "ready" for k in range(number % 8)}
    images = [
        {
            "names": [f"registry.example.com/image-{k}@sha256:{_digest(k)}", f"image-{k}:v1"],
            "sizeBytes": 10**8 + k,
        }
        for k in range(50)
    ]
    conditions = [{"type": name, "status": "False", "reason": "Kubelet"} for name in _CONDITIONS]
    status = {"capacity": {"cpu": "192"}, "images": images, "conditions": conditions}
    metadata = {"name": f"node-{number}", "labels": labels}
    return {"apiVersion": "v1", "kind": "Node", "metadata": metadata, "status": status}


def model(number: int) -> Object:
    spec = {"source": f"acme/model-{number}", "size": "16Gi", "strategies": ["pvc", "hostPath"]}
    return {
        "apiVersion": _V1ALPHA1,
        "kind": "CachedModel",
        "metadata": {"name": f"model-{number}"},
        "spec": spec,
    }


def policy(mode: str) -> Object:
    """Return a policy whose one rule refuses, or only audits, models without a revision."""
    spec = {"rules": {"pinnedRevisions": {"mode": mode}}}
    metadata = {"name": "changing"}
    return {"apiVersion": _V1ALPHA1, "kind": "CachePolicy", "metadata": metadata, "spec": spec}


def populate(api: Api, *, claims: int, nodes: int, models: int) -> None:
    """Create that many objects, with a progress bar."""
    with ThreadPoolExecutor(_CREATORS) as pool:
        for what, objects, count in (
            ("Namespaces", map(namespace, range(NAMESPACES)), NAMESPACES),
            ("Claims", map(claim, range(claims)), claims),
            ("Nodes", map(node, range(nodes)), nodes),
            ("Models", map(model, range(models)), models),
        ):
            created: Iterator[None] = pool.map(lambda obj: _create(api, obj), objects)
            console = Console(stderr=True)
            for _ in track(created, what, total=count, console=console, transient=True):
                pass


def _create(api: Api, obj: Object) -> None:
    api.create(obj).expect(201)


def _digest(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()
