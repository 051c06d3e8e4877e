"""What the policies do next to finding: kinds, several CachePolicies, changes, and what goes wrong."""

import itertools
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

import pytest

from tests.admission.judging import told
from tests.admission.rules import Row, rows
from tests.admission.test_servers import IMAGES
from tests.cluster.rule_policies.enforced import DENIED, WARNED, Enforced, cache_policy, pod, said
from tests.kubernetes.api import Object
from tests.kubernetes.registration import wait_until
from webhook.admission.containers.servers.recognition import server_of_image
from webhook.admission.policy.rules.subject import MOST_MOUNTS, MOST_VOLUMES, TOO_LARGE
from webhook.custom_resources.definitions import definitions
from webhook.objects.json import Json

BY_NAME: Final = {row.row: row for row in rows()}
TIMES: Final = 20
CLAIM: Final = {"name": "s", "persistentVolumeClaim": {"claimName": "model-store"}}
CACHE: Final = {"name": "h", "hostPath": {"path": "/var/lib/model-cache/x"}}


def rules(mode: str = "enforce", **more: Json) -> Json:
    return {name: {"mode": mode, **parameters} for name, parameters in more.items()}


@pytest.fixture
def mounts(enforced: Enforced) -> Enforced:
    """The API server with the CachePolicies of row R1, enforced."""
    enforced.policies(BY_NAME["R1"].documents("enforce"))
    return enforced


def writing(kind: str = "Pod", **metadata: Any) -> Object:
    obj = BY_NAME["R1"].object("Deployment" if kind in OF_APPS else kind)
    obj["metadata"] |= metadata
    if kind == "ReplicationController":
        obj["spec"]["selector"] = obj["spec"]["selector"]["matchLabels"]
        obj["apiVersion"] = "v1"
    return {**obj, "kind": kind}


OF_APPS: Final = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController")


@pytest.mark.parametrize("kind", [*OF_APPS, "Job", "CronJob"])
def test_the_author_of_any_workload_is_warned_that_its_pods_will_be_refused(
    mounts: Enforced, kind: str
) -> None:
    answer = mounts.dry_run(writing(kind)).expect(201)
    refused, warned = said(answer)
    assert not refused
    assert warned == told(BY_NAME["R1"], "enforce", "Deployment")
    assert warned.startswith("MC110 rule readOnlyMounts of CachePolicy platform: pods will be ")


def test_nothing_is_said_of_what_a_controller_makes_of_a_workload(mounts: Enforced) -> None:
    owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "app", "uid": "1"}
    made = writing("ReplicaSet", ownerReferences=[{**owner, "controller": True}])
    assert said(mounts.dry_run(made).expect(201)) == ("", "")
    owned = writing("ReplicaSet", ownerReferences=[owner])
    assert said(mounts.dry_run(owned).expect(201))[1]


def test_a_pod_of_a_workload_is_refused_whoever_made_it(mounts: Enforced) -> None:
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "app", "uid": "1"}
    made = writing(ownerReferences=[{**owner, "controller": True}], generateName="app-")
    made["metadata"].pop("name")
    assert said(mounts.dry_run(made).expect(403))[0]


def test_containers_that_were_added_earlier_do_not_keep_others_from_being_added(
    enforced: Enforced,
) -> None:
    enforced.policies()
    obj = pod("team", "debugged", volumes=[CLAIM])
    enforced.plane.api.create(obj).expect(201)
    path = "/api/v1/namespaces/team/pods/debugged/ephemeralcontainers"

    def add(name: str, **more: Any) -> Any:
        one = {"name": name, "image": "busybox", **more}
        patch = {"spec": {"ephemeralContainers": [one]}}
        media_type = "application/strategic-merge-patch+json"
        return enforced.plane.api.request("PATCH", path, patch, media_type=media_type)

    mount = [{"name": "s", "mountPath": "/m"}]
    add("early", volumeMounts=mount).expect(200)
    enforced.policies(BY_NAME["R1"].documents("enforce"))
    add("harmless").expect(200)
    assert "container late could write" in said(add("late", volumeMounts=mount).expect(403))[0]
    enforced.plane.api.delete(obj).expect(200)


def test_a_pod_that_breaks_two_policies_hears_of_one_then_of_the_other(enforced: Enforced) -> None:
    """An API server tells only the first denial of several."""
    enforced.policies([
        cache_policy("one", {"rules": rules(readOnlyMounts={})}),
        cache_policy("two", {"rules": rules(hostPathRoots={"roots": ["/var/lib/model-cache"]})}),
    ])  # fmt: skip
    mount = {"name": "h", "mountPath": "/m"}
    container: Json = {"name": "app", "image": "busybox", "volumeMounts": [mount]}
    both = pod("team", volumes=[CACHE], containers=[container])
    first = said(enforced.dry_run(both).expect(403))[0]
    assert len([p for p in ("CachePolicy one", "CachePolicy two") if p in first]) == 1
    mount["readOnly"] = True  # type: ignore[assignment]
    assert "CachePolicy two" in said(enforced.dry_run(both).expect(403))[0]


def test_every_policy_that_warns_is_heard(enforced: Enforced) -> None:
    enforced.policies(
        cache_policy(name, {"rules": rules("warn", readOnlyMounts={})}) for name in ("one", "two")
    )
    warnings = [w for w in enforced.dry_run(writing()).expect(201).warnings if w.startswith(WARNED)]
    assert sorted(w.partition("CachePolicy ")[2][:3] for w in warnings) == ["one", "two"]


@pytest.mark.parametrize(
    ("selector", "selects"),
    [
        ({}, True),
        ({"matchLabels": {"team": "ai"}}, True),
        ({"matchLabels": {"team": "ai", "absent": ""}}, False),
        ({"matchLabels": {"kubernetes.io/metadata.name": "team"}}, True),
        ({"matchExpressions": [{"key": "team", "operator": "In", "values": ["x", "ai"]}]}, True),
        ({"matchExpressions": [{"key": "absent", "operator": "In", "values": ["ai"]}]}, False),
        ({"matchExpressions": [{"key": "team", "operator": "NotIn", "values": ["ai"]}]}, False),
        ({"matchExpressions": [{"key": "absent", "operator": "NotIn", "values": ["ai"]}]}, True),
        ({"matchExpressions": [{"key": "team", "operator": "Exists"}]}, True),
        ({"matchExpressions": [{"key": "absent", "operator": "Exists"}]}, False),
        ({"matchExpressions": [{"key": "absent", "operator": "DoesNotExist"}]}, True),
        ({"matchExpressions": [{"key": "team", "operator": "DoesNotExist"}]}, False),
    ],
)  # fmt: skip
def test_namespaces_are_selected_as_kubernetes_selects(
    enforced: Enforced, selector: Json, selects: bool
) -> None:
    spec = {"namespaceSelector": selector, "rules": rules(readOnlyMounts={})}
    enforced.policies([cache_policy("one", spec)])
    assert enforced.dry_run(writing()).ok == (not selects)


@pytest.mark.parametrize(
    ("glob", "excuses"),
    [
        ("team/app", True), ("team/*", True), ("*/app", True), ("team/ap?", True),
        ("team/ap", False), ("team/a.p", False), ("eam/app", False), ("team/app?", False),
    ],
)  # fmt: skip
def test_a_pattern_excuses_whole_names(enforced: Enforced, glob: str, excuses: bool) -> None:
    enforced.policies([
        cache_policy("one", {"rules": rules(readOnlyMounts={"except": [glob]})})
    ])  # fmt: skip
    assert enforced.dry_run(writing()).ok == excuses


def test_a_change_of_a_policy_acts_within_a_second(enforced: Enforced) -> None:
    enforced.policies()
    obj, took = writing(), []
    for mode in itertools.islice(itertools.cycle(("enforce", "audit")), TIMES):
        changed = cache_policy("one", {"rules": rules(mode, readOnlyMounts={})})
        enforced.plane.api.apply(changed).expect()
        began = time.monotonic()
        while enforced.dry_run(obj).ok != (mode == "audit"):
            assert time.monotonic() - began < 1, mode
        took.append(time.monotonic() - began)
    assert len(took) == TIMES


def test_an_image_is_that_of_a_server_for_the_api_server_if_it_is_for_python(
    enforced: Enforced,
) -> None:
    enforced.policies([cache_policy("one", {"rules": rules("warn", requireModel={})})])
    images = sorted({*itertools.chain(*IMAGES.values()), *LIKE_SERVERS})
    found, wanted = set(), {i for i in images if server_of_image(i).name}
    for some in (images[at : at + 20] for at in range(0, len(images), 20)):
        containers = [{"name": f"c{i}", "image": image} for i, image in enumerate(some)]
        answer = enforced.dry_run(pod("team", containers=containers)).expect(201)
        named = said(answer)[1].partition(": container ")[2].partition(" would ")[0].split(", ")
        found |= {image for i, image in enumerate(some) if f"c{i}" in named}
    assert found == wanted
    assert 60 < len(wanted) < len(images)


LIKE_SERVERS: Final = (
    "busybox", "docker.io/library/nginx:1", "example.com/vllm-router:1", "ghcr.io/open-webui/open-webui:ollama",
    "nvcr.io/nvidia/ai-dynamo/vllm-runtime:0.5", "example.com/vllm-runtime", "ai-dynamo/dynamo-planner",
    "ai-dynamo/dynamo-frontend:1", "sglang-router", "lmsysorg/sglang-router:v1", "tritonserver:24.01-py3-sdk",
    "nvcr.io/nvidia/tritonserver:24.01-py3", "vllm-model-free-nim", "x/vllm@sha256:" + "a" * 64, "kuberay/operator",
)  # fmt: skip


def volumes(number: int) -> list[Json]:
    return [{"name": f"v{i}", "emptyDir": {}} for i in range(number)]


def mounting(number: int) -> list[Json]:
    """Return containers with that many mounts, at most 500 each.

    Kubernetes adds a volume with a token, and a mount of it to each container.
    """
    counts = [min(500, number - at) for at in range(0, number, 500)]
    return [
        {
            "name": f"c{c}",
            "image": "busybox",
            "volumeMounts": [{"name": "v0", "mountPath": f"/m{i}"} for i in range(count)],
        }
        for c, count in enumerate(counts)
    ]


@pytest.mark.parametrize(
    ("spec", "too_large"),
    [
        ({"volumes": volumes(MOST_VOLUMES - 1)}, False),
        ({"volumes": volumes(MOST_VOLUMES)}, True),
        ({"volumes": volumes(1), "containers": mounting(MOST_MOUNTS - 5)}, False),
        ({"volumes": volumes(1), "containers": mounting(MOST_MOUNTS - 4)}, True),
    ],
    ids=["most volumes", "more volumes", "most mounts", "more mounts"],
)
def test_a_pod_that_is_too_large_to_judge_is_refused_and_told_so(
    enforced: Enforced, spec: Json, too_large: bool
) -> None:
    row = Row(
        row="large", what="", rule="readOnlyMounts", by="state", finds=too_large,
        more={"rules": rules(hostPathRoots={"roots": ["/models"]})},
        volumes=spec["volumes"],
    )  # fmt: skip
    obj = row.object("Pod")
    obj["spec"] |= spec
    enforced.policies(row.documents("enforce"))
    refused = said(enforced.dry_run(obj))[0]
    assert refused.count(TOO_LARGE) == (2 if too_large else 0)
    if too_large:
        row = replace(row, volumes=volumes(MOST_VOLUMES + 1))
        assert refused == told(row, "enforce", "Pod")


DECOYS: Final = [{"name": f"modelcache-model{i}", "emptyDir": {}} for i in range(MOST_VOLUMES - 2)]


@pytest.mark.parametrize(
    "more",
    [
        {"args": ["x" * 200_000], "image": "vllm/vllm-openai:v1"},
        {"env": [{"name": f"N{i}", "value": "x"} for i in range(10_000)], "image": "vllm/vllm"},
        {"image": "vllm/" + "x" * 50_000},
    ],
    ids=["a long argument", "many variables", "a long image"],
)
def test_work_that_an_api_server_does_not_finish_does_not_hide_a_mount_that_writes(
    enforced: Enforced, more: Json
) -> None:
    enforced.policies([
        cache_policy("one", {"rules": rules(
            readOnlyMounts={}, requireModel={"detect": "either"},
            hostPathRoots={"roots": [f"/some/long/path/for/models/{i}" for i in range(16)]},
        )})
    ])  # fmt: skip
    decoys = [{"name": "v0", "mountPath": f"/m{i}"} for i in range(MOST_MOUNTS - 1)]
    mount = {"name": "s", "mountPath": "/bad"}
    container = {"name": "app", "image": "busybox", "volumeMounts": [*decoys, mount], **more}
    obj = pod("team", containers=[container], volumes=[*volumes(1), *DECOYS, CLAIM])
    answer = enforced.dry_run(obj).expect(403)
    assert DENIED in answer.message


def test_findings_that_are_too_long_for_a_message_refuse_the_pod_all_the_same(
    mounts: Enforced,
) -> None:
    mount = [{"name": "s", "mountPath": "/m"}]
    containers = [
        {"name": f"{'c' * 58}-{i}", "image": "busybox", "volumeMounts": mount} for i in range(100)
    ]
    obj = pod("team", volumes=[CLAIM], containers=containers)
    assert "modelcache check shows it" in said(mounts.dry_run(obj).expect(403))[0]


def test_the_api_server_finds_no_fault_in_the_types_of_the_expressions(enforced: Enforced) -> None:
    version = "admissionregistration.k8s.io/v1"

    def checked() -> list[Object]:
        return [
            one["status"]
            for one in enforced.plane.api.list(version, "ValidatingAdmissionPolicy")
            if one["metadata"]["name"].startswith("modelcache-rules-")
            and one["status"].get("observedGeneration")
        ]

    wait_until(lambda: len(checked()) == 3, "the types are checked", 60)
    assert [status.get("typeChecking") for status in checked()] == [{}] * 3


@pytest.fixture
def without_definition(enforced: Enforced) -> Iterator[Enforced]:
    """The API server without the definition of CachePolicy, which comes back after the test."""
    [definition] = [d for d in definitions() if d["spec"]["names"]["kind"] == "CachePolicy"]
    enforced.policies(BY_NAME["R1"].documents("enforce"))
    enforced.plane.api.delete(definition).expect(200)
    wait_until(lambda: enforced.dry_run(writing()).ok, "the definition is gone")
    yield enforced
    enforced.plane.api.apply(definition).expect()
    wait_until(
        lambda: enforced.plane.api.apply(cache_policy("back", {})).ok, "the definition is back"
    )
    enforced.policies(BY_NAME["R1"].documents("audit"))
    enforced.policies(BY_NAME["R1"].documents("enforce"))


def test_without_the_definition_pods_are_created_and_with_it_rules_hold_again(
    without_definition: Enforced,
) -> None:
    for _ in range(TIMES):
        without_definition.dry_run(pod("team")).expect(201)
