"""`modelcache status` of a real cluster: which pods read and load, and which nodes have which models."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import modelcache
from tests.cluster.api_servers.test_prune import CLAIM, asking, mounting, running
from tests.cluster.api_servers.test_rendered_objects import rendered
from tests.kubernetes.api import Object
from tests.kubernetes.control_plane import ControlPlane
from tests.kubernetes.registration import NamespaceFactory, wait_until
from tests.kubernetes.rights import entitled
from tests.kubernetes.server import Webhook
from webhook.models.layout import node_label
from webhook.status.cluster import RIGHTS

COMMIT = "1" * 40
IMAGE = f"registry.example/model@sha256:{'a' * 64}"


@pytest.fixture
def where(cluster: ControlPlane, webhook: Webhook, namespace: NamespaceFactory) -> str:
    return namespace(on=cluster)


@pytest.fixture
def nodes(cluster: ControlPlane, where: str) -> Iterator[list[str]]:
    """Two nodes; the first has the model."""
    label = node_label(f"acme/{where}", COMMIT)
    found = [f"{where}-a", f"{where}-b"]
    objects: list[Object] = [
        {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}}
        for name, labels in zip(found, ({label: "ready"}, {}), strict=True)
    ]
    for obj in objects:
        cluster.api.create(obj).expect(201)
    yield found
    for obj in objects:
        cluster.api.delete(obj)


def status(kubeconfig: Path) -> dict[str, Any]:
    ran = modelcache("status", "-o", "json", env={"KUBECONFIG": str(kubeconfig)})
    assert (ran.status, ran.err) == (0, ""), ran
    found: dict[str, Any] = json.loads(ran.out)
    return found


def test_a_model_is_shown_with_the_pods_that_read_it_and_the_nodes_that_have_it(
    cluster: ControlPlane, where: str, nodes: list[str]
) -> None:
    model = f"acme/{where}@{COMMIT}"
    by_claim = asking(where, model=model, strategy="pvc")
    by_node = asking(where, nodes[0], model=f"acme/{where}", strategy="hostPath", layout="hf-cache")
    by_hand = asking(where, model=model, strategy="pvc", directory="llama/8b")
    with (
        running(cluster, by_claim) as one,
        running(cluster, by_claim) as two,
        running(cluster, by_node) as three,
        running(cluster, by_hand) as four,
        running(cluster, mounting(where, CLAIM)),  # which is not a volume of the webhook
    ):
        found = status(cluster.kubeconfig)
        out = modelcache("status", env={"KUBECONFIG": str(cluster.kubeconfig)}).out
    ours = [
        one for one in found["models"] if any(pod.startswith(f"{where}/") for pod in one["pods"])
    ]
    for each in ours:
        each["pods"].sort()
    claim = f"claim {where}/model-store"
    assert sorted(ours, key=lambda each: (each["model"], each["revision"])) == [
        {"model": f"acme/{where}", "revision": COMMIT, "from": claim, "pods": sorted([one, two]),
         "nodes": [nodes[0]]},
        {"model": f"acme/{where}", "revision": "main", "from": "nodes' /var/lib/model-cache",
         "pods": [three], "nodes": None},
        {"model": "llama/8b", "revision": "", "from": claim, "pods": [four], "nodes": None},
    ]  # fmt: skip
    label = node_label(f"acme/{where}", COMMIT)
    assert {"label": label, "model": model, "nodes": [nodes[0]]} in found["nodes"]
    assert found["notLookedAt"] == []
    assert "Models that pods read" in out
    assert f"{label}  " in out


def test_models_that_are_in_no_store_are_shown_too(cluster: ControlPlane, where: str) -> None:
    image = asking(where, model="acme/a", strategy="image", image=IMAGE)
    source = asking(
        where, model=f"acme/b@{COMMIT}", strategy="emptyDir", size="1Mi", load_from="source"
    )
    with (
        running(cluster, image) as one,
        running(cluster, source) as two,
        running(cluster, source, phase="Failed"),
    ):
        found = status(cluster.kubeconfig)["models"]
    ours = [one for one in found if any(pod.startswith(f"{where}/") for pod in one["pods"])]
    assert sorted(ours, key=lambda each: str(each["from"])) == [
        {"model": IMAGE, "revision": "", "from": "image", "pods": [one], "nodes": None},
        {"model": "acme/b", "revision": COMMIT, "from": "its source", "pods": [two], "nodes": []},
    ]  # fmt: skip


def test_a_label_of_an_unknown_model_is_shown_as_it_is(
    cluster: ControlPlane, where: str, nodes: list[str]
) -> None:
    label = node_label(f"acme/{where}", COMMIT)
    found = status(cluster.kubeconfig)["nodes"]
    assert {"label": label, "model": None, "nodes": [nodes[0]]} in found


def loader(cluster: ControlPlane, obj: Object, kubeconfig: Path | None = None) -> dict[str, Any]:
    name = f"{obj['metadata']['namespace']}/{obj['metadata']['name']}"
    listed = status(kubeconfig or cluster.kubeconfig)["loaders"]
    (found,) = [one for one in listed if one["name"] == name]
    return dict(found)


def report(plane: ControlPlane, pod: Object, phase: str, **status: Any) -> None:
    """Write the status of a pod as a kubelet would."""
    meta = pod["metadata"]
    path = f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}/status"
    kind = "application/merge-patch+json"
    body = {"status": {"phase": phase, **status}}
    plane.api.request("PATCH", path, body, media_type=kind).expect()


def pods(cluster: ControlPlane, where: str) -> list[Object]:
    return cluster.api.list("v1", "Pod", where)


def test_a_job_that_fails_is_shown_with_the_reason(cluster: ControlPlane, where: str) -> None:
    (obj,) = rendered(where, f"acme/tiny@{COMMIT}", "--kind=job")
    cluster.api.create(obj).expect(201)
    wait_until(lambda: len(pods(cluster, where)) == 1, "the Job has a pod")
    (pod,) = pods(cluster, where)
    found = loader(cluster, obj)
    assert (found["kind"], found["state"]) == ("Job", "pending")
    assert found["source"] == f"hf://acme/tiny@{COMMIT}"
    ended = {"exitCode": 2, "reason": "Error", "message": "line\nmodelcache: acme/tiny: gated\n"}
    container = {"name": "load", "image": "i", "imageID": "", "ready": False, "restartCount": 0}
    report(cluster, pod, "Failed", containerStatuses=[container | {"state": {"terminated": ended}}])
    wait_until(lambda: loader(cluster, obj)["state"] == "failed", "the Job has failed")
    found = loader(cluster, obj)
    assert "exit code 2" in found["said"]
    (state,) = found["pods"]
    assert (state["state"], state["said"]) == ("Error", "exit status 2: acme/tiny: gated")
    out = modelcache("status", env={"KUBECONFIG": str(cluster.kubeconfig), "COLUMNS": "200"}).out
    assert "exit status 2: acme/tiny: gated" in out
    cluster.api.delete(obj)


def test_a_loader_is_shown_even_if_its_log_can_not_be_read(
    cluster: ControlPlane, where: str
) -> None:
    (obj,) = rendered(where, "acme/tiny", "--kind=job")
    cluster.api.create(obj).expect(201)
    wait_until(lambda: len(pods(cluster, where)) == 1, "the Job has a pod")
    (pod,) = pods(cluster, where)
    container = {"name": "load", "image": "i", "imageID": "", "ready": True, "restartCount": 0}
    began = {"running": {"startedAt": "2026-01-01T00:00:00Z"}}
    report(cluster, pod, "Running", containerStatuses=[container | {"state": began}])
    rights = [right for right in RIGHTS if right != "get pods/log"]
    (state,) = loader(cluster, obj, entitled(cluster, f"logless-{where}", *rights))["pods"]
    assert (state["state"], state["progress"]) == ("loading", None)
    assert state["said"].startswith("its log can't be read: ")
    assert 'cannot get resource "pods/log"' in state["said"]
    cluster.api.delete(obj)


@pytest.mark.parametrize(
    ("status_of_pod", "state", "said"),
    [
        ({"conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable",
                          "message": "0/1 nodes are available"}]},
         "Unschedulable", "0/1 nodes are available"),
        ({"containerStatuses": [{"name": "load", "image": "i", "imageID": "", "ready": False, "restartCount": 0,
                                 "state": {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}}]},
         "ImagePullBackOff", "no such image"),
        ({"containerStatuses": [{"name": "load", "image": "i", "imageID": "", "ready": False, "restartCount": 0,
                                 "state": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}}]},
         "OOMKilled", "exit status 137"),
    ],
    ids=["unschedulable", "image", "memory"],
)  # fmt: skip
def test_a_pod_that_does_not_load_is_shown_with_the_reason(
    cluster: ControlPlane, where: str, status_of_pod: Object, state: str, said: str
) -> None:
    (obj,) = rendered(where, "acme/tiny", "--kind=job")
    cluster.api.create(obj).expect(201)
    wait_until(lambda: len(pods(cluster, where)) == 1, "the Job has a pod")
    report(cluster, pods(cluster, where)[0], "Pending", **status_of_pod)
    (found,) = loader(cluster, obj)["pods"]
    assert (found["state"], found["said"]) == (state, said)
    cluster.api.delete(obj)


def test_a_daemon_set_is_shown_with_its_nodes(
    cluster: ControlPlane, where: str, nodes: list[str]
) -> None:
    for name in nodes:
        node: Object = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}}
        cluster.api.merge(node, {"metadata": {"labels": {"pool": where}}}).expect()
    (obj,) = rendered(where, "acme/tiny", "--kind=daemonset", f"--node-selector=pool={where}")
    cluster.api.create(obj).expect(201)
    wait_until(lambda: len(pods(cluster, where)) == 2, "each node has a pod")
    wait_until(lambda: loader(cluster, obj)["said"] == "0 of 2 nodes", "its controller counts")
    first, second = pods(cluster, where)
    with running(cluster, mounting(where, CLAIM)):  # of nobody
        found = loader(cluster, obj)
    assert (found["kind"], found["state"], len(found["pods"])) == ("DaemonSet", "loading", 2)
    ready = [{"type": "Ready", "status": "True"}]
    report(cluster, first, "Running", conditions=ready)
    wait_until(lambda: loader(cluster, obj)["said"] == "1 of 2 nodes", "one is ready")
    found = loader(cluster, obj)
    name = f"{where}/{second['metadata']['name']}"
    assert (found["state"], [one["pod"] for one in found["pods"]]) == ("loading", [name])
    report(cluster, second, "Running", conditions=ready)
    wait_until(lambda: loader(cluster, obj)["state"] == "complete", "both are ready")
    found = loader(cluster, obj)
    assert (found["said"], found["pods"]) == ("2 of 2 nodes", [])
    cluster.api.delete(obj)


def test_the_rights_that_the_manual_lists_are_enough_and_each_is_needed(
    cluster: ControlPlane, where: str
) -> None:
    every = [*RIGHTS]
    assert status(entitled(cluster, f"all-{where}", *every))["notLookedAt"] == []
    for n, right in enumerate(every[:4]):
        others = [one for one in every if one != right]
        found = status(entitled(cluster, f"but-{n}-{where}", *others))
        (lack,) = found["notLookedAt"]
        resource = right.split()[1].partition(".")[0]
        assert f'cannot list resource "{resource}"' in lack


def test_a_user_without_any_right_gets_a_message(
    cluster: ControlPlane, where: str, tmp_path: Path
) -> None:
    stranger = entitled(cluster, f"nobody-{where}", "get services")
    ran = modelcache("status", env={"KUBECONFIG": str(stranger)})
    assert (ran.status, ran.err) == (
        2,
        "modelcache: there is no permission to read anything in the cluster\n",
    )
    assert ran.out.count("not looked at: ") == 4
    ran = modelcache("status", env={"KUBECONFIG": str(tmp_path / "none"), "HOME": str(tmp_path)})
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith("modelcache: kubeconfig: ")
