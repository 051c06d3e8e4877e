"""Each strategy: what it adds to the pod, and what conflicts with it."""

from typing import Any

import pytest

from tests.admission.admitting import (
    Json,
    Webhook,
    facts_of,
    in_memory,
    pod_of,
)
from webhook.admission.strategies import STRATEGIES

COMMIT = "0123456789abcdef0123456789abcdef01234567"
IMAGE = "example.com/coder@sha256:" + "ab" * 32
BASELINE = {"namespace_labels": {"pod-security.kubernetes.io/enforce": "baseline"}}
RESTRICTED = {"namespace_labels": {"pod-security.kubernetes.io/enforce": "restricted"}}
ASKED: dict[str, Json] = {
    "pvc": {"strategy": "pvc", "shm_size": "0"},
    "hostPath": {"strategy": "hostPath", "shm_size": "0", "model": f"acme/coder@{COMMIT}"},
    "emptyDir": in_memory(),
    "image": {"strategy": "image", "shm_size": "0", "image": IMAGE},
}


def webhook_of(**facts: Any) -> Webhook:
    return Webhook(facts=facts_of(facts))


def test_every_strategy_is_asked_for_here() -> None:
    assert list(ASKED) == list(STRATEGIES)


@pytest.mark.parametrize("name", STRATEGIES)
def test_every_strategy_mounts_read_only_and_a_second_review_adds_nothing(name: str) -> None:
    # P1 53
    webhook = webhook_of(kube_version="1.35")
    answer = webhook.admit(pod_of(ASKED[name], limit="24Gi"))
    (mount,) = answer.container()["volumeMounts"]
    assert mount["name"] == "modelcache-model"
    assert mount["readOnly"] is True
    assert mount["recursiveReadOnly"] == "IfPossible"
    assert answer.response["auditAnnotations"] == {"strategy": name}
    assert webhook.admit(answer.admitted, raw=True).adds_nothing


def test_t54_claim(webhook: Webhook) -> None:
    own = {"limits": {"memory": "1e10"}, "requests": {"memory": "8000000000"}}
    answer = webhook.admit(
        pod_of({**ASKED["pvc"], "claim": "models"}, container={"resources": own})
    )
    assert answer.volume() == {
        "name": "modelcache-model",
        "persistentVolumeClaim": {"claimName": "models", "readOnly": True},
    }
    assert answer.container()["volumeMounts"][0]["subPath"] == "acme--coder/main"
    assert answer.container()["resources"] == own


def test_t53_shm_with_a_claim(webhook: Webhook) -> None:
    asked = {**ASKED["pvc"], "shm_size": "4Gi"}
    answer = webhook.admit(pod_of(asked, request="8Gi", limit="24Gi"))
    assert answer.memory() == ("8Gi", "28Gi")
    assert answer.volume("modelcache-shm")["emptyDir"] == {"medium": "Memory", "sizeLimit": "4Gi"}


def test_t62_host_path(webhook: Webhook) -> None:
    answer = webhook.admit(pod_of(ASKED["hostPath"], request="8Gi", limit="24Gi"))
    assert answer.volume()["hostPath"] == {
        "path": f"/var/lib/model-cache/acme--coder/{COMMIT}",
        "type": "Directory",
    }
    assert answer.memory() == ("8Gi", "24Gi")
    assert list(answer.spec["affinity"]["nodeAffinity"]) == [
        "preferredDuringSchedulingIgnoredDuringExecution"
    ]


def test_t70_image() -> None:
    answer = webhook_of(kube_version="1.35").admit(pod_of(ASKED["image"]))
    assert answer.volume()["image"] == {"reference": IMAGE, "pullPolicy": "IfNotPresent"}


@pytest.mark.parametrize("facts", [{}, BASELINE, RESTRICTED])
def test_t85_loader_passes_pod_security_restricted(facts: Json) -> None:
    pod = pod_of(in_memory(), securityContext={"runAsUser": 0})
    security = webhook_of(**facts).admit(pod).init("modelcache-loader")["securityContext"]
    assert security == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
        "runAsUser": 65532,
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def claims(**fields: Any) -> Json:
    return {
        "claims": {"model-store": {"access_modes": ["ReadWriteMany"], "phase": "Bound", **fields}}
    }


OBSTACLES: list[tuple[str, Json, Json, str, str]] = [
    ("pvc", {}, {"claims": {}}, "MC005", '"model-store" does not exist in namespace default'),
    ("pvc", {}, claims(access_modes=["ReadWriteOnce"]), "MC005", "has access modes ReadWriteOnce"),
    ("pvc", {}, claims(access_modes=["ReadWriteOncePod"]), "MC005", "ReadWriteOncePod"),
    ("pvc", {}, claims(access_modes=[]), "MC005", "has access modes none"),
    ("pvc", {}, claims(phase="Pending"), "MC005", "is Pending, not Bound"),
    ("pvc", {}, claims(phase="Lost"), "MC005", "is Lost, not Bound"),
    ("hostPath", {}, BASELINE, "MC006", "pod-security.kubernetes.io/enforce=baseline"),
    ("hostPath", {}, RESTRICTED, "MC006", "pod-security.kubernetes.io/enforce=restricted"),
    ("hostPath", {}, {"nodes": []}, "MC019", "no node of 0 has the label"),
    ("hostPath", {"host_path": "/var/lib"}, {}, "MC013", "is not at or below /var/lib/model-cache"),
    ("hostPath", {"host_path": "/var/lib/model-cache-2"}, {}, "MC013", "is not at or below"),
    ("hostPath", {"placement": "required", "model": "acme/coder"}, {}, "MC018", "pinned to a commit"),
    ("emptyDir", {"size": None}, {}, "MC003", 'the size of "acme/coder" is not known'),
    ("emptyDir", {}, {"claims": {}}, "MC005", "does not exist"),
    ("emptyDir", {"load_from": "source", "directory": "w"}, {}, "MC017", "was filled by hand"),
    ("emptyDir", {"load_from": "node"}, BASELINE, "MC006", "forbids hostPath"),
    ("image", {}, {"kube_version": None}, "MC007", "(version unknown)"),
    ("image", {}, {"kube_version": "1.30"}, "MC007", "(version 1.30)"),
    ("image", {}, {"kube_version": "1.34"}, "MC007", "a server of 1.35"),
    ("image", {}, {"kube_version": "1.32", "image_volumes": True, **RESTRICTED}, "MC007", "from 1.33 on"),
    ("image", {"directory": "w"}, {"kube_version": "1.32", "image_volumes": True}, "MC007", "from 1.33"),
    ("image", {"image": None}, {"kube_version": "1.35"}, "MC008", "no image is known"),
    ("image", {"image": "example.com/a:v1"}, {"kube_version": "1.35"}, "MC008", "can change"),
    ("image", {"read_only": "false"}, {"kube_version": "1.35"}, "MC016", "can't be written"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "asked", "facts", "code", "said"), OBSTACLES)
def test_t56_t68_t69_t71_t73_obstacle_of_a_named_strategy_is_a_refusal(
    name: str, asked: Json, facts: Json, code: str, said: str
) -> None:
    wanted = {k: v for k, v in {**ASKED[name], **asked}.items() if v is not None}
    answer = webhook_of(**facts).admit(pod_of(wanted))
    assert not answer.allowed
    assert set(answer.codes) == {code}
    assert said in answer.denial


@pytest.mark.parametrize("path", ["/dev/shm", "/dev/shm/", "//dev//shm", "dev/shm"])
def test_t49_t50_the_authors_shared_memory_is_kept(path: str, webhook: Webhook) -> None:
    pod = pod_of(
        {"strategy": "pvc"},
        container={"volumeMounts": [{"name": "dshm", "mountPath": path}]},
        limit="24Gi",
        volumes=[{"name": "dshm", "emptyDir": {"medium": "Memory", "sizeLimit": "8Gi"}}],
    )
    answer = webhook.admit(pod)
    assert [v["name"] for v in answer.spec["volumes"]] == ["dshm", "modelcache-model"]
    assert answer.memory() == ("24Gi", "24Gi")


@pytest.mark.parametrize(
    "path", ["/", "/models", "/models/", "/models/acme--coder/main/x", "models"]
)
def test_t59_an_occupied_mount_path_is_refused_with_both_paths(path: str, webhook: Webhook) -> None:
    # P1 80
    mounts = [{"name": "a", "mountPath": path}]
    asked = {"strategy": "pvc", "mount_path": "/models/acme--coder/main"}
    answer = webhook.admit(
        pod_of(asked, container={"volumeMounts": mounts}, volumes=[{"name": "a"}])
    )
    assert answer.codes == ["MC009"]
    assert f"at {path}, where /models/acme--coder/main would be mounted" in answer.denial
    advice = "write modelcache.io/mount-path: /modelcache/models/acme--coder/main, or "
    assert f"would be mounted: {'' if path == '/' else advice}remove that mount" in answer.denial


@pytest.mark.parametrize("path", ["/models", "/models/", "/models/acme--coder/main/x", "models"])
def test_a_model_is_mounted_elsewhere_if_the_pod_mounts_something_there(
    path: str, webhook: Webhook
) -> None:
    mounts = [{"name": "a", "mountPath": path}]
    answer = webhook.admit(
        pod_of({"strategy": "pvc"}, container={"volumeMounts": mounts}, volumes=[{"name": "a"}])
    )
    elsewhere = "/modelcache/models/acme--coder/main"
    assert answer.env()["MODELCACHE_PATH"] == elsewhere
    assert [m["mountPath"] for m in answer.container()["volumeMounts"]][:2] == [path, elsewhere]
    assert webhook.admit(answer.admitted, raw=True).adds_nothing


def test_a_model_stays_where_the_first_review_mounted_it(webhook: Webhook) -> None:
    pod = webhook.admit(pod_of({"strategy": "pvc"})).admitted
    late = {"name": "late", "mountPath": "/models/other"}
    pod["spec"]["containers"][0]["volumeMounts"].append(late)
    pod["spec"]["volumes"].append({"name": "late"})
    assert webhook.admit(pod, raw=True).adds_nothing


@pytest.mark.parametrize(
    ("asked", "read_only", "policy", "walked"),
    [
        ({}, "true", None, False),
        ({}, "false", None, True),
        ({}, "false", "Always", False),
        ({"strategy": "hostPath"}, "false", None, False),
    ],
)
def test_t61_fs_group_never_walks_a_store(
    asked: Json, read_only: str, policy: str | None, walked: bool, webhook: Webhook
) -> None:
    security = {"fsGroup": 2000, **({"fsGroupChangePolicy": policy} if policy else {})}
    pod = pod_of(
        {"strategy": "pvc", "read_only": read_only, **asked}, securityContext=dict(security)
    )
    expected = {**security, **({"fsGroupChangePolicy": "OnRootMismatch"} if walked else {})}
    assert webhook.admit(pod).spec["securityContext"] == expected


def test_t79_t80_pods_that_are_left(webhook: Webhook) -> None:
    assert webhook.admit(pod_of({"inject": "false"})).reason == "opted_out"
    mirror = pod_of()
    mirror["metadata"]["annotations"]["kubernetes.io/config.mirror"] = "x"
    assert webhook.admit(mirror).reason == "mirror_pod"
    assert webhook.admit(pod_of(os={"name": "windows"})).reason == "windows"


@pytest.mark.parametrize(
    ("where", "resources"),
    [
        ("container vllm", {"limits": {"memory": "lots"}}),
        ("container vllm", {"requests": {"memory": "1 Gi"}}),
        ("container vllm", {"limits": {"cpu": "two"}}),
    ],
)
def test_a_wrong_quantity_is_named_with_its_container(
    where: str, resources: Json, webhook: Webhook
) -> None:
    answer = webhook.admit(pod_of(in_memory(), container={"resources": resources}), raw=True)
    assert answer.denial.startswith(f"MC021 {where}: ")


def test_amounts_of_other_containers_and_of_the_pod_are_read_too(webhook: Webhook) -> None:
    bad = {"limits": {"memory": "lots"}}
    pod = pod_of(in_memory(), resources={"requests": {"cpu": "x"}})
    pod["spec"]["containers"].append({"name": "proxy", "resources": bad})
    assert webhook.admit(pod, raw=True).codes == ["MC021", "MC021"]
