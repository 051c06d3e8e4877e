"""The article's Deployments run: each strategy from annotation to Ready, on a node.

Their models, amounts and /dev/shm are small, and they request no accelerator. Apart from that the
annotations are those of examples/article.yaml.
"""

import contextlib
import copy
import dataclasses
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import jsonpatch
import pytest
import yaml

from tests.images import model_image
from tests.images.product import MODELCACHE
from tests.kubernetes.api import Object
from tests.kubernetes.cluster import Cluster
from tests.kubernetes.inference_pods import (
    PREFIX,
    ask,
    container,
    created,
    deleted_at_end,
    files_of,
)
from tests.kubernetes.local_volume import bind
from tests.kubernetes.node import MODEL_CACHE, Node
from tests.kubernetes.registration import create_namespace
from tests.store import models

EXAMPLE: Final = Path(__file__).parents[3] / "examples" / "article.yaml"
LLAMA: Final = "llama-3.1-8b-instruct"
SIZE: Final = 5_000_000
SHM: Final = 8 * 2**20
SUBMOUNT: Final = "adapters"
WORKLOADS: Final = ("vllm-inference", "vllm-hostpath", "fast-inference", "vllm-image")
MOUNT_PATHS: Final = {"fast-inference": "/model-cache/phi-2", "vllm-image": f"/models/{LLAMA}"}


def article(namespace: str, image: str) -> dict[str, Object]:
    """Return the three Deployments with small amounts, and one with the model from *image*."""
    workloads = {obj["metadata"]["name"]: obj for obj in yaml.safe_load_all(EXAMPLE.read_text())}
    fourth = workloads["vllm-image"] = copy.deepcopy(workloads["vllm-inference"])
    fourth["metadata"]["name"] = "vllm-image"
    fourth["metadata"]["annotations"] |= {
        PREFIX + "strategy": "image",
        PREFIX + "image": image,
        PREFIX + "mount-path": f"/models/{LLAMA}",
    }
    del fourth["metadata"]["annotations"][PREFIX + "directory"]
    fourth["spec"]["replicas"] = 1
    fourth["spec"]["selector"]["matchLabels"] = {"app": "vllm-image"}
    fourth["spec"]["template"]["metadata"]["labels"] = {"app": "vllm-image"}
    # The catalogue says 5.2 GiB for phi-2, and a pod may not request less.
    fast = workloads["fast-inference"]["metadata"]["annotations"]
    fast |= {PREFIX + "model": "example/small", PREFIX + "size": str(SIZE)}
    for workload in workloads.values():
        workload["metadata"]["namespace"] = namespace
        workload["metadata"]["annotations"][PREFIX + "shm-size"] = str(SHM)
        (server,) = workload["spec"]["template"]["spec"]["containers"]
        memory = {"memory": "64Mi"}
        # The loader's request is its limit, and two of 1 CPU do not fit next to the others.
        limits = {"cpu": "500m", **memory}
        server["resources"] = {"requests": {"cpu": "10m", **memory}, "limits": limits}
        server["readinessProbe"] = container()["readinessProbe"]
    return workloads


def without_annotations(workload: Object, namespace: str) -> Object:
    """Return the workload as an author writes it without the webhook."""
    plain = copy.deepcopy(workload)
    plain["metadata"] = {"name": workload["metadata"]["name"], "namespace": namespace}
    plain["spec"]["replicas"] = 1
    return plain


@dataclasses.dataclass(frozen=True)
class Running:
    """The Deployments' pods, all ready."""

    cluster: Cluster
    node: Node
    files: dict[str, Object]
    """The files that each server must have read: name → size and digest."""
    workloads: dict[str, Object]
    pods: dict[str, list[Object]]
    plain: dict[str, Object]
    """A pod of each Deployment, without annotations."""

    def reports(self, name: str) -> list[Object]:
        """Return the reports of the servers of a Deployment."""
        return [ask(self.cluster, pod, "/report") for pod in self.pods[name]]


@pytest.fixture(scope="module")
def running(
    serving_cluster: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    cluster, (node,) = serving_cluster, serving_cluster.nodes
    ours, theirs = (
        create_namespace(cluster.plane, f"article-{which}-{os.getpid()}")
        for which in ("runs", "plain")
    )
    store = bind(cluster, node, ours, "model-store")
    files = files_of(models.sharded(store / LLAMA, size=SIZE))
    (store / "phi-2").symlink_to(LLAMA)
    cached = node.cache / LLAMA
    subprocess.run(["cp", "-r", store / LLAMA, cached], check=True)
    archive = tmp_path_factory.mktemp("image") / "model.tar"
    workloads = article(ours, model_image.write(archive, store / LLAMA, "localhost:5/llama"))
    node.load(archive)
    with mounted_below(node, cached / SUBMOUNT), deleted_at_end(cluster, workloads.values()):
        pods = {name: created(cluster, workload) for name, workload in workloads.items()}
        plain: dict[str, Object] = {}
        for name, workload in workloads.items():
            written = without_annotations(workload, theirs)
            with deleted_at_end(cluster, [written]):
                (plain[name],) = created(cluster, written)
        ready = {name: [cluster.ready(pod) for pod in every] for name, every in pods.items()}
        yield Running(cluster, node, files, workloads, ready, plain)
    shutil.rmtree(cached)


@contextlib.contextmanager
def mounted_below(node: Node, folder: Path) -> Iterator[None]:
    """Mount a tmpfs on a folder of the node's disk for the time of a `with` block."""
    folder.mkdir()
    path = f"/{folder.relative_to(node.folder)}"
    subprocess.run(node.command(["mount", "-t", "tmpfs", "tmpfs", path]), check=True)
    yield
    subprocess.run(node.command(["umount", "--lazy", path]), check=True)  # pods end in the meantime


@pytest.mark.parametrize(
    ("name", "replicas"),
    [("vllm-inference", 4), ("vllm-hostpath", 2), ("fast-inference", 2), ("vllm-image", 1)],
)
def test_every_replica_has_read_the_whole_model(running: Running, name: str, replicas: int) -> None:
    reports = running.reports(name)
    assert [report["models"][0]["files"] for report in reports] == [running.files] * replicas


@pytest.mark.parametrize("name", WORKLOADS)
def test_no_replica_can_write_to_its_model(running: Running, name: str) -> None:
    for pod, report in zip(running.pods[name], running.reports(name), strict=True):
        (model,) = report["models"]
        assert model["path"] == MOUNT_PATHS.get(name, f"/models/{LLAMA}")
        assert model["writeError"] == "Read-only file system"
        mount = running.node.mounts(pod, "vllm")[model["path"]]
        assert "ro" in mount[3].split(",")


def test_mounts_below_a_model_are_read_only_too(running: Running) -> None:
    path = f"/models/{LLAMA}/{SUBMOUNT}"
    for pod in running.pods["vllm-hostpath"]:
        mount = running.node.mounts(pod, "vllm")[path]
        assert (mount[2], "ro" in mount[3].split(",")) == ("tmpfs", True)


@pytest.mark.parametrize("name", WORKLOADS)
def test_dev_shm_has_the_size_asked_for(running: Running, name: str) -> None:
    for pod, report in zip(running.pods[name], running.reports(name), strict=True):
        assert report["sharedMemory"]["size"] == SHM
        kind, options = running.node.mounts(pod, "vllm")["/dev/shm"][2:4]
        assert (kind, f"size={SHM // 1024}k" in options.split(",")) == ("tmpfs", True)


MODEL: Final = "modelcache-model"
CLAIM: Final = {"persistentVolumeClaim": {"claimName": "model-store", "readOnly": True}}
TOKEN: Final = "/var/run/secrets/kubernetes.io/serviceaccount"
NODE_CACHE: Final = {"hostPath": {"path": f"{MODEL_CACHE}/{LLAMA}", "type": "Directory"}}


def memory(size: str) -> Object:
    return {"emptyDir": {"medium": "Memory", "sizeLimit": size}}


LOADER: Final = {
    "name": "modelcache-loader",
    "image": MODELCACHE.reference,
    "imagePullPolicy": "IfNotPresent",
    "command": ["modelcache", "copy", "/modelcache/store/1", "/modelcache/memory/1"],
    # The volume's limit and 512Mi, as request and as limit, so that it uses nothing unrequested.
    "resources": {
        "limits": {"cpu": "500m", "memory": "768Mi"},
        "requests": {"cpu": "500m", "memory": "768Mi"},
    },
    "securityContext": {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    },
    "terminationMessagePath": "/dev/termination-log",
    "terminationMessagePolicy": "FallbackToLogsOnError",
    "volumeMounts": [
        {
            "name": "modelcache-store",
            "mountPath": "/modelcache/store/1",
            "subPath": "phi-2",
            "readOnly": True,
        },
        {"name": MODEL, "mountPath": "/modelcache/memory/1"},
        {"name": "modelcache-no-token", "mountPath": TOKEN, "readOnly": True},
    ],
}


def model_volume(running: Running, name: str) -> Object:
    """Return where a Deployment's model comes from."""
    reference = running.workloads[name]["metadata"]["annotations"].get(PREFIX + "image")
    image = {"image": {"reference": reference, "pullPolicy": "IfNotPresent"}}
    sources: dict[str, Object] = {
        "vllm-inference": CLAIM,
        "vllm-hostpath": NODE_CACHE,
        "fast-inference": memory("256Mi"),
        "vllm-image": image,
    }
    return {"name": MODEL, **sources[name]}


def changes(running: Running, name: str) -> dict[str, Any]:
    """Return path in the pod → what the webhook mounts there, as the documents say."""
    path = MOUNT_PATHS.get(name, f"/models/{LLAMA}")
    mount = {"name": MODEL, "mountPath": path, "readOnly": True, "recursiveReadOnly": "IfPossible"}
    if name == "vllm-inference":
        mount["subPath"] = LLAMA
    grown = "328Mi" if name == "fast-inference" else "72Mi"  # 64Mi, /dev/shm, and what is in memory
    volumes = [model_volume(running, name)]
    if name == "fast-inference":
        volumes.append({"name": "modelcache-store", **CLAIM})
    volumes.append({"name": "modelcache-shm", **memory("8Mi")})
    if name == "fast-inference":
        volumes.append({"name": "modelcache-no-token", **memory("1Mi")})
    server = "/spec/containers/0"
    found = {
        "/metadata/annotations": running.workloads[name]["metadata"]["annotations"],
        f"{server}/env": [{"name": "MODELCACHE_PATH", "value": path}],
        f"{server}/resources/limits/memory": grown,
        f"{server}/resources/requests/memory": grown,
        f"{server}/volumeMounts/1": mount,
        f"{server}/volumeMounts/2": {"name": "modelcache-shm", "mountPath": "/dev/shm"},
        **{f"/spec/volumes/{number}": volume for number, volume in enumerate(volumes, 1)},
    }
    if name == "fast-inference":
        found["/spec/initContainers"] = [LOADER]
    return found


OWN: Final = ("creationTimestamp", "generateName", "generation", "managedFields", "name",
              "namespace", "ownerReferences", "resourceVersion", "uid")  # fmt: skip


def stored(pod: Object) -> Object:
    """Return *pod* without its status, and without what differs between any two pods."""
    pod = copy.deepcopy(pod)
    for field in OWN:
        del pod["metadata"][field]
    del pod["metadata"]["labels"]["pod-template-hash"]
    pod["spec"].pop("nodeName", None)
    token = pod["spec"]["volumes"][0]
    random = token["name"]
    assert random.startswith("kube-api-access-")
    token["name"] = "token"
    containers = [*pod["spec"]["containers"], *pod["spec"].get("initContainers", [])]
    for mount in [mount for one in containers for mount in one["volumeMounts"]]:
        if mount["name"] == random:
            mount["name"] = "token"
    pod["metadata"].get("annotations", {}).pop(PREFIX + "injected", None)
    return {"metadata": pod["metadata"], "spec": pod["spec"]}


@pytest.mark.parametrize("name", WORKLOADS)
def test_nothing_else_of_the_pod_is_changed(running: Running, name: str) -> None:
    plain, ours = running.plain[name], running.pods[name][0]
    assert PREFIX + "injected" in ours["metadata"]["annotations"]
    assert ours["status"]["qosClass"] == plain["status"]["qosClass"]
    patch: list[Any] = jsonpatch.make_patch(stored(plain), stored(ours)).patch
    assert {change["op"] for change in patch} <= {"add", "replace"}
    found = {change["path"]: change["value"] for change in patch}
    assert len(found) == len(patch)
    assert found == changes(running, name)
