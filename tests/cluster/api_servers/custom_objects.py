"""Custom resources that describe pods: the definitions of their kinds, and objects of each.

The definitions of four kinds are those of their projects. For the others, one that keeps every field
shows that the table of kinds, the registration and the policy agree.
"""

import copy
from typing import Any, Final

from tests.cluster.api_servers.applying import ours
from tests.kubernetes.api import Object
from tests.kubernetes.custom_resources import (
    ARGO_ROLLOUTS,
    JOB_SET,
    LEADER_WORKER_SET,
    RAY,
    permissive,
)
from tests.kubernetes.inference_pods import PREFIX
from webhook.objects.workload import read_workload, steps
from webhook.objects.workload_kinds import EACH, EVERY, Place, WorkloadKind, registered

REAL: Final = {
    ("argoproj.io", "Rollout"): ("v1alpha1", ARGO_ROLLOUTS, "rollout-crd"),
    ("leaderworkerset.x-k8s.io", "LeaderWorkerSet"):
        ("v1", LEADER_WORKER_SET, "leaderworkerset.x-k8s.io_leaderworkersets"),
    ("jobset.x-k8s.io", "JobSet"): ("v1alpha2", JOB_SET, "jobset.x-k8s.io_jobsets"),
    ("ray.io", "RayCluster"): ("v1", RAY, "ray.io_rayclusters"),
}  # fmt: skip
ROWS: Final = {f"{row.group}/{row.kind}": row for row in registered() if not row.built_in}
ASKED: Final = {f"{PREFIX}model": "phi-2", f"{PREFIX}strategy": "pvc"}
POD: Final = {"containers": [{"name": "vllm", "image": "vllm/vllm-openai:v0.6.4"}]}
NEEDED: Final[dict[str, Object]] = {
    "Rollout": {"selector": {"matchLabels": {"a": "b"}}},
    "LeaderWorkerSet": {"leaderWorkerTemplate": {"size": 2}},
    "RayCluster": {"headGroupSpec": {"rayStartParams": {}}},
}
"""What the definition of a kind requires, in its specification."""
ITEMS: Final[dict[str, Object]] = {
    "JobSet": {"name": "workers"},
    "RayCluster": {
        "groupName": "workers", "rayStartParams": {}, "replicas": 1, "minReplicas": 0,
        "maxReplicas": 1,
    },
}  # fmt: skip
"""What it requires in an item of its list."""


def version_of(row: WorkloadKind) -> str:
    if (row.group, row.kind) in REAL:
        return REAL[row.group, row.kind][0]
    return row.versions[0] if row.versions else "v1"


def definitions() -> list[Object]:
    """Return the definitions of all custom kinds of the table that are registered."""
    real = [source.definition(name) for _, source, name in REAL.values()]
    return real + [
        permissive(row.group, version_of(row), row.kind, row.resource)
        for row in ROWS.values()
        if (row.group, row.kind) not in REAL
    ]


def judged(row: WorkloadKind) -> list[Place]:
    """Return the places of *row* in which the policy looks: all but those of Dynamo's v1alpha1."""
    return [place for place in row.places if "extraPod" not in place.annotations]


def custom(row: WorkloadKind, where: str, own: Object) -> Object:
    """Return an object of *row* with annotations *own*, and with every part that describes pods."""
    found: Object = {
        "apiVersion": f"{row.group}/{version_of(row)}",
        "kind": row.kind,
        "metadata": {"name": "custom", "namespace": where},
        "spec": copy.deepcopy(NEEDED.get(row.kind, {})),
    }
    if own:
        found["metadata"]["annotations"] = dict(own)
    for place in judged(row):
        below = steps(place.at + place.spec) if place.spec else steps(place.at)
        put(found, below, POD if place.spec else {"image": {"tag": "1"}})
    return found


def put(obj: Object, path: tuple[str, ...], value: Object) -> None:
    """Merge *value* into *obj* at *path*; a list or a mapping on the way gets one item."""
    item = copy.deepcopy(ITEMS.get(obj["kind"], {}))
    part: Any = obj
    for step, after in zip(path, (*path[1:], None), strict=True):
        if step == EACH:
            if not part:
                part.append(item)
            part = part[0]
        else:
            name = "Worker" if step == EVERY else step
            part = part.setdefault(name, [] if after == EACH else {})
    part.update(copy.deepcopy(value))


def of_pods(row: WorkloadKind, obj: Object) -> list[Object]:
    """Return our annotations in each part of *obj* that describes pods."""
    return [ours(dict(part.annotations or {})) for part in read_workload(obj, row).templates]
