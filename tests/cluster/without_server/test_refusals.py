"""What the policies can't do is refused, or warned of, in words."""

from typing import Final

import pytest
import yaml

from tests.admission.admitting import Json, pod_of
from tests.admission.test_cases import given
from tests.cluster.api_servers.custom_objects import ROWS as ROWS_OF_KINDS
from tests.cluster.api_servers.custom_objects import custom, definitions
from tests.cluster.without_server.compared import BEGINS, Comparison, reasons_of
from tests.kubernetes import binaries
from tests.kubernetes.api import Object
from tests.kubernetes.control_plane import ControlPlane, Options
from tests.kubernetes.custom_resources import served
from tests.kubernetes.registration import configure, create_namespace, settle
from webhook.rendering.admission_policy.limits import LIMITS

COMMIT: Final = "0" * 40
BUSY: Final = {"name": "side", "image": "busybox"}


def two(**more: Json) -> Json:
    """Return a pod with two containers, of which neither requests an accelerator."""
    pod = pod_of(more.get("annotations"))
    pod["spec"]["containers"].append(BUSY)
    return pod


def with_env(**variable: str) -> Json:
    return pod_of(container={"args": ["--x", "$(MODELCACHE_PATH)"], "env": [variable]})


def with_sidecar(image: str, *args: str) -> Json:
    """Return a pod with a native sidecar."""
    sidecar = {"name": "server", "restartPolicy": "Always", "image": image, "args": [*args]}
    return pod_of(initContainers=[sidecar])


ROWS: Final[dict[str, tuple[Json, str]]] = {
    "noAnnotation": (
        pod_of({"mount-pth": "/w"}),
        "modelcache.io/mount-pth: they do not read it: remove it",
    ),
    "noSidecar": (
        with_sidecar("vllm/vllm-openai:v0.11.0", "--model", "/models/other"),
        ("init container server serves as a sidecar, and they give the model only to containers of "
        "spec.containers: make it one of these, or name those that serve in modelcache.io/containers"),
    ),
    "noValue": (
        pod_of({"strategy": "emptyDir"}),
        "modelcache.io/strategy must be auto, pvc, hostPath, image",
    ),
    "noModel": (
        pod_of({"model": "chatt"}),
        ("modelcache.io/model: they know no model chatt: write org/name[@revision], or a CachedModel "
        "that they were printed with"),
    ),
    "noEntry": (
        pod_of({"model": "one-file"}),
        "CachedModel one-file has spec.file, and they set no variable for a file",
    ),
    "noStrategy": (
        pod_of({"model": "in-memory"}),
        "modelcache.io/strategy: of in-memory, they can use pvc; write one of these",
    ),
    "noImage": (
        pod_of({"strategy": "image"}),
        "modelcache.io/image: no image is known for acme/coder: give one by digest, name@sha256:…",
    ),
    "noNodes": (
        pod_of({"model": f"acme/coder@{COMMIT}", "strategy": "hostPath"}),
        (f"modelcache.io/model: they can not find the nodes that hold acme/coder@{COMMIT}: print them "
        "again with a CachedModel of this commit, or write modelcache.io/placement: none"),
    ),
    "noEffect": (
        pod_of({"strategy": "hostPath", "claim": "models", "placement": "preferred"}),
        ("modelcache.io/claim, modelcache.io/placement has no effect with strategy hostPath and this "
        "model: remove it"),
    ),
    "noContainer": (
        two(),
        "modelcache.io/containers: name the containers that serve the model, of vllm, side",
    ),
    "noVariables": (
        pod_of(container={"image": "ghcr.io/huggingface/tgi:3", "args": ["$(MODELCACHE_PATH)"]}),
        ("container vllm runs a server that reads its model from a variable, and they set only "
        "MODELCACHE_PATH: give its variable the value $(MODELCACHE_PATH), and write "
        "modelcache.io/server: other"),
    ),
    "noFormat": (
        pod_of(container={"image": "mlc-llm:1", "args": ["$(MODELCACHE_PATH)"]}),
        (
            "container vllm runs a server that reads only a format of its own, or only the model of "
            "its image: if it reads this model, write modelcache.io/server: other"
        ),
    ),
    "noOtherVariable": (
        pod_of(container={"args": ["$(MODELCACHE_PATH)", "$(MODELCACHE_FILE)"]}),
        "container vllm refers to a variable that it does not get: they set only MODELCACHE_PATH",
    ),
    "noDownload": (
        pod_of(container={"args": ["--model", "acme/coder"]}),
        ("container vllm names acme/coder, which it would download: write $(MODELCACHE_PATH) in its "
        "place, and the name only behind --served-model-name"),
    ),
    "noReader": (
        pod_of(container={"args": ["--port", "80"]}),
        ("container vllm does not name the path of the model, and they give a server no model under "
        "its name: write $(MODELCACHE_PATH) where it is given its model"),
    ),
    "noPreparation": (
        pod_of(initContainers=[{**BUSY, "command": ["hf", "download", "acme/coder"]}]),
        "container side names acme/coder before it is served, and may download it: remove that",
    ),
    "noPlace": (
        pod_of(
            {"mount_path": "/models"},
            container={
                "args": ["$(MODELCACHE_PATH)"],
                "volumeMounts": [{"name": "own", "mountPath": "/models/own"}],
            },
            volumes=[{"name": "own", "emptyDir": {}}],
        ),
        ("modelcache.io/mount-path: container vllm has a mount at, above or below /models, where the "
        "model would be, or one whose path is not plain: choose another place for one of them"),
    ),
    "noName": (
        pod_of(volumes=[{"name": "modelcache-model", "emptyDir": {}}]),
        "modelcache-model is, or has, what only an injected pod has: rename that, or remove it",
    ),
    "noAmount": (
        pod_of({"shm_size": "0.3"}),
        ("modelcache.io/shm-size and the memory limit of vllm must be whole numbers of bytes below "
        "1Pi, such as 2Gi"),
    ),
    "noPodLevel": (
        pod_of(resources={"limits": {"memory": "8Gi"}}),
        ("spec.resources: they add /dev/shm only to the memory of a container: set the memory there, "
        'or write modelcache.io/shm-size: "0"'),
    ),
    "noSharedMemory": (
        pod_of(hostIPC=True),
        ("spec.hostIPC: the pod would have the /dev/shm of its node: remove it, or write "
        'modelcache.io/shm-size: "0"'),
    ),
    "noSecondVolume": (
        pod_of(volumes=[{"name": "own", "persistentVolumeClaim": {"claimName": "model-store"}}]),
        "spec.volumes own: mounts claim model-store too: give it readOnly: true, or remove it",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", [limit.name for limit in LIMITS])
def test_each_limit_says_what_to_do(comparison: Comparison, name: str) -> None:
    pod, text = ROWS[name]
    assert comparison.judged(pod).reasons == text


@pytest.mark.parametrize("image", ["vllm/vllm-router:1", "vllm-proxy:1", "vllm-openai-exporter:1"])
def test_a_sidecar_that_only_looks_like_a_server_is_none(
    comparison: Comparison, image: str
) -> None:
    found = comparison.judged(with_sidecar(image, "--port", "80"))
    assert found.admitted
    assert found.by_policies == found.by_webhook


def test_all_reasons_are_said_at_once(comparison: Comparison) -> None:
    pod = pod_of({"size": "8Gi", "layout": "hf-cache"}, hostIPC=True)
    assert comparison.judged(pod).reasons.count("; ") == 2


MORE: Final = {
    "several models": pod_of({"model": "acme/coder, acme/draft"}),
    "a model that can be written": pod_of({"read_only": "false"}),
    "a node cache of its own": pod_of({"host_path": "/var/lib/model-cache/team"}),
    "a snapshot in a cache": pod_of({"directory": "models--acme--coder/snapshots/1"}),
    "a container that is named twice": pod_of({"containers": "vllm,vllm"}),
    "a sidecar as the server": pod_of(
        {"containers": "side"}, initContainers=[{**BUSY, "restartPolicy": "Always"}]
    ),
    "a mount above the model": pod_of(
        {"mount_path": "/data/coder"},
        container={
            "args": ["/data/coder"],
            "volumeMounts": [{"name": "own", "mountPath": "/data/"}],
        },
        volumes=[{"name": "own", "emptyDir": {}}],
    ),
    "a postStart that downloads": pod_of(
        container={
            "args": ["$(MODELCACHE_PATH)"],
            "lifecycle": {"postStart": {"exec": {"command": ["hf", "download", "acme/coder"]}}},
        }
    ),
    "a ledger without an injection": pod_of({"injected": "{}"}),
}


@pytest.mark.parametrize("pod", MORE.values(), ids=MORE)
def test_the_policies_refuse(comparison: Comparison, pod: Json) -> None:
    assert comparison.judged(pod).reasons


def test_of_two_containers_that_request_accelerators_none_is_chosen(comparison: Comparison) -> None:
    gpu = {"limits": {"nvidia.com/gpu": "1"}}
    pod = two()
    pod["spec"]["containers"][0]["resources"] = gpu
    assert comparison.judged(pod).admitted
    pod["spec"]["containers"][1] = {**BUSY, "resources": gpu}
    assert not comparison.judged(pod).admitted


def test_memory_that_another_webhook_lowered_is_warned_of(comparison: Comparison) -> None:
    pod = given("lowered-limit-is-raised-again")
    (warning,) = comparison.judged(pod).said
    assert (
        "container vllm: its memory limit is less than the 40Gi that it had with /dev/shm: another "
        "webhook lowered it. Exempt these pods from it, or run the modelcache webhook"
    ) in warning


def test_annotations_without_a_model_are_warned_of(comparison: Comparison) -> None:
    pod = pod_of()
    pod["metadata"]["annotations"] = {"modelcache.io/claim": "models"}
    (warning,) = comparison.judged(pod).said
    assert "modelcache.io/model is missing, so nothing is injected" in warning
    pod["metadata"]["annotations"] = {"team": "search", "modelcache.io/inject": "false"}
    assert comparison.judged(pod).said == []


def test_a_mount_that_was_taken_away_is_missed(comparison: Comparison) -> None:
    first = comparison.judged(pod_of()).by_policies
    annotations = first.pop("annotations")
    first["containers"][0]["volumeMounts"].clear()
    answer = comparison.answer({"metadata": {"annotations": annotations}, "spec": first})
    assert "container vllm does not mount volume modelcache-model" in answer.message


def test_pods_of_a_namespace_that_opts_out_are_left(comparison: Comparison) -> None:
    answer = comparison.answer(
        pod_of({"strategy": "x"}), comparison.place({"modelcache.io/admission": "disabled"})
    )
    assert answer.ok
    assert "volumes" not in answer.body["spec"] or not [
        volume for volume in answer.body["spec"]["volumes"] if "modelcache" in volume["name"]
    ]


TEMPLATES: Final = {
    "Deployment": ("apps/v1", "/template"),
    "StatefulSet": ("apps/v1", "/template"),
    "DaemonSet": ("apps/v1", "/template"),
    "ReplicaSet": ("apps/v1", "/template"),
    "ReplicationController": ("v1", "/template"),
    "Job": ("batch/v1", "/template"),
    "CronJob": ("batch/v1", "/jobTemplate/spec/template"),
}


def workload(kind: str, where: str, own: Json, template: Json) -> Object:
    """Return a workload with annotations, and annotations of its pods."""
    group, path = TEMPLATES[kind]
    labels = {"app": "x"}
    pod: Object = {"metadata": {"labels": labels, "annotations": template}}
    pod["spec"] = {"containers": [BUSY]}
    spec: Object = {"template": pod}
    if "job" in kind.lower():
        pod["spec"]["restartPolicy"] = "Never"
    elif kind == "ReplicationController":
        spec["selector"] = labels
    else:
        spec["selector"] = {"matchLabels": labels}
    if path != "/template":
        spec = {"schedule": "0 0 1 1 *", "jobTemplate": {"spec": spec}}
    metadata = {"name": "x", "namespace": where, "annotations": own}
    return {"apiVersion": group, "kind": kind, "metadata": metadata, "spec": spec}


ASKED: Final = {"modelcache.io/model": "acme/coder", "modelcache.io/claim": "models"}


@pytest.mark.parametrize("kind", TEMPLATES)
def test_a_workload_whose_template_lacks_its_annotations_is_refused(
    comparison: Comparison, cluster: ControlPlane, kind: str
) -> None:
    where = comparison.place({}).seen
    part = {"modelcache.io/model": "acme/coder"}
    refused = cluster.api.create(workload(kind, where, ASKED, part), dry_run=True)
    assert (
        "modelcache.io/claim: admission policies do not copy annotations into the pod template, so "
        "pods would start without the model: write them into the metadata of the pod template, or "
        "run the modelcache webhook"
    ) in refused.message
    cluster.api.create(workload(kind, where, ASKED, ASKED), dry_run=True).expect(201)
    cluster.api.create(workload(kind, where, {"team": "x"}, part), dry_run=True).expect(201)
    opted_out = {**ASKED, "modelcache.io/inject": "false"}
    cluster.api.create(workload(kind, where, opted_out, {}), dry_run=True).expect(201)


def test_a_copied_annotation_that_lags_behind_is_refused(
    comparison: Comparison, cluster: ControlPlane
) -> None:
    where = comparison.place({}).seen
    own = {**ASKED, "modelcache.io/copied-keys": "claim"}
    template = {**ASKED, "modelcache.io/claim": "old"}
    answer = cluster.api.create(workload("Deployment", where, own, template), dry_run=True)
    assert "modelcache.io/claim: admission policies do not copy" in answer.message
    del own["modelcache.io/copied-keys"]  # then the template's own value wins, as with the webhook
    cluster.api.create(workload("Deployment", where, own, template), dry_run=True).expect(201)


@pytest.mark.parametrize("name", ["argoproj.io/Rollout", "ray.io/RayCluster"])
def test_annotations_of_a_custom_workload_are_warned_of(
    comparison: Comparison, cluster: ControlPlane, name: str
) -> None:
    with served(cluster, definitions()):
        obj = custom(ROWS_OF_KINDS[name], comparison.place({}).seen, ASKED)
        answer = cluster.api.create(obj, dry_run=True).expect(201)
    (warning,) = [text for text in answer.warnings if "ValidatingAdmissionPolicy" in text]
    assert "admission policies copy no annotations to the pods of this kind" in warning


def test_a_pod_is_refused_while_the_policy_that_injects_is_missing(
    comparison: Comparison, cluster: ControlPlane, printed: list[Object]
) -> None:
    (binding,) = [obj for obj in printed if obj["kind"] == "MutatingAdmissionPolicyBinding"]
    cluster.api.delete(binding).expect()
    settle(cluster, [binding["kind"]])
    try:
        message = comparison.answer(pod_of()).message
    finally:
        configure(cluster, [binding])
    assert (
        "the admission policies gave this pod no model, although they could. See that "
        "MutatingAdmissionPolicy modelcache-without-server and its binding exist; they need "
        "Kubernetes 1.36"
    ) in message


def test_an_older_api_server_refuses_pods_and_names_the_version(printed: list[Object]) -> None:
    plane = ControlPlane(Options(api_server=binaries.OLD_API_SERVER, controller_manager=False))
    try:
        text = yaml.safe_dump_all(printed)
        applied = plane.kubectl("apply", "-f", "-", input=text)
        lines = [line for line in applied.stderr.splitlines() if "no matches for kind" in line]
        assert len(lines) == 2, applied.stderr
        assert all("MutatingAdmissionPolicy" in line for line in lines)
        settle(plane, ["ValidatingAdmissionPolicy"])
        pod = pod_of()
        pod["metadata"]["namespace"] = create_namespace(plane, "old")
        message = plane.api.create(pod, dry_run=True).message
        assert message.endswith("they need Kubernetes 1.36"), message
        pod["metadata"]["annotations"]["modelcache.io/verify"] = "true"
        assert BEGINS in plane.api.create(pod, dry_run=True).message
    finally:
        plane.stop()


def test_long_words_and_many_containers_cost_no_more_than_is_allowed(
    comparison: Comparison,
) -> None:
    line = "# " + "acme and other words, /opt/x; " * 600 + "\nexec vllm serve $(MODELCACHE_PATH)"
    pod = pod_of(container={"command": ["bash", "-c", line]})
    pod["spec"]["containers"] += [{**BUSY, "name": f"side-{i}"} for i in range(15)]
    pod["metadata"]["annotations"]["modelcache.io/containers"] = "vllm"
    answer = comparison.answer(pod)
    assert answer.ok, answer.message
    pod["metadata"]["annotations"]["modelcache.io/size"] = "1Gi"
    assert reasons_of(comparison.answer(pod))
