"""The article's three Deployments, annotated, against the same ones wired by hand.

The real controllers make pods of both, so that both have what the API server adds. The pods are
compared value by value. Each allowed difference is listed below with its reason; there is no other.
"""

import copy
import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.kubernetes.api import Object
from tests.kubernetes.control_plane import ControlPlane
from tests.kubernetes.registration import create_namespace, wait_until
from tests.kubernetes.server import Webhook

EXAMPLE: Final = Path(__file__).parents[3] / "examples" / "article.yaml"
PREFIX: Final = "modelcache.io/"
LLAMA: Final = "llama-3.1-8b-instruct"
ABSENT: Final = None

CLAIM: Final = {"persistentVolumeClaim": {"claimName": "model-store", "readOnly": True}}


def tmpfs(size: str) -> Object:
    return {"emptyDir": {"medium": "Memory", "sizeLimit": size}}


def mounted(source: Object, **more: Any) -> Object:
    return {"source": source, **more}


def by_hand() -> dict[str, Object]:
    """Return the article's pod specs, which its readers write without the webhook."""
    specs: dict[str, Object] = {}
    for deployment in yaml.safe_load_all(EXAMPLE.read_text()):
        specs[deployment["metadata"]["name"]] = deployment["spec"]["template"]["spec"]
    # Strategy 1: the shared claim, read-only on volume and mount, and 16Gi of /dev/shm.
    shared = specs["vllm-inference"]
    shared["volumes"] = [{"name": "models", **CLAIM}, {"name": "shm", **tmpfs("16Gi")}]
    shared["containers"][0]["volumeMounts"] = [
        {"name": "models", "mountPath": "/models", "readOnly": True},
        {"name": "shm", "mountPath": "/dev/shm"},
    ]
    # Strategy 2: the directory that a DaemonSet has filled on the node.
    cached = specs["vllm-hostpath"]
    node_cache = {"path": "/var/lib/model-cache", "type": "Directory"}
    cached["volumes"] = [{"name": "models", "hostPath": node_cache}]
    cached["containers"][0]["volumeMounts"] = [
        {"name": "models", "mountPath": "/models", "readOnly": True}
    ]
    # Strategy 3: memory, filled by an init container. Of 24Gi, 16 are the server's and 8 the model's.
    fast = specs["fast-inference"]
    fast["volumes"] = [{"name": "models", **tmpfs("8Gi")}]
    mount = {"name": "models", "mountPath": "/model-cache"}
    fast["initContainers"] = [
        {
            "name": "download",
            "image": "python:3.11-slim",
            "resources": {"requests": {"memory": "8Gi"}},
            "volumeMounts": [mount],
        }
    ]
    server = fast["containers"][0]
    server["volumeMounts"] = [mount]
    for amounts in server["resources"].values():
        amounts["memory"] = "24Gi"
    return specs


def seen(pod: Object) -> dict[str, Any]:
    """Return what the containers of *pod* see, without the names of volumes."""
    spec = copy.deepcopy(pod["spec"])
    sources = {volume.pop("name"): volume for volume in spec.pop("volumes")}
    found: dict[str, Any] = {}
    for container in [*spec.pop("initContainers", []), *spec.pop("containers")]:
        name = container.pop("name")
        for mount in container.pop("volumeMounts"):
            mount["source"] = sources[mount.pop("name")]
            path = mount.pop("mountPath")
            found[f"{name} at {path}"] = mount
        for variable in container.pop("env", []):
            found[f"{name} ${variable.pop('name')}"] = variable
        for kind, amounts in container.pop("resources").items():
            found |= {f"{name} {kind} {key}": value for key, value in amounts.items()}
        found |= {f"{name} {key}": value for key, value in container.items()}
    return {**found, **spec}


@dataclasses.dataclass(frozen=True)
class Difference:
    """A value by hand, the injected value, and the reason."""

    hand: Any
    ours: Any
    why: str


HOST: Final = "/var/lib/model-cache"
READ: Final = {"readOnly": True, "recursiveReadOnly": "IfPossible"}
NARROW: Final = "the server sees its own model, not those of everybody"
ENV: Final = "shows sidecars and scripts where the model is"
SHM: Final = "vLLM's workers talk through /dev/shm; a container runtime gives only 64Mi of it"
CHARGED: Final = "tmpfs is charged to the memory limit: what was the server's own stays its own"

DIFFERENCES: Final = {
    "vllm-inference": {
        "vllm at /models": Difference(mounted(CLAIM, readOnly=True), ABSENT, NARROW),
        f"vllm at /models/{LLAMA}": Difference(
            ABSENT, mounted(CLAIM, subPath=LLAMA, **READ), NARROW
        ),
        "vllm $MODELCACHE_PATH": Difference(ABSENT, {"value": f"/models/{LLAMA}"}, ENV),
        "vllm limits memory": Difference("24Gi", "40Gi", CHARGED),
        "vllm requests memory": Difference("24Gi", "40Gi", CHARGED),
    },
    "vllm-hostpath": {
        "vllm at /models": Difference(
            mounted({"hostPath": {"path": HOST, "type": "Directory"}}, readOnly=True),
            ABSENT,
            "the volume is the published model itself: its type then checks that it is there",
        ),
        f"vllm at /models/{LLAMA}": Difference(
            ABSENT,
            mounted({"hostPath": {"path": f"{HOST}/{LLAMA}", "type": "Directory"}}, **READ),
            NARROW,
        ),
        "vllm at /dev/shm": Difference(ABSENT, mounted(tmpfs("2Gi")), SHM),
        "vllm $MODELCACHE_PATH": Difference(ABSENT, {"value": f"/models/{LLAMA}"}, ENV),
        "vllm limits memory": Difference("24Gi", "26Gi", CHARGED),
        "vllm requests memory": Difference("24Gi", "26Gi", CHARGED),
    },
    "fast-inference": {
        "vllm at /model-cache": Difference(
            mounted(tmpfs("8Gi")), ABSENT, "the server cannot write to what it reads"
        ),
        "vllm at /model-cache/phi-2": Difference(
            ABSENT, mounted(tmpfs("5632Mi"), **READ), "phi-2 needs 5.2Gi, not 8: the size is known"
        ),
        "vllm at /dev/shm": Difference(ABSENT, mounted(tmpfs("2Gi")), SHM),
        "vllm $MODELCACHE_PATH": Difference(ABSENT, {"value": "/model-cache/phi-2"}, ENV),
        "vllm limits memory": Difference("24Gi", "24064Mi", "16Gi + 5632Mi of model + 2Gi of shm"),
        "vllm requests memory": Difference(
            "24Gi", "24064Mi", "16Gi + 5632Mi of model + 2Gi of shm"
        ),
    },
}


def pods_of(plane: ControlPlane, where: str, app: str, count: int = 1) -> list[Object]:
    """Return the pods of a controller, once there are *count*."""

    def living() -> list[Object]:
        found = plane.api.list("v1", "Pod", where, labelSelector=f"app={app}")
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]

    wait_until(lambda: len(living()) == count, f"{count} pods of {app}")
    return living()


@dataclasses.dataclass(frozen=True)
class Applied:
    """The article's Deployments: annotated, and wired by hand."""

    where: str
    by_hand: str
    errors: str


@pytest.fixture(scope="module")
def applied(cluster: ControlPlane, webhook: Webhook) -> Iterator[Applied]:
    annotated, plain = (
        create_namespace(cluster, f"article-{which}-{os.getpid()}") for which in ("ours", "hand")
    )
    text = EXAMPLE.read_text().replace("namespace: ai-inference", f"namespace: {annotated}")
    done = cluster.kubectl("apply", "-f", "-", input=text)
    assert done.returncode == 0, done.stderr
    written = by_hand()
    for deployment in yaml.safe_load_all(EXAMPLE.read_text()):
        name = deployment["metadata"]["name"]
        deployment["metadata"] = {"name": name, "namespace": plain}
        deployment["spec"]["template"]["spec"] = written[name]
        cluster.api.create(deployment).expect(201)
    yield Applied(annotated, plain, done.stderr)
    for where in (annotated, plain):
        for deployment in cluster.api.list("apps/v1", "Deployment", where):
            deployment |= {"apiVersion": "apps/v1", "kind": "Deployment"}
            cluster.api.delete(deployment)


@pytest.mark.parametrize(("name", "replicas"), [("vllm-inference", 4), ("vllm-hostpath", 2)])
def test_its_pods_differ_from_those_wired_by_hand_only_as_listed(
    cluster: ControlPlane, applied: Applied, name: str, replicas: int
) -> None:
    ours = pods_of(cluster, applied.where, name, replicas)
    hand = pods_of(cluster, applied.by_hand, name, replicas)
    expected = DIFFERENCES[name]
    assert differences(seen(hand[0]), seen(ours[0])) == {
        what: (difference.hand, difference.ours) for what, difference in expected.items()
    }, {what: difference.why for what, difference in expected.items()}
    assert [unnamed(pod) for pod in ours] == [unnamed(ours[0])] * replicas


def test_its_pods_in_memory_are_filled_by_a_loader_that_downloads_nothing(
    cluster: ControlPlane, applied: Applied
) -> None:
    ours = pods_of(cluster, applied.where, "fast-inference", 2)[0]
    hand = pods_of(cluster, applied.by_hand, "fast-inference", 2)[0]
    (loader,) = ours["spec"].pop("initContainers")
    (download,) = hand["spec"].pop("initContainers")
    expected = {what: (d.hand, d.ours) for what, d in DIFFERENCES["fast-inference"].items()}
    assert differences(seen(hand), seen(ours)) == expected
    sources = {volume["name"]: volume for volume in ours["spec"]["volumes"]}
    mounts = {mount["mountPath"]: mount for mount in loader["volumeMounts"]}
    store, memory = mounts["/modelcache/store/1"], mounts["/modelcache/memory/1"]
    # The article's init container downloads at each start; the injected one copies from the claim.
    assert sources[store["name"]] == {"name": store["name"], **CLAIM}
    assert (store["subPath"], store["readOnly"]) == ("phi-2", True)
    assert loader["command"][1:] == ["copy", "/modelcache/store/1", "/modelcache/memory/1"]
    # Both write to the volume that the server reads. With us no other container may write to it.
    assert sources[memory["name"]] == {"name": memory["name"], **tmpfs("5632Mi")}
    assert "readOnly" not in memory
    assert download["volumeMounts"][0]["mountPath"] == "/model-cache"
    # The article requests 8Gi without a limit; the injected limit is model and overhead.
    assert download["resources"] == {"requests": {"memory": "8Gi"}}
    assert loader["resources"]["limits"]["memory"] == "6Gi"
    assert loader["resources"]["requests"] == loader["resources"]["limits"]


def differences(hand: dict[str, Any], ours: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return the differences by name. The token's mount has another name in each pod."""
    return {
        what: (hand.get(what), ours.get(what))
        for what in sorted(hand.keys() | ours.keys())
        if hand.get(what) != ours.get(what)
    }


def unnamed(pod: Object) -> Object:
    """Return a pod's spec with the random name of the token volume taken out."""
    return {**seen(pod), "annotations": pod["metadata"]["annotations"]}


# T74
def test_t74_kubectl_prints_that_the_annotations_were_copied(applied: Applied) -> None:
    warnings = [line for line in applied.errors.splitlines() if line.startswith("Warning:")]
    assert len(warnings) == 3
    assert warnings[0] == (
        f"Warning: MC108 metadata: copied {PREFIX}directory, {PREFIX}model, {PREFIX}shm-size, "
        f"{PREFIX}strategy into the pod template"
    )
    assert all(line.startswith("Warning: MC108 ") for line in warnings)


def test_the_replicaset_of_a_deployment_is_left_to_it(
    cluster: ControlPlane, applied: Applied
) -> None:
    pods_of(cluster, applied.where, "vllm-inference", 4)
    deployment = cluster.api.get("apps/v1", "Deployment", "vllm-inference", applied.where).body
    sets = cluster.api.list(
        "apps/v1", "ReplicaSet", applied.where, labelSelector="app=vllm-inference"
    )
    assert len(sets) == 1  # a template that is changed without the Deployment would create more
    template = sets[0]["spec"]["template"]
    template["metadata"]["labels"].pop("pod-template-hash")
    assert template == deployment["spec"]["template"]
    assert "volumes" not in template["spec"]  # pods are injected, templates are not


POD_SPEC: Final = {"containers": [{"name": "vllm", "image": "vllm/vllm-openai:v0.6.4"}]}
ASKED: Final = {f"{PREFIX}model": "microsoft/phi-2", f"{PREFIX}strategy": "pvc"}


def workload(kind: str, name: str, where: str, annotations: Object | None = None) -> Object:
    """Return a workload that is annotated on its own metadata only."""
    template: Object = {"metadata": {"labels": {"app": name}}, "spec": copy.deepcopy(POD_SPEC)}
    spec: Object = {"template": template}
    if kind in ("Job", "CronJob"):
        template["spec"]["restartPolicy"] = "Never"
    else:
        spec["selector"] = {"matchLabels": {"app": name}}
    if kind == "StatefulSet":
        spec["serviceName"] = name
    if kind == "CronJob":
        spec = {"schedule": "0 0 1 1 *", "jobTemplate": {"spec": spec}}
    metadata = {"name": name, "namespace": where, "annotations": dict(annotations or ASKED)}
    group = "batch/v1" if kind in ("Job", "CronJob") else "apps/v1"
    return {"apiVersion": group, "kind": kind, "metadata": metadata, "spec": spec}


def injected(pod: Object) -> bool:
    """Whether *pod* has the claim, mounted read-only where the model is read."""
    (container,) = pod["spec"]["containers"]
    names = [v["name"] for v in pod["spec"]["volumes"] if "persistentVolumeClaim" in v]
    mounts = [m for m in container["volumeMounts"] if m["name"] in names]
    return len(mounts) == 1 and mounts[0]["readOnly"] is True


@pytest.fixture(scope="module")
def where(cluster: ControlPlane, webhook: Webhook) -> str:
    return create_namespace(cluster, f"workloads-{os.getpid()}")


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "ReplicaSet", "Job"])
def test_t74_a_workload_annotated_on_its_own_metadata_makes_injected_pods(
    cluster: ControlPlane, where: str, kind: str
) -> None:
    obj = workload(kind, f"own-{kind.lower()}", where)
    answer = cluster.api.create(obj).expect(201)
    assert [text for text in answer.warnings if text.startswith("MC108")]
    (pod,) = pods_of(cluster, where, obj["metadata"]["name"])
    assert injected(pod)
    cluster.api.delete(obj).expect()


def test_t74_a_daemonset_makes_injected_pods(cluster: ControlPlane, where: str) -> None:
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "somewhere"}}
    cluster.api.create(node).expect(201)
    obj = workload("DaemonSet", "own-daemonset", where)
    try:
        cluster.api.create(obj).expect(201)
        (pod,) = pods_of(cluster, where, "own-daemonset")
        assert injected(pod)
        assert pod["spec"]["affinity"]["nodeAffinity"]  # the DaemonSet's node affinity is kept
    finally:
        cluster.api.delete(obj)
        cluster.api.delete(node)


def test_t74_a_job_made_of_a_cronjob_makes_injected_pods(cluster: ControlPlane, where: str) -> None:
    obj = workload("CronJob", "nightly", where)
    cluster.api.create(obj).expect(201)
    made = cluster.kubectl("create", "job", "tonight", "--from=cronjob/nightly", "-n", where)
    assert made.returncode == 0, made.stderr
    (pod,) = pods_of(cluster, where, "nightly")
    assert injected(pod)


def test_t74_a_changed_annotation_is_followed_into_template_and_pods(
    cluster: ControlPlane, where: str
) -> None:
    obj = workload("Deployment", "changing", where)
    apply(cluster, obj)
    pods_of(cluster, where, "changing")
    obj["metadata"]["annotations"][f"{PREFIX}claim"] = "other-store"
    obj["metadata"]["annotations"][f"{PREFIX}model"] = "mistral-7b-instruct"
    apply(cluster, obj)
    stored = cluster.api.get("apps/v1", "Deployment", "changing", where).body
    assert template_keys(stored) == obj["metadata"]["annotations"]

    def follows() -> bool:
        found = cluster.api.list("v1", "Pod", where, labelSelector="app=changing")
        claims = [
            volume["persistentVolumeClaim"]["claimName"]
            for pod in found
            for volume in pod["spec"]["volumes"]
            if "persistentVolumeClaim" in volume
        ]
        return "other-store" in claims

    wait_until(follows, "a pod with the other claim")


def test_t74_a_removed_annotation_is_taken_out_of_the_template(
    cluster: ControlPlane, where: str
) -> None:
    obj = workload("Deployment", "leaving", where)
    obj["spec"]["replicas"] = 0
    apply(cluster, obj)
    obj["metadata"]["annotations"] = {"team": "search"}
    errors = apply(cluster, obj)
    assert "Warning: MC113" in errors
    stored = cluster.api.get("apps/v1", "Deployment", "leaving", where).body
    assert template_keys(stored) == {}
    assert [key for key in stored["metadata"]["annotations"] if key.startswith(PREFIX)] == []


def test_t75_the_templates_own_value_wins_over_the_workloads(
    cluster: ControlPlane, where: str
) -> None:
    obj = workload("Deployment", "both", where)
    obj["spec"]["template"]["metadata"]["annotations"] = {f"{PREFIX}model": "mistral-7b-instruct"}
    answer = cluster.api.create(obj).expect(201)
    assert any(text.startswith(f"MC109 {PREFIX}model: ") for text in answer.warnings)
    (pod,) = pods_of(cluster, where, "both")
    assert pod["metadata"]["annotations"][f"{PREFIX}model"] == "mistral-7b-instruct"
    changed = {"metadata": {"annotations": {f"{PREFIX}model": "phi-2"}}}
    stored = cluster.api.merge(obj, changed).expect().body
    assert template_keys(stored)[f"{PREFIX}model"] == "mistral-7b-instruct"


def test_t77_a_job_can_still_be_changed_though_its_template_cannot(
    cluster: ControlPlane, where: str
) -> None:
    obj = workload("Job", "fixed", where)
    stored = cluster.api.create(obj).expect(201).body
    assert template_keys(stored) == ASKED
    changed = {"metadata": {"annotations": {f"{PREFIX}claim": "other-store", "team": "search"}}}
    after = cluster.api.merge(obj, changed).expect(200).body
    assert after["metadata"]["annotations"]["team"] == "search"
    assert template_keys(after) == ASKED


def test_a_server_side_apply_that_repeats_itself_changes_nothing(
    cluster: ControlPlane, where: str
) -> None:
    obj = workload("Deployment", "steady", where)
    first = cluster.api.apply(obj).expect().body
    wait_until(
        lambda: "status" in cluster.api.get("apps/v1", "Deployment", "steady", where).body,
        "the controller has seen it",
    )
    second = cluster.api.apply(obj).expect().body
    assert second["metadata"]["generation"] == first["metadata"]["generation"]
    assert second["spec"] == first["spec"]


def apply(plane: ControlPlane, obj: Object) -> str:
    """Apply *obj* with kubectl, as people do; return its warnings."""
    done = plane.kubectl("apply", "-f", "-", input=yaml.safe_dump(obj))
    assert done.returncode == 0, done.stderr
    return done.stderr


def template_keys(obj: Object) -> Object:
    """Return our annotations in the template of a stored workload."""
    annotations: Object = obj["spec"]["template"]["metadata"].get("annotations", {})
    return {key: value for key, value in annotations.items() if key.startswith(PREFIX)}
