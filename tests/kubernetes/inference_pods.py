"""Owns the workloads that tests run on nodes: Deployments of a stand-in for inference servers.

The stand-in maps and reads its whole model, and reports over HTTP what it saw (tests/images). Tests
reach it through the API server, as `kubectl` does.
"""

import contextlib
import hashlib
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from tests.images.busybox import BUSYBOX
from tests.images.inference import INFERENCE_SERVER
from tests.images.product import MODELCACHE
from tests.kubernetes.api import Object
from tests.kubernetes.cluster import Cluster, condition
from tests.kubernetes.node_disk import SERVER
from tests.kubernetes.processes import FailedError
from tests.kubernetes.registration import wait_until
from tests.kubernetes.server import Webhook, serve
from webhook.models.layout import HUB_CACHE

PREFIX: Final = "modelcache.io/"
PORT: Final = 8000


def equip(cluster: Cluster, *flags: str) -> Webhook:
    """Load the images into the nodes of *cluster*, and register the webhook with it."""
    for node in cluster.nodes:
        node.load(BUSYBOX.path())
        node.load(INFERENCE_SERVER.path(SERVER))
        node.load(MODELCACHE.path())
    return serve(cluster.plane, f"--loader-image={MODELCACHE.reference}", *flags)


def container(
    *,
    name: str = "vllm",
    request: str | None = None,
    limit: str | None = None,
    args: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
    **fields: Any,
) -> Object:
    """Return a container of the server with memory *request* and *limit*."""
    amounts = {"requests": request, "limits": limit}
    return {
        "name": name,
        "image": SERVER,
        "imagePullPolicy": "IfNotPresent",
        "args": [*args],
        "env": [{"name": key, "value": value} for key, value in (env or {}).items()],
        "resources": {key: {"memory": value} for key, value in amounts.items() if value},
        "readinessProbe": {
            "httpGet": {"path": "/health", "port": PORT},
            "periodSeconds": 1,
            "failureThreshold": 100,
        },
        **fields,
    }


def deployment(
    namespace: str,
    annotations: Mapping[str, str],
    *containers: Object,
    name: str = "server",
    replicas: int = 1,
    **spec: Any,
) -> Object:
    """Return a Deployment with *annotations*, which are given without their prefix, in its metadata."""
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "annotations": {PREFIX + key: value for key, value in annotations.items()},
        },
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {
                    "terminationGracePeriodSeconds": 0,
                    "automountServiceAccountToken": False,
                    "containers": [*containers] or [container()],
                    **spec,
                },
            },
        },
    }


def pods_of(cluster: Cluster, workload: Object) -> list[Object]:
    """Return the pods of *workload* that are not being deleted."""
    namespace = workload["metadata"]["namespace"]
    labels = workload["spec"]["selector"]["matchLabels"]
    chosen = {"labelSelector": ",".join(f"{key}={value}" for key, value in labels.items())}
    path = f"/api/v1/namespaces/{namespace}/pods"
    listed = cluster.api.request("GET", path, params=chosen).expect(200).body["items"]
    return [pod for pod in listed if "deletionTimestamp" not in pod["metadata"]]


def pod_with(cluster: Cluster, namespace: str, selector: str) -> Object:
    """Return the only pod with the labels of *selector*, once its controller has created it."""
    pods: list[Object] = []

    def there() -> bool:
        pods[:] = cluster.api.list("v1", "Pod", namespace, labelSelector=selector)
        return bool(pods)

    wait_until(there, "there is a pod")
    (pod,) = pods
    return pod


def created(cluster: Cluster, workload: Object, seconds: float = 30) -> list[Object]:
    """Create *workload*; return its pods as soon as all of them exist."""
    cluster.api.create(workload).expect(201)
    return replicas_of(cluster, workload, seconds)


def replicas_of(cluster: Cluster, workload: Object, seconds: float = 60) -> list[Object]:
    """Return the pods of *workload* as soon as there are as many as its replicas."""
    deadline = time.monotonic() + seconds
    while len(pods := pods_of(cluster, workload)) != workload["spec"]["replicas"]:
        if time.monotonic() > deadline:
            raise FailedError(f"{len(pods)} pods:\n" + "\n".join(events(cluster, workload)))
        time.sleep(0.05)
    return pods


def served(cluster: Cluster, workload: Object, seconds: float = 60) -> list[Object]:
    """Create *workload* and return its pods once all of them are ready."""
    return [cluster.ready(pod, seconds) for pod in created(cluster, workload)]


def ready(pod: Object) -> bool:
    """Whether all containers of *pod* are ready."""
    return condition(pod, "Ready") == "True"


def ask(cluster: Cluster, pod: Object, path: str, body: Any = None) -> Any:
    """Return the answer of the server of *pod* at *path*; with a *body* it is a POST."""
    meta = pod["metadata"]
    base = f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}:{PORT}/proxy"
    method = "GET" if body is None else "POST"
    return cluster.api.request(method, base + path, body).expect(200).body


def events(cluster: Cluster, obj: Object) -> list[str]:
    """Return `reason: message` of all Events in the namespace of *obj*, oldest first."""
    path = f"/api/v1/namespaces/{obj['metadata']['namespace']}/events"
    listed = cluster.api.request("GET", path).expect(200).body["items"]
    listed.sort(key=lambda event: event["metadata"]["creationTimestamp"])
    return [f"{event['reason']}: {event['message']}" for event in listed]


def status_of(pod: Object, name: str) -> Object:
    """Return the status of a container or init container of *pod*."""
    status = pod["status"]
    every = [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]
    (found,) = [one for one in every if one["name"] == name]
    return dict(found)


def event_of(cluster: Cluster, obj: Object, text: str, seconds: float = 60) -> str:
    """Return the first Event about *obj* that contains *text*, as `reason: message`."""
    meta = obj["metadata"]
    chosen = f"involvedObject.name={meta['name']},involvedObject.kind={obj.get('kind', 'Pod')}"
    deadline = time.monotonic() + seconds
    while True:
        listed = cluster.api.list("v1", "Event", meta["namespace"], fieldSelector=chosen)
        said = [f"{event['reason']}: {event['message']}" for event in listed]
        if found := next((line for line in said if text in line), None):
            return found
        if time.monotonic() > deadline:
            raise FailedError(f"{text!r} is not among:\n" + "\n".join(said))
        time.sleep(0.1)


def files_of(directory: Path) -> dict[str, Object]:
    """Return what a server must report about the model in *directory*: name → size and digest.

    A cache of the hub next to the files is left out.
    """
    found: dict[str, Object] = {}
    for path in (path for path in directory.rglob("*") if path.is_file()):
        if path.relative_to(directory).parts[0].startswith(HUB_CACHE):
            continue
        content = path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        found[str(path.relative_to(directory))] = {"size": len(content), "sha256": digest}
    return found


@contextlib.contextmanager
def deleted_at_end(cluster: Cluster, workloads: Iterable[Object]) -> Iterator[None]:
    """Delete *workloads* at the end of a `with` block, so that what they requested is free again."""
    try:
        yield
    finally:
        for workload in workloads:
            cluster.api.delete(workload).expect(200, 404)


def root_of(cluster: Cluster, pod: Object, name: str = "vllm") -> Path:
    """Return the path from here of the root directory of a running container."""
    pid, *_ = cluster.node_of(pod).container_cgroup(pod, name).processes()
    return Path(f"/proc/{pid}/root")
