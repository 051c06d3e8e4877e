"""Annotations of custom resources reach their pods, and the policy notices when they don't.

The definitions of four kinds are those of their projects. For the others, one that keeps every field
shows that the table of kinds, the registration and the policy agree.
"""

import copy
from collections.abc import Iterator
from typing import Any, Final

import pytest

from tests.cluster.api_servers.applying import DIFFS, TOOLS, kubectl, ours, read
from tests.kubernetes.api import Object
from tests.kubernetes.control_plane import ControlPlane
from tests.kubernetes.custom_resources import (
    ARGO_ROLLOUTS,
    JOB_SET,
    LEADER_WORKER_SET,
    RAY,
    permissive,
    served,
)
from tests.kubernetes.inference_pods import PREFIX
from tests.kubernetes.registration import NamespaceFactory, configured, shipped
from tests.kubernetes.server import Webhook, standing_aside
from webhook.objects.workload import read_workload, steps
from webhook.objects.workload_kinds import EACH, EVERY, WorkloadKind, registered

REAL: Final = {
    ("argoproj.io", "Rollout"): ("v1alpha1", ARGO_ROLLOUTS, "rollout-crd"),
    ("leaderworkerset.x-k8s.io", "LeaderWorkerSet"):
        ("v1", LEADER_WORKER_SET, "leaderworkerset.x-k8s.io_leaderworkersets"),
    ("jobset.x-k8s.io", "JobSet"): ("v1alpha2", JOB_SET, "jobset.x-k8s.io_jobsets"),
    ("ray.io", "RayCluster"): ("v1", RAY, "ray.io_rayclusters"),
}  # fmt: skip
ROWS: Final = {f"{row.group}/{row.kind}": row for row in registered() if not row.built_in}
CHANGING: Final = [
    name for name, row in ROWS.items() if row.kind in ("Rollout", "LeaderWorkerSet", "RayCluster")
]
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


@pytest.fixture(scope="module", autouse=True)
def definitions(cluster: ControlPlane) -> Iterator[None]:
    found = [source.definition(name) for _, source, name in REAL.values()]
    found += [
        permissive(row.group, version_of(row), row.kind, row.resource)
        for row in ROWS.values()
        if (row.group, row.kind) not in REAL
    ]
    with served(cluster, found):
        yield


@pytest.fixture
def missed(cluster: ControlPlane, webhook: Webhook) -> Iterator[None]:
    """The webhook does not see requests, and the policies are in force."""
    kinds = ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding")
    with standing_aside(cluster), configured(cluster, shipped(*kinds)):
        yield


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
    for place in row.places:
        if place.annotations.startswith("/extraPodMetadata"):
            continue  # the policy does not look there
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


@pytest.mark.parametrize("name", ROWS)
def test_annotations_reach_every_part_that_describes_pods(
    cluster: ControlPlane, webhook: Webhook, namespace: NamespaceFactory, name: str
) -> None:
    row = ROWS[name]
    obj = custom(row, namespace(), ASKED)
    answer = cluster.api.create(obj, dry_run=True).expect(201)
    found = of_pods(row, answer.body)
    assert found == [ASKED] * len(found)
    assert len(found) >= len(
        {place.at for place in row.places if "extraPod" not in place.annotations}
    )
    assert any(line.startswith("MC108 metadata: copied") for line in answer.warnings)


@pytest.mark.parametrize("name", ROWS)
def test_the_policy_refuses_what_was_not_copied(
    cluster: ControlPlane, missed: None, namespace: NamespaceFactory, name: str
) -> None:
    row, where = ROWS[name], namespace()
    obj = custom(row, where, ASKED)
    refused = cluster.api.create(obj, dry_run=True).expect(422)
    assert "did not copy modelcache.io/model" in refused.message
    for place in row.places:
        if "extraPod" not in place.annotations:
            put(obj, steps(place.at + place.annotations), ASKED)
    cluster.api.create(obj, dry_run=True).expect(201)
    cluster.api.create(custom(row, where, {"team": "a"}), dry_run=True).expect(201)


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("name", CHANGING)
def test_a_tool_that_applies_again_changes_nothing(
    cluster: ControlPlane, webhook: Webhook, namespace: NamespaceFactory, name: str, tool: str
) -> None:
    row, where = ROWS[name], namespace()
    obj = custom(row, where, ASKED)
    kubectl(cluster, TOOLS["kubectl apply" if tool == "kubectl replace" else tool], obj)
    first = read(cluster, obj)
    kubectl(cluster, TOOLS[tool], obj)
    again = read(cluster, obj)
    assert again["metadata"]["generation"] == first["metadata"]["generation"]
    assert again["spec"] == first["spec"]
    for words in DIFFS:
        kubectl(cluster, words, obj)  # its exit status says whether there is a difference
    changed = custom(row, where, {**ASKED, f"{PREFIX}model": "mistral-7b-instruct"})
    kubectl(cluster, TOOLS[tool], changed)
    found = of_pods(row, read(cluster, obj))
    assert found == [changed["metadata"]["annotations"]] * len(found)


@pytest.mark.parametrize("tool", [tool for tool in TOOLS if tool != "kubectl replace"])
@pytest.mark.parametrize("name", CHANGING)
def test_removed_annotations_leave_nothing_and_moved_ones_stay(
    cluster: ControlPlane, webhook: Webhook, namespace: NamespaceFactory, name: str, tool: str
) -> None:
    row, where = ROWS[name], namespace()
    obj = custom(row, where, ASKED)
    kubectl(cluster, TOOLS[tool], obj)
    moved = custom(row, where, {})
    put(moved, steps(row.places[-1].at + row.places[-1].annotations), ASKED)
    kubectl(cluster, TOOLS[tool], moved)
    *others, last = of_pods(row, read(cluster, obj))
    assert (others, last) == ([{}] * len(others), ASKED)
    bare = custom(row, where, {})
    kubectl(cluster, TOOLS[tool], bare)
    found = of_pods(row, read(cluster, obj))
    assert found == [{}] * len(found)
    assert f"{PREFIX}copied-keys" not in str(read(cluster, obj))


def test_the_pods_of_an_existing_jobset_can_not_get_an_annotation(
    cluster: ControlPlane, webhook: Webhook, namespace: NamespaceFactory
) -> None:
    row, where = ROWS["jobset.x-k8s.io/JobSet"], namespace()
    cluster.api.create(custom(row, where, {})).expect(201)
    answer = cluster.api.merge(
        custom(row, where, {}), {"metadata": {"annotations": ASKED}}
    ).expect()
    assert [line.split()[0] for line in answer.warnings] == ["MC123", "MC123"]
    assert of_pods(row, answer.body) == [{}]
