"""A pod whose model is missing waits, says why, and starts once the model is published."""

import dataclasses
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.docs import manual
from tests.images import model_image
from tests.kubernetes.api import Object
from tests.kubernetes.cluster import Cluster
from tests.kubernetes.inference_pods import (
    ask,
    container,
    created,
    deleted_at_end,
    deployment,
    event_of,
    files_of,
)
from tests.kubernetes.local_volume import bind
from tests.kubernetes.node import MODEL_CACHE
from tests.kubernetes.processes import FailedError
from tests.kubernetes.registration import create_namespace
from tests.store import models

NAMESPACE: Final = f"absent-{os.getpid()}"
MODEL: Final = f"example/model@{models.COMMIT}"
DIRECTORY: Final = f"example--model/{models.COMMIT}"
REPOSITORY: Final = "localhost:5/example/model"
CACHE: Final = f"{MODEL_CACHE}/{NAMESPACE}"

NO_CLAIM: Final = "no claim"
UNBOUND: Final = "a claim without a volume"
EMPTY: Final = "an empty claim"
ANOTHER: Final = "a claim with another model"
NO_CACHE: Final = "no node cache"
NO_IMAGE: Final = "no image"
ANNOTATIONS: Final = {
    NO_CLAIM: {"strategy": "pvc", "claim": "missing"},
    UNBOUND: {"strategy": "pvc", "claim": "unbound"},
    EMPTY: {"strategy": "pvc", "claim": "empty"},
    ANOTHER: {"strategy": "pvc", "claim": "other"},
    NO_CACHE: {"strategy": "hostPath", "host-path": CACHE},
    NO_IMAGE: {"strategy": "image"},
}
NO_SUB_PATH: Final = (
    'Failed: Error: failed to create subPath directory for volumeMount "modelcache-model" '
    'of container "vllm"'
)
NO_DIRECTORY: Final = (
    'FailedMount: MountVolume.SetUp failed for volume "modelcache-model" : hostPath type check '
    f"failed, {CACHE}/{DIRECTORY} is not a directory, unable to determine its type: "
    f'path "{CACHE}/{DIRECTORY}" does not exist'
)
SAID: Final = {
    NO_CLAIM: "FailedScheduling: 0/1 nodes are available: "
    'persistentvolumeclaim "missing" not found',
    UNBOUND: "FailedScheduling: 0/1 nodes are available: "
    "pod has unbound immediate PersistentVolumeClaims",
    EMPTY: NO_SUB_PATH,
    ANOTHER: NO_SUB_PATH,
    NO_CACHE: NO_DIRECTORY,
    NO_IMAGE: f'Failed: Failed to pull image "{REPOSITORY}@sha256:',
}
"""Case → how an Event of the pod begins."""
SHOWN: Final = {
    NO_CLAIM: {"Pending"},
    UNBOUND: {"Pending"},
    EMPTY: {"CreateContainerConfigError"},
    ANOTHER: {"CreateContainerConfigError"},
    NO_CACHE: {"ContainerCreating"},
    NO_IMAGE: {"ErrImagePull", "ImagePullBackOff"},
}
"""Case → what `kubectl get pods` may show as status."""


@dataclasses.dataclass(frozen=True)
class Waited:
    """What was observed while the model was absent, and the pods, which may start now."""

    cluster: Cluster
    waits: dict[str, tuple[str, str]]
    """An Event, and what `kubectl get pods` shows."""
    pods: dict[str, Object]
    before: dict[str, list[str]]
    """The files on the volume before there was a pod."""
    after: dict[str, list[str]]
    """The files on it at the end of the wait."""
    published: dict[str, Path]
    """The files that the servers must read."""


@pytest.fixture(scope="module")
def waited(serving_cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Waited]:
    cluster, (node,) = serving_cluster, serving_cluster.nodes
    create_namespace(cluster.plane, NAMESPACE)
    stores = {EMPTY: bind(cluster, node, NAMESPACE, "empty")}
    stores[ANOTHER] = bind(cluster, node, NAMESPACE, "other")
    models.publish(stores[ANOTHER], "example/other")
    stores[NO_CACHE] = node.disk(CACHE)
    before = {case: names(store) for case, store in stores.items()}
    cluster.api.create(unbound()).expect(201)
    parts = tmp_path_factory.mktemp("image")
    inside = models.sharded(parts / "model")
    reference = model_image.write(parts / "model.tar", inside, REPOSITORY)
    annotations = {**ANNOTATIONS, NO_IMAGE: {**ANNOTATIONS[NO_IMAGE], "image": reference}}
    workloads = {
        case: deployment(
            NAMESPACE,
            {"model": MODEL, "mount-path": "/model", "shm-size": "0", **asked},
            container(request="32Mi", limit="64Mi"),
            name=case.replace(" ", "-"),
        )
        for case, asked in annotations.items()
    }
    with deleted_at_end(cluster, workloads.values()):
        pods = {case: created(cluster, workload)[0] for case, workload in workloads.items()}
        until = time.monotonic() + 60
        waits = {case: what_is_seen(cluster, pod, case, until) for case, pod in pods.items()}
        after = {case: names(store) for case, store in stores.items()}
        stores[NO_CLAIM] = bind(cluster, node, NAMESPACE, "missing")
        published = {case: models.publish(store, "example/model") for case, store in stores.items()}
        node.load(parts / "model.tar")
        yield Waited(cluster, waits, pods, before, after, {**published, NO_IMAGE: inside})


def unbound() -> Object:
    """Return a claim without a volume, and without a provisioner."""
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "unbound", "namespace": NAMESPACE},
        "spec": {
            "accessModes": ["ReadWriteMany"],
            "storageClassName": "",
            "resources": {"requests": {"storage": "1Gi"}},
        },
    }


def what_is_seen(cluster: Cluster, pod: Object, case: str, until: float) -> tuple[str, str]:
    """Return what is visible of *case*; on failure what there is instead, so that only its test fails."""

    def seconds() -> float:
        return max(until - time.monotonic(), 1)

    try:
        said = event_of(cluster, pod, SAID[case], seconds())
        waiting = cluster.wait_for(pod, lambda obj: shown(obj) in SHOWN[case], seconds())
    except FailedError as error:
        return str(error), ""
    return said, shown(waiting)


def shown(pod: Object) -> str:
    """Return why the only container of *pod* waits, else the phase of the pod."""
    statuses = pod["status"].get("containerStatuses", [])
    reasons = [one["state"].get("waiting", {}).get("reason") for one in statuses]
    return next(filter(None, reasons), str(pod["status"]["phase"]))


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.mark.parametrize("case", ANNOTATIONS)
def test_t60_t67_an_event_says_what_the_pod_waits_for(waited: Waited, case: str) -> None:
    # P1 71
    said, status = waited.waits[case]
    assert said.startswith(SAID[case])
    assert status in SHOWN[case]


@pytest.mark.parametrize("case", ANNOTATIONS)
def test_the_manual_says_what_the_event_means(waited: Waited, case: str) -> None:
    said, status = waited.waits[case]
    lines = manual.part("waiting").splitlines()[2:]
    rows = [[cell.strip() for cell in line.split("|")] for line in lines]
    assert [
        told_of
        for _, statuses, told_of, *_ in rows
        if f"`{status}`" in statuses and all(part in said for part in told_of[1:-1].split("…"))
    ]


@pytest.mark.parametrize("case", [EMPTY, ANOTHER, NO_CACHE])
def test_t60_t67_nothing_is_created_where_the_model_is_absent(waited: Waited, case: str) -> None:
    assert bool(waited.before[case]) == (case == ANOTHER)
    assert waited.after[case] == waited.before[case]


@pytest.mark.parametrize("case", [case for case in ANNOTATIONS if case != UNBOUND])
def test_t60_t67_the_pod_starts_by_itself_once_the_model_is_there(
    waited: Waited, case: str
) -> None:
    pod = waited.cluster.ready(waited.pods[case], 150)
    assert pod["status"]["containerStatuses"][0]["restartCount"] == 0
    (model,) = ask(waited.cluster, pod, "/report")["models"]
    assert model["files"] == files_of(waited.published[case])
