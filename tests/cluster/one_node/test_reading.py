"""Servers with any user start with a model that they may only read, and none tries to write to it.

Everything here is in a namespace with Pod Security `restricted`. Each pod is created while its model
is missing, so that its sandbox exists before its containers. So every call of all of its containers
is recorded, also of the loader and the gate.
"""

import contextlib
import dataclasses
import os
import re
from collections.abc import Iterator
from typing import Any, Final

import pytest

from tests.images.inference import HUB_SERVER
from tests.kubernetes.api import Object
from tests.kubernetes.cluster import Cluster, condition
from tests.kubernetes.file_calls import FileCalls
from tests.kubernetes.inference_pods import ask, container, created, deployment, status_of
from tests.kubernetes.local_volume import bind
from tests.kubernetes.registration import create_namespace
from tests.store.models import COMMIT, publish

REPOSITORY: Final = "reading/model"
DIRECTORY: Final = f"reading--model/{COMMIT}"
PATH: Final = f"/models/{DIRECTORY}"
CACHE: Final = "/modelcache/hub"
CACHED: Final = f"{CACHE}/models--reading--model"
RESTRICTED: Final = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
}
ARBITRARY: Final = 1000680000
"""A user as OpenShift assigns to all pods of a namespace, with its own group."""
PODS: Final[dict[str, tuple[Object, Object]]] = {
    "gate": ({"strategy": "pvc", "verify": "true"}, {}),
    "loader": ({"strategy": "emptyDir", "size": "1Mi"}, {}),
    "arbitrary": (
        {"strategy": "emptyDir", "size": "1Mi"},
        {"runAsUser": ARBITRARY, "fsGroup": ARBITRARY, "supplementalGroups": [ARBITRARY]},
    ),
    "hub": ({"strategy": "pvc", "layout": "hf-cache", "verify": "true"}, {}),
}
"""Pod → its annotations, and its user if the images name none."""


@dataclasses.dataclass(frozen=True)
class Read:
    """A ready pod, its server's report, and its containers' system calls."""

    cluster: Cluster
    pod: Object
    report: Any
    calls: FileCalls


@pytest.fixture(scope="module")
def read(serving_cluster: Cluster) -> Iterator[dict[str, Read]]:
    cluster, (node,) = serving_cluster, serving_cluster.nodes
    node.load(HUB_SERVER.path())
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    where = create_namespace(cluster.plane, f"reading-{os.getpid()}", labels)
    store = bind(cluster, node, where, "model-store")
    with contextlib.ExitStack() as recording:
        pods: dict[str, Object] = {}
        calls: dict[str, FileCalls] = {}
        for name, (annotations, user) in PODS.items():
            security = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}, **user}
            resources = {
                "limits": {"cpu": "100m", "memory": "64Mi"}
            }  # the loader requests as much cpu
            server = container(resources=resources, securityContext=RESTRICTED)
            if name == "hub":  # as users write it: the model's name, and nothing about a cache
                server |= {"image": HUB_SERVER.reference, "args": [f"--model={REPOSITORY}"]}
            asked = {"model": f"{REPOSITORY}@{COMMIT}", "shm-size": "8Mi", **annotations}
            workload = deployment(where, asked, server, name=name, securityContext=security)
            (pods[name],) = created(cluster, workload)
        for name, pod in pods.items():
            cluster.wait_for(pod, lambda now: condition(now, "PodReadyToStartContainers") == "True")
            calls[name] = FileCalls(cluster, cluster.wait_for(pod, lambda _: True))
            recording.callback(calls[name].stop)
        publish(store, REPOSITORY, hub_cache=True)
        ready = {name: cluster.ready(pod) for name, pod in pods.items()}
        reports = {name: ask(cluster, pod, "/report") for name, pod in ready.items()}
    yield {name: Read(cluster, ready[name], reports[name], calls[name]) for name in PODS}
    gone: Object = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": where}}
    cluster.api.delete(gone)


@pytest.mark.parametrize("name", ["gate", "loader", "arbitrary"])
def test_the_server_reads_all_of_the_model_and_cannot_write_to_it(
    read: dict[str, Read], name: str
) -> None:
    (model,) = read[name].report["models"]
    assert model["path"] == PATH
    assert model["manifest"] == "agrees"
    assert model["writeError"] == "Read-only file system"


def test_the_library_of_the_hub_finds_the_model_by_its_name_and_loads_every_tensor(
    read: dict[str, Read],
) -> None:
    (model,) = read["hub"].report["models"]
    assert model["path"] == f"{CACHED}/snapshots/{COMMIT}"
    assert {"HF_HUB_CACHE", "HF_HUB_OFFLINE"} < {*read["hub"].report["environment"]}
    assert model["tensors"] == 2
    assert model["writeError"] == "Read-only file system"


@pytest.mark.parametrize("name", PODS)
def test_nothing_tries_to_write_to_the_model(read: dict[str, Read], name: str) -> None:
    calls = read[name].calls.below(CACHE if name == "hub" else PATH)
    (model,) = read[name].report["models"]
    opened = {call.path for call in calls if call.name == "openat"}
    assert {f"{model['path']}/{file}" for file in model["files"]} < opened
    # The stand-in tries to write on purpose, to report the result; that is recorded too.
    assert [call.path for call in calls if call.changes] == [f"{model['path']}/.written-1"]


@pytest.mark.parametrize("name", ["loader", "arbitrary"])
def test_the_loader_writes_to_memory_alone(read: dict[str, Read], name: str) -> None:
    stored, memory = (read[name].calls.below(f"/modelcache/{part}") for part in ("store", "memory"))
    (model,) = read[name].report["models"]
    for file in model["files"]:
        assert f"/modelcache/store/1/{file}" in {call.path for call in stored}
        names = {call.path.removeprefix("/modelcache/memory/1/") for call in memory if call.changes}
        assert file in {re.sub(r"^\.incoming-[0-9a-f]+/", "", name) for name in names}
    assert not [call for call in stored if call.changes]


def test_our_containers_run_as_nobody_or_as_the_pod_says(read: dict[str, Read]) -> None:
    users = {
        name: status_of(one.pod, container)["user"]["linux"]["uid"]
        for name, container, one in (
            ("gate", "modelcache-verify", read["gate"]),
            ("loader", "modelcache-loader", read["loader"]),
            ("arbitrary", "modelcache-loader", read["arbitrary"]),
        )
    }
    assert users == {"gate": 65532, "loader": 65532, "arbitrary": ARBITRARY}
