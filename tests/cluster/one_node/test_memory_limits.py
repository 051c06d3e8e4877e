"""The kernel enforces the memory limits of injected pods: the table, row by row."""

import dataclasses
import os
import shutil
from collections.abc import Iterator
from typing import Any, Final

import pytest

from tests.cluster.one_node.charges import charges, tmpfs
from tests.cluster.one_node.lone_pod import lone_pod
from tests.cluster.one_node.memory_table import ROWS, SERVER, Amounts, Row, V
from tests.cluster.one_node.pages import PAGE, directory, publish
from tests.kubernetes.api import Object
from tests.kubernetes.cluster import Cluster
from tests.kubernetes.ends import reasons
from tests.kubernetes.inference_pods import PORT
from tests.kubernetes.local_volume import bind
from tests.kubernetes.node import Node
from tests.kubernetes.registration import create_namespace
from tests.store.models import COMMIT

Mi: Final = 1 << 20
SLACK: Final = 128 * PAGE * (os.cpu_count() or 1)
"""For each processor, the kernel charges 64 pages in advance and counts as many late."""


@dataclasses.dataclass(frozen=True, slots=True)
class Seen:
    """A running pod, and the kernel's numbers before it used more."""

    pod: Object
    limit: int | None
    limits: dict[str, int | None]
    tmpfs: tuple[int, int] | None
    """Bytes of tmpfs that pod and server are charged with, if it is full."""
    mounts: dict[str, list[str]]


def names(pod: Object) -> list[str]:
    """Return the containers that stay."""
    spec = pod["spec"]
    sidecars = [one for one in spec.get("initContainers", ()) if "restartPolicy" in one]
    return [one["name"] for one in (*sidecars, *spec["containers"])]


def look(cluster: Cluster, node: Node, row: Row, created: Object) -> Seen:
    pod = cluster.ready(created, 250)
    group = node.pod_cgroup(pod)
    groups = {name: node.container_cgroup(pod, name) for name in names(pod)}
    limits = {name: one.limit() for name, one in groups.items()}
    charged = None
    if row.full:
        whole, own = (row.models * V + row.shm) * Mi, row.shm * Mi
        charged = tmpfs(group, whole), tmpfs(groups[SERVER], own)
    return Seen(pod, group.limit(), limits, charged, node.mounts(pod, SERVER))


def prepare(cluster: Cluster, node: Node) -> dict[str, str]:
    """Publish the models and create the namespaces; return them by the row's mode."""
    publish(node, "acme/full", V * Mi)
    publish(node, "acme/other", V * Mi)
    publish(node, "acme/tiny", 2 * PAGE)
    api = cluster.api
    spaces = {
        word: create_namespace(cluster.plane, f"memory-{word}")
        for word in ("plain", "defaults", "quota")
    }
    default = {"default": {"memory": "600Mi"}, "defaultRequest": {"memory": "300Mi"}}
    objects: list[Object] = [
        {
            "apiVersion": "v1",
            "kind": "LimitRange",
            "metadata": {"name": "defaults", "namespace": spaces["defaults"]},
            "spec": {"limits": [{"type": "Container", **default}]},
        },
        {
            "apiVersion": "v1",
            "kind": "ResourceQuota",
            "metadata": {"name": "limits", "namespace": spaces["quota"]},
            "spec": {"hard": {"limits.memory": "4Gi"}},
        },
        {
            "apiVersion": "node.k8s.io/v1",
            "kind": "RuntimeClass",
            "metadata": {"name": "costly"},
            "handler": "runc",
            "overhead": {"podFixed": {"memory": "32Mi"}},
        },
    ]
    for obj in objects:
        api.create(obj).expect(201)
    files = bind(cluster, node, spaces["plain"], "models")
    shutil.copytree(directory(node, "acme/tiny"), files / "acme--tiny" / COMMIT)
    return spaces


def asked(row: Row, namespace: str) -> Object:
    """Return the pod that the author of *row* writes."""
    models = ["acme/full", "acme/other"][: row.models] if row.full else ["acme/tiny"]
    annotations = {
        "model": ",".join(f"{model}@{COMMIT}" for model in models),
        "strategy": "emptyDir",
        "load-from": "node",
        "size": ",".join(["240Mi"] * len(models)),
        "shm-size": f"{row.shm}Mi" if row.shm else "0",
    }
    more: dict[str, Any] = {**row.spec}
    if row.init:
        more["initContainers"] = [*row.init]
    if row.level:
        more["resources"] = row.level
    return lone_pod(namespace, annotations | row.annotations, *row.containers, **more)


@pytest.fixture(scope="module")
def seen(serving_cluster: Cluster) -> Iterator[dict[str, Seen]]:
    """All pods of the table, started together."""
    (node,) = serving_cluster.nodes
    spaces = prepare(serving_cluster, node)
    created = {
        name: serving_cluster.api.create(asked(row, spaces[row.namespace])).expect(201).body
        for name, row in ROWS.items()
    }
    yield {name: look(serving_cluster, node, ROWS[name], pod) for name, pod in created.items()}
    for name in spaces.values():
        space: Object = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        serving_cluster.api.delete(space)


def mebibytes(text: str) -> int:
    """Return an amount in Mi, the only unit that the API server keeps here."""
    units = {"Mi": 1, "Gi": 1024}
    return int(text[:-2]) * units[text[-2:]]


def amounts(resources: Object) -> Amounts:
    request, limit = (resources.get(key, {}).get("memory") for key in ("requests", "limits"))
    return (request and mebibytes(request), limit and mebibytes(limit))


def each(*, having: str = "server") -> pytest.MarkDecorator:
    """Run a test for each row that has *having*."""
    return pytest.mark.parametrize("name", [n for n, row in ROWS.items() if getattr(row, having)])


@each()
def test_amounts_are_the_sums(name: str, seen: dict[str, Seen]) -> None:
    row, spec = ROWS[name], seen[name].pod["spec"]
    found = {one["name"]: one for one in (*spec.get("initContainers", ()), *spec["containers"])}
    loader = found.get("modelcache-loader")
    assert amounts(found[SERVER]["resources"]) == row.server
    assert (loader and amounts(loader["resources"])) == row.loader
    assert (amounts(spec["resources"]) if "resources" in spec else None) == row.pod_level
    assert seen[name].pod["status"]["qosClass"] == row.quality


@each()
def test_the_kernel_has_the_same_limits(name: str, seen: dict[str, Seen]) -> None:
    row, found = ROWS[name], seen[name]
    limits = {SERVER: row.server[1] or (row.pod if row.level else None), **row.others}
    assert found.limit == (row.pod and row.pod * Mi)
    assert found.limits == {key: limit and limit * Mi for key, limit in limits.items()}


@each(having="full")
def test_the_model_is_charged_to_the_pod_and_shm_to_its_writer(
    name: str, seen: dict[str, Seen]
) -> None:
    row = ROWS[name]
    assert seen[name].tmpfs == ((row.models * V + row.shm) * Mi, row.shm * Mi)


@each(having="models")
def test_the_model_is_read_only_in_a_tmpfs_of_its_size(name: str, seen: dict[str, Seen]) -> None:
    mounts = [m for path, m in seen[name].mounts.items() if path.startswith("/models/")]
    assert len(mounts) == ROWS[name].models
    for _, _, kind, options, *_ in mounts:
        assert kind == "tmpfs"
        assert {"ro", f"size={V * 1024}k"} <= {*options.split(",")}


def allocate(cluster: Cluster, pod: Object, size: int) -> bool:
    """Whether the server of *pod* got that much more memory, and survived."""
    meta = pod["metadata"]
    url = f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}:{PORT}/proxy/allocate"
    return cluster.api.request("POST", url, {"bytes": size}).ok


@pytest.fixture(scope="module")
def got(seen: dict[str, Seen], serving_cluster: Cluster) -> dict[str, tuple[bool, bool]]:
    """Whether each server got what its author requested, and whether it got more."""
    (node,), found = serving_cluster.nodes, {}
    for name, row in ROWS.items():
        if row.left:
            pod = seen[name].pod
            group = node.container_cgroup(pod, SERVER) if row.by_container else node.pod_cgroup(pod)
            free = row.left * Mi - charges(group).processes
            tables = free // 512
            amounts = (free - tables - SLACK, 2 * SLACK)
            within, beyond = (allocate(serving_cluster, pod, amount) for amount in amounts)
            found[name] = within, beyond
    return found


@each(having="left")
def test_the_server_may_use_what_its_author_requested_and_no_more(
    name: str,
    seen: dict[str, Seen],
    got: dict[str, tuple[bool, bool]],
    serving_cluster: Cluster,
) -> None:
    assert got[name] == (True, False)
    serving_cluster.wait_for(seen[name].pod, lambda now: "OOMKilled" in reasons(now, SERVER))


def test_t14_a_quota_counts_what_the_kernel_allows(
    seen: dict[str, Seen], serving_cluster: Cluster
) -> None:
    pod = seen["T14 quota of limits"].pod
    namespace = pod["metadata"]["namespace"]
    quota = serving_cluster.api.get("v1", "ResourceQuota", "limits", namespace).expect(200).body
    assert mebibytes(quota["status"]["used"]["limits.memory"]) == 856
    unlimited = asked(ROWS["T14 quota of limits"], namespace)
    del unlimited["metadata"]["annotations"]
    unlimited["spec"]["initContainers"] = [{"name": "loader", "image": "loader"}]
    refused = serving_cluster.api.create(unlimited, dry_run=True)
    assert "must specify limits.memory for: loader" in refused.message
