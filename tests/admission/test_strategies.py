"""Each strategy: what it adds to the pod, and what conflicts with it."""

from typing import Any

import pytest

from tests.admission.admitting import (
    Json,
    Webhook,
    cached_model,
    facts_of,
    in_memory,
    pod_of,
    policy_of,
)
from webhook.admission.strategies import STRATEGIES
from webhook.models.layout import node_label
from webhook.objects.facts import CLAIMS

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


def ready(status: str, reason: str, message: str = "") -> Json:
    when = "2026-01-01T00:00:00Z"
    return {"type": "Ready", "status": status, "reason": reason, "message": message,
            "lastTransitionTime": when, "observedGeneration": 1}  # fmt: skip


OBSTACLES: list[tuple[str, Json, Json, str, str]] = [
    ("pvc", {}, claims(access_modes=["ReadWriteOncePod"]), "MC005", "ReadWriteOncePod"),
    ("pvc", {}, claims(access_modes=[]), "MC005", "has access modes none"),
    ("pvc", {}, claims(phase="Lost"), "MC005", "is Lost: its volume is gone"),
    ("pvc", {}, claims(access_modes=["ReadWriteOncePod"], phase="Pending"), "MC005", "ReadWriteOncePod"),
    ("hostPath", {}, BASELINE, "MC006", "pod-security.kubernetes.io/enforce=baseline"),
    ("hostPath", {}, RESTRICTED, "MC006", "pod-security.kubernetes.io/enforce=restricted"),
    ("hostPath", {}, {"nodes": [], **BASELINE}, "MC006", "forbids hostPath"),
    ("hostPath", {"host_path": "/var/lib"}, {}, "MC013", "is not at or below /var/lib/model-cache"),
    ("hostPath", {"host_path": "/var/lib/model-cache-2"}, {}, "MC013", "is not at or below"),
    ("hostPath", {"placement": "required", "model": "acme/coder"}, {}, "MC018", "pinned to a commit"),
    ("emptyDir", {"size": None}, {}, "MC003", 'the size of "acme/coder" is not known'),
    ("emptyDir", {}, claims(phase="Lost"), "MC005", "is Lost"),
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


WAITING: list[tuple[str, Json, Json, list[str]]] = [
    ("pvc", {}, {"claims": {}}, ['MC137: the pod waits, because "model-store" does not exist']),
    ("pvc", {}, claims(phase="Pending"), ['MC137: the pod waits, because "model-store" is Pending']),
    ("pvc", {}, claims(access_modes=["ReadWriteOnce"]), ['MC140: "model-store" is ReadWriteOnce']),
    ("pvc", {}, claims(access_modes=["ReadWriteOnce"], phase="Pending"), ["MC140: ", "MC137: "]),
    ("pvc", {}, claims(access_modes=["ReadWriteOnce", "ReadOnlyMany"]), []),
    ("pvc", {}, claims(access_modes=None, phase=None), []),
    ("pvc", {}, {"claims": None}, []),
    ("hostPath", {}, {"nodes": []}, ["MC138: the pod waits, because no node of 0 has the label "]),
    ("hostPath", {"model": "acme/coder"}, {"nodes": []}, []),
    ("hostPath", {}, {"nodes": None}, []),
    ("emptyDir", {}, {"claims": {}}, ['MC137: the pod waits, because "model-store" does not exist']),
    ("emptyDir", {"load_from": "node", "model": f"acme/coder@{COMMIT}"}, {"nodes": []}, ["MC138: "]),
    ("emptyDir", {"load_from": "source"}, {"claims": {}, "nodes": []}, []),
    ("image", {}, {"claims": {}, "nodes": [], "kube_version": "1.35"}, []),
]  # fmt: skip


@pytest.mark.parametrize(("name", "asked", "facts", "said"), WAITING)
def test_t56_what_time_can_mend_is_waited_for(
    name: str, asked: Json, facts: Json, said: list[str]
) -> None:
    answer = webhook_of(**facts).admit(pod_of({**ASKED[name], **asked}, limit="24Gi"))
    assert answer.response["auditAnnotations"] == {"strategy": name}
    warnings = [w.split(" ", 1)[0] + ": " + w.split(": ", 1)[1] for w in answer.warnings]
    assert len(warnings) == len(said)
    for warning, beginning in zip(warnings, said, strict=True):
        assert warning.startswith(beginning)


def test_every_label_that_a_node_must_have_is_named() -> None:
    both = {**ASKED["hostPath"], "model": f"acme/coder@{COMMIT}, acme/draft@{COMMIT}"}
    one_each = [{label(name): "ready"} for name in ("acme/coder", "acme/draft")]
    answer = webhook_of(nodes=one_each).admit(pod_of(both))
    (warning,) = [w for w in answer.warnings if w.startswith("MC138")]
    labels = [label(name) for name in ("acme/coder", "acme/draft")]
    assert f"no node of 2 has the labels {', '.join(labels)}: load" in warning
    assert f"(kubectl get nodes -l {labels[0]}=ready,{labels[1]}=ready)" in warning
    holding = dict.fromkeys(labels, "ready")
    assert "MC138" not in webhook_of(nodes=[*one_each, holding]).admit(pod_of(both)).codes


def label(repository: str) -> str:
    return node_label(repository, COMMIT)


STATES: list[tuple[Json, list[str]]] = [
    ({}, []),
    ({"conditions": [ready("True", "Ready")]}, []),
    ({"conditions": [ready("Unknown", "Pending")]}, []),
    ({"conditions": [ready("False", "Loading", "62 %")]}, ["Loading, 62 %"]),
    ({"conditions": [ready("False", "Failed", "x" * 200)]}, ["Failed, " + "x" * 72]),
    ({"conditions": [ready("False", "Pending")]}, ["Pending"]),
    ({"conditions": [{**ready("False", "Moved"), "type": "Current"}]}, []),
    ({"conditions": [ready("False", "Partial")]}, []),
    ({"conditions": [ready("False", "Stale")]}, []),
    ({"conditions": [ready("False", "Failed")], "stores": [
        {"name": "a", "state": "Failed"}, {"name": "b", "state": "Ready"}]}, []),
    ({"conditions": [ready("False", "Failed")], "stores": [
        {"name": "a", "state": "Failed"}, {"name": "b", "state": "Loading"}]}, ["Failed"]),
]  # fmt: skip


@pytest.mark.parametrize(("status", "said"), STATES)
def test_a_model_that_no_store_holds_yet_is_waited_for(status: Json, said: list[str]) -> None:
    policy = policy_of(cached_model("coder", "acme/coder", status=status))
    answer = Webhook(policy=policy).admit(pod_of({**ASKED["pvc"], "model": "coder"}))
    assert answer.warnings == [
        'MC139 modelcache.io/model: the pod waits, because "coder" is not loaded yet: '
        f"{words} (kubectl describe cachedmodel coder)"
        for words in said
    ]


@pytest.mark.parametrize(
    ("name", "asked", "facts", "codes"),
    [
        ("pvc", {}, {}, ["MC139"]),
        ("pvc", {}, {"claims": {}}, ["MC139", "MC137"]),
        ("emptyDir", {}, {}, ["MC139"]),
        ("emptyDir", {"load_from": "source"}, {}, []),
        ("hostPath", {}, {}, ["MC139"]),
        ("hostPath", {}, {"nodes": []}, ["MC138"]),
        ("hostPath", {}, {"nodes": [{node_label("acme/coder", COMMIT): "ready"}]}, []),
        ("image", {}, {}, []),
    ],
)
def test_a_model_that_is_loading_is_waited_for_where_nothing_else_says_that_it_is_there(
    name: str, asked: Json, facts: Json, codes: list[str]
) -> None:
    status = {"conditions": [ready("False", "Loading")]}
    policy = policy_of(cached_model("coder", f"acme/coder@{COMMIT}", status=status))
    webhook = Webhook(policy=policy, facts=facts_of({"kube_version": "1.35", **facts}))
    pod = pod_of({**ASKED[name], "model": "coder", **asked}, limit="24Gi")
    assert webhook.admit(pod).codes == codes


STALE: list[tuple[str, Json, Json, list[str]]] = [
    ("pvc", {}, {}, ["claims"]),
    ("hostPath", {}, {}, ["namespaces", "nodes"]),
    ("hostPath", {"model": "acme/coder"}, {}, ["namespaces"]),
    ("emptyDir", {}, {}, ["claims"]),
    ("emptyDir", {"load_from": "node", "model": f"acme/coder@{COMMIT}"}, {}, ["namespaces", "nodes"]),
    ("emptyDir", {"load_from": "source"}, {}, []),
    ("image", {}, {"kube_version": "1.35"}, []),
    ("image", {}, {"kube_version": "1.32", "image_volumes": True}, ["namespaces"]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "asked", "facts", "kinds"), STALE)
def test_facts_that_could_not_be_looked_at_are_named_if_the_strategy_depends_on_them(
    name: str, asked: Json, facts: Json, kinds: list[str]
) -> None:
    stale = {CLAIMS: "3 min", "nodes": "3 min", "namespaces": "3 min"}
    answer = webhook_of(**facts, stale=stale).admit(pod_of({**ASKED[name], **asked}, limit="24Gi"))
    assert answer.warnings == [
        f"MC143 modelcache.io/strategy: {kind} could not be looked at for 3 min, so it is not "
        "known if the pod can start"
        for kind in kinds
    ]


def test_a_second_review_says_nothing_of_facts_that_have_become_stale() -> None:
    pod = webhook_of().admit(pod_of(ASKED["pvc"])).admitted
    later = webhook_of(stale={CLAIMS: "3 min"}).admit(pod, raw=True)
    assert later.adds_nothing
    assert later.warnings == []


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
