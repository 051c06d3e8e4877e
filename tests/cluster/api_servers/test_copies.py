"""Copies in pod templates: removed with their originals, kept where a person wrote them, undone.

Each tool sends its own kind of request: kubectl apply and Argo CD a patch with the manifest recorded,
Flux, Helm 4 and Argo CD a server-side apply, Helm 3 a patch without either.
"""

import json
import re
from pathlib import Path

import pytest

from tests.cluster.api_servers.applying import (
    TOOLS,
    asked_of_pods,
    kubectl,
    ours,
    read,
    stored,
)
from tests.kubernetes import binaries, helm
from tests.kubernetes.api import Object
from tests.kubernetes.control_plane import ControlPlane
from tests.kubernetes.inference_pods import PREFIX, deployment
from tests.kubernetes.registration import NamespaceFactory

pytestmark = pytest.mark.usefixtures("webhook")
MODEL = f"{PREFIX}model"


def manifest(where: str, own: Object, there: Object | None = None) -> Object:
    """Return a Deployment with annotations *own*, and *there* in its template."""
    found = deployment(where, own, name="copies", replicas=0)
    if not own:
        del found["metadata"]["annotations"]
    if there:
        found["spec"]["template"]["metadata"]["annotations"] = named(there)
    return found


def named(annotations: Object) -> Object:
    return {PREFIX + key: value for key, value in annotations.items()}


@pytest.mark.parametrize("kept", [False, True], ids=["the only one", "of several"])
@pytest.mark.parametrize("tool", TOOLS)
def test_an_annotation_that_a_tool_removes_leaves_nothing_behind(
    cluster: ControlPlane, namespace: NamespaceFactory, tool: str, kept: bool
) -> None:
    where = namespace()
    strategy = {"strategy": "pvc"} if kept else {}
    first = manifest(where, {"model": "phi-2", **strategy})
    kubectl(cluster, TOOLS["kubectl apply" if tool == "kubectl replace" else tool], first)
    assert asked_of_pods(stored(cluster, first)) == named({"model": "phi-2", **strategy})
    second = manifest(where, strategy)
    said = kubectl(cluster, TOOLS[tool], second).stderr
    now = stored(cluster, second)
    assert ours(now["metadata"].get("annotations")) == named(strategy)
    assert asked_of_pods(now) == named(strategy)
    listed = (now["metadata"].get("annotations") or {}).get(f"{PREFIX}copied-keys", "")
    assert listed == ",".join(strategy)
    assert ("MC113 modelcache.io/model: removed" in said) is (tool != "kubectl replace")


@pytest.mark.parametrize("value", ["phi-2", "mistral-7b-instruct"], ids=["same", "other"])
@pytest.mark.parametrize("tool", TOOLS)
def test_an_annotation_that_is_moved_into_the_template_stays_there(
    cluster: ControlPlane, namespace: NamespaceFactory, tool: str, value: str
) -> None:
    where = namespace()
    first = manifest(where, {"model": "phi-2", "strategy": "pvc"})
    kubectl(cluster, TOOLS["kubectl apply" if tool == "kubectl replace" else tool], first)
    before = stored(cluster, first)
    moved = manifest(where, {"strategy": "pvc"}, {"model": value})
    seen = []
    for _ in range(2):
        kubectl(cluster, TOOLS[tool], moved)
        now = stored(cluster, moved)
        assert asked_of_pods(now) == named({"model": value, "strategy": "pvc"})
        assert ours(now["metadata"]["annotations"]) == named({"strategy": "pvc"})
        seen.append(now)
    assert seen[0]["spec"] == seen[1]["spec"]
    if tool != "kubectl replace":  # it also removes the controller's annotation, which counts
        assert seen[0]["metadata"]["generation"] == seen[1]["metadata"]["generation"]
    assert (now["spec"] == before["spec"]) is (value == "phi-2")


def test_the_last_annotation_moves_too_with_server_side_apply(
    cluster: ControlPlane, namespace: NamespaceFactory
) -> None:
    where = namespace()
    kubectl(cluster, TOOLS["flux"], manifest(where, {"model": "phi-2"}))
    moved = manifest(where, {}, {"model": "phi-2"})
    kubectl(cluster, TOOLS["flux"], moved)
    now = stored(cluster, moved)
    assert asked_of_pods(now) == named({"model": "phi-2"})
    assert "annotations" not in now["metadata"] or not ours(now["metadata"]["annotations"])


def test_of_two_managers_each_changes_its_own(
    cluster: ControlPlane, namespace: NamespaceFactory
) -> None:
    where = namespace()
    team = manifest(where, {"model": "phi-2"})
    platform = manifest(where, {"strategy": "pvc"})
    platform["spec"] = {"selector": team["spec"]["selector"]}
    platform["spec"]["template"] = {"metadata": {"annotations": named({"shm-size": "8Mi"})}}
    everything = {"model": "phi-2", "strategy": "pvc", "shm-size": "8Mi"}
    for _ in range(2):
        cluster.api.apply(team, manager="flux").expect()
        cluster.api.apply(platform, manager="platform").expect()
        now = stored(cluster, team)
        assert asked_of_pods(now) == named(everything)
    generation = now["metadata"]["generation"]
    cluster.api.apply(team, manager="flux").expect()
    assert stored(cluster, team)["metadata"]["generation"] == generation
    cluster.api.apply(manifest(where, {}), manager="flux").expect()
    now = stored(cluster, team)
    assert asked_of_pods(now) == named({"strategy": "pvc", "shm-size": "8Mi"})
    assert ours(now["metadata"]["annotations"]) == named({"strategy": "pvc"})


def test_kubectl_annotate_adds_changes_and_removes_copies(
    cluster: ControlPlane, namespace: NamespaceFactory
) -> None:
    obj = manifest(namespace(), {})
    kubectl(cluster, ("create",), obj)
    for change, there in (
        (f"{MODEL}=phi-2", {"model": "phi-2"}),
        (f"{MODEL}=mistral-7b-instruct", {"model": "mistral-7b-instruct"}),
        (f"{MODEL}-", {}),
    ):
        where = obj["metadata"]["namespace"]
        words = ("annotate", "deployment", "copies", "-n", where, "--overwrite", change)
        assert cluster.kubectl(*words).returncode == 0
        assert asked_of_pods(stored(cluster, obj)) == named(there)


@pytest.mark.parametrize("first", [{"model": "phi-2"}, {}], ids=["another model", "no model"])
@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet"])
def test_a_rollout_can_be_undone_until_the_manifest_is_applied_again(
    cluster: ControlPlane, namespace: NamespaceFactory, kind: str, first: Object
) -> None:
    where = namespace()

    def of(own: Object) -> Object:
        obj = manifest(where, own)
        obj["kind"] = kind
        if kind == "DaemonSet":
            del obj["spec"]["replicas"]
        if kind == "StatefulSet":
            obj["spec"]["serviceName"] = "copies"
        return obj

    newer = {"model": "mistral-7b-instruct"}
    for own in (first, newer):
        kubectl(cluster, TOOLS["kubectl apply"], of(own))
        assert asked_of_pods(stored(cluster, of(own))) == named(own)
    done = cluster.kubectl("rollout", "undo", f"{kind.lower()}/copies", "-n", where)
    assert done.returncode == 0, done.stderr
    now = stored(cluster, of(newer))
    if kind == "Deployment":  # kubectl restores its annotations too
        assert not re.search("Warning: MC1(08|09|20)", done.stderr)
    elif first:
        assert "MC120 modelcache.io/model: kubectl rollout undo put" in done.stderr
    else:  # the object still has its annotation
        assert "MC108 metadata: copied modelcache.io/model" in done.stderr
        first = newer
    assert asked_of_pods(now) == named(first)
    assert ours(now["metadata"].get("annotations")) == named(first)
    kubectl(cluster, TOOLS["kubectl apply"], of(newer))
    assert asked_of_pods(stored(cluster, of(newer))) == named(newer)


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    (tmp_path / "templates").mkdir()
    (tmp_path / "Chart.yaml").write_text("apiVersion: v2\nname: copies\nversion: 1.0.0\n")
    return tmp_path


@pytest.mark.parametrize("version", [3, 4])
def test_a_release_of_helm_changes_nothing_when_it_is_upgraded_again(
    cluster: ControlPlane, namespace: NamespaceFactory, chart: Path, version: int
) -> None:
    """Helm 4 applies on the server; Helm 3 compares three versions."""
    program = {3: binaries.HELM, 4: binaries.HELM_4}[version]
    where = namespace()

    def upgrade(own: Object, there: Object | None = None) -> Object:
        obj = manifest(where, own, there)
        (chart / "templates" / "deployment.yaml").write_text(json.dumps(obj))
        words = ("upgrade", "--install", "copies", chart, "--namespace", where)
        helm.helm(*words, plane=cluster, program=program)
        return stored(cluster, obj)

    first = upgrade({"model": "phi-2"})
    assert asked_of_pods(first) == named({"model": "phi-2"})
    again = upgrade({"model": "phi-2"})
    assert again["metadata"]["generation"] == first["metadata"]["generation"]
    assert asked_of_pods(upgrade({"model": "phi-2", "strategy": "pvc"})) == named(
        {"model": "phi-2", "strategy": "pvc"}
    )
    own = upgrade({"strategy": "pvc"}, {"model": "mistral-7b-instruct"})
    assert asked_of_pods(own) == named({"strategy": "pvc", "model": "mistral-7b-instruct"})
    last = upgrade({})
    assert asked_of_pods(last) == {}
    assert ours(read(cluster, manifest(where, {}))["metadata"].get("annotations")) == {}
