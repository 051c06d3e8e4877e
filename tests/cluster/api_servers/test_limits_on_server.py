"""Amounts of memory as the API server sees them: LimitRange, quota, pod level, QoS class.

A model and /dev/shm in memory count against limits, so an injected pod requests more than its author
wrote. In each case here the API server's plugins decide. The webhook has no access to the cluster
and knows none of these limits.

In rows T a server vllm has its model in memory, on a volume V of 16Gi (size 15.2Gi). The loader has
16Gi + 512Mi. There is no /dev/shm unless S is given.
"""

import copy
import os
from decimal import Decimal
from typing import Any, Final

import pytest

from tests.kubernetes.api import Answer, Object
from tests.kubernetes.control_plane import ControlPlane
from tests.kubernetes.registration import NamespaceFactory, create_namespace, wait_until
from tests.kubernetes.server import Webhook, WebhookFactory

PREFIX: Final = "modelcache.io/"
GI: Final = 2**30
MI: Final = 2**20
UNITS: Final = {"Ki": 2**10, "Mi": MI, "Gi": GI, "k": 10**3, "M": 10**6, "G": 10**9}
LOADER: Final = 16896 * MI


def amount(text: str) -> int:
    """Return a quantity in bytes. The API server chooses the notation, so the test parses it itself."""
    for suffix, factor in UNITS.items():
        if text.endswith(suffix):
            return int(Decimal(text.removesuffix(suffix)) * factor)
    return int(text)


def resources(memory: str = "", limit: str = "", cpu: str = "", cpu_limit: str = "") -> Object:
    """Return requests and limits, without empty ones."""
    requests = {k: v for k, v in (("memory", memory), ("cpu", cpu)) if v}
    limits = {k: v for k, v in (("memory", limit), ("cpu", cpu_limit)) if v}
    return {k: v for k, v in (("requests", requests), ("limits", limits)) if v}


def pod(
    where: str, *containers: Object, shm: str = "0", level: Object | None = None, **more: str
) -> Object:
    """Return a pod that requests a model in memory; its first container is the target."""
    asked = {"model": "example-org/model", "strategy": "emptyDir", "size": "15.2Gi"}
    asked |= {"shm-size": shm, "target": "vllm", **more}
    named = [
        {"name": name, "image": "vllm/vllm-openai:v0.11.0" if name == "vllm" else "envoy", **c}
        for name, c in zip(("vllm", "proxy"), containers, strict=False)
    ]
    spec: Object = {"containers": named, **({"resources": level} if level else {})}
    metadata = {
        "generateName": "p-",
        "namespace": where,
        "annotations": {PREFIX + key: value for key, value in asked.items()},
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def server(*amounts: str) -> Object:
    """Return a container with these amounts."""
    return {"resources": resources(*amounts)}


def unasked(obj: Object) -> Object:
    """Return the same pod without annotations."""
    copied = copy.deepcopy(obj)
    del copied["metadata"]["annotations"]
    return copied


def memory(of: Object) -> tuple[int | None, int | None]:
    """Return request and limit of memory, in bytes."""
    found = [of.get("resources", {}).get(kind, {}).get("memory") for kind in ("requests", "limits")]
    request, limit = (None if text is None else amount(text) for text in found)
    return request, limit


def named(answer: Answer, name: str) -> Object:
    """Return a container of the pod in the answer."""
    spec = answer.body["spec"]
    (found,) = [c for c in spec["containers"] + spec["initContainers"] if c["name"] == name]
    container: Object = found
    return container


@pytest.fixture(scope="module")
def where(cluster: ControlPlane, webhook: Webhook) -> str:
    """A namespace without limits, with the webhook registered."""
    return create_namespace(cluster, f"limits-{os.getpid()}")


CASES: Final[dict[str, tuple[Object, str, tuple[int | None, int | None]]]] = {
    "t1": (server("24Gi", "24Gi", "8", "8"), "0", (40 * GI, 40 * GI)),
    "t2": (server("24Gi", "24Gi", "8", "8"), "2Gi", (42 * GI, 42 * GI)),
    "t3": (server("8Gi", "24Gi"), "2Gi", (24 * GI, 42 * GI)),
    # The API server has set the request to the limit before it calls the webhook.
    "t4": (server("", "24Gi", "", "8"), "0", (40 * GI, 40 * GI)),
    "t6": (server("8Gi"), "0", (24 * GI, None)),
    "t7": ({}, "0", (None, None)),
    "t22": (server("20G", "20G"), "0", (20 * 10**9 + 16 * GI,) * 2),
    "t23": (server("1.5Gi", "1.5Gi"), "0", (17920 * MI, 17920 * MI)),
    "t24": (server("25769803776", "25769803776"), "0", (40 * GI, 40 * GI)),
}


@pytest.mark.parametrize("row", CASES)
def test_the_target_is_stored_with_what_it_had_and_what_tmpfs_takes(
    cluster: ControlPlane, where: str, row: str
) -> None:
    container, shm, expected = CASES[row]
    answer = cluster.api.create(pod(where, container, shm=shm)).expect(201)
    assert memory(named(answer, "vllm")) == expected
    assert memory(named(answer, "modelcache-loader")) == (LOADER, LOADER)


def test_t22_bytes_stay_exact_if_v_is_not_a_round_number(cluster: ControlPlane, where: str) -> None:
    obj = pod(where, server("20G", "20G"), size="16060522496")
    answer = cluster.api.create(obj, dry_run=True).expect(201)
    assert memory(named(answer, "vllm")) == (36_911_433_728, 36_911_433_728)


# T5: nothing has defaulted the template of a workload; its pods are what counts.
def test_t5_a_template_with_a_limit_alone_makes_pods_that_request_all_of_it(
    cluster: ControlPlane, where: str
) -> None:
    obj = pod(where, server("", "24Gi"))
    template = {
        "metadata": {**obj["metadata"], "labels": {"app": "t5"}},
        "spec": {**obj["spec"], "restartPolicy": "Never"},
    }
    del template["metadata"]["generateName"], template["metadata"]["namespace"]
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "t5", "namespace": where}}
    cluster.api.create({**job, "spec": {"template": template}}).expect(201)

    def pods() -> list[Object]:
        return cluster.api.list("v1", "Pod", where, labelSelector="app=t5")

    wait_until(lambda: bool(pods()), "the Job's pod")
    assert memory(pods()[0]["spec"]["containers"][0]) == (40 * GI, 40 * GI)


QOS: Final[dict[str, tuple[Object, Object | None, str]]] = {
    "Guaranteed": (server("24Gi", "24Gi", "8", "8"), None, "Guaranteed"),
    "Guaranteed by its limits alone": (server("", "24Gi", "", "8"), None, "Guaranteed"),
    "Burstable": (server("8Gi", "24Gi"), None, "Burstable"),
    "Burstable without a limit": (server("8Gi"), None, "Burstable"),
    "Guaranteed by the pod level": ({}, resources("32Gi", "32Gi", "8", "8"), "Guaranteed"),
    "Burstable by the pod level": (
        server("8Gi", "30Gi"),
        resources("16Gi", "32Gi", "4", "8"),
        "Burstable",
    ),
}


@pytest.mark.parametrize("shm", ["0", "2Gi"])
@pytest.mark.parametrize("kind", QOS)
def test_the_qos_class_is_that_of_the_same_pod_without_annotations(
    cluster: ControlPlane, where: str, kind: str, shm: str
) -> None:
    container, level, expected = QOS[kind]
    obj = pod(where, container, shm=shm, level=level)
    found = [cluster.api.create(each).expect(201).body for each in (unasked(obj), obj)]
    assert [each["status"]["qosClass"] for each in found] == [expected, expected]


# T7: the loader must reserve what it fills, so the one class that changes is the lowest.
def test_t7_a_best_effort_pod_becomes_burstable_with_a_warning(
    cluster: ControlPlane, where: str
) -> None:
    obj = pod(where, {})
    assert cluster.api.create(unasked(obj)).body["status"]["qosClass"] == "BestEffort"
    answer = cluster.api.create(obj).expect(201)
    assert answer.body["status"]["qosClass"] == "Burstable"
    assert any(text.startswith("MC106 ") for text in answer.warnings)


def limit_range(plane: ControlPlane, where: str, **item: Any) -> None:
    """Put a LimitRange in force in *where*; the API server reads it from a cache."""
    metadata = {"name": "bounds", "namespace": where}
    obj = {
        "apiVersion": "v1",
        "kind": "LimitRange",
        "metadata": metadata,
        "spec": {"limits": [item]},
    }
    plane.api.create(obj).expect(201)
    probe = unasked(pod(where, {"resources": {"limits": {"memory": "1000Gi"}, "requests": {}}}))
    probe["spec"]["containers"][0]["resources"]["requests"] = {"memory": "1Mi"}
    wait_until(lambda: plane.api.create(probe, dry_run=True).code == 403, "the LimitRange acts")


def test_t9_a_limit_range_of_containers_refuses_the_raised_limit(
    cluster: ControlPlane, webhook: Webhook, namespace: NamespaceFactory
) -> None:
    # P1 73
    where = namespace()
    limit_range(cluster, where, type="Container", max={"memory": "32Gi"})
    obj = pod(where, server("24Gi", "24Gi"))
    assert cluster.api.create(unasked(obj), dry_run=True).code == 201
    answer = cluster.api.create(obj).expect(403)
    assert "maximum memory usage per Container is 32Gi, but limit is 40Gi" in answer.message


def test_t10_and_t11_a_limit_range_of_pods_counts_the_loader_too(
    cluster: ControlPlane, webhook: Webhook, namespace: NamespaceFactory
) -> None:
    where = namespace()
    limit_range(cluster, where, type="Pod", max={"memory": "48Gi"})
    containers = server("24Gi", "24Gi"), server("8Gi", "8Gi")
    # 40Gi + 8Gi; the loader used its 16896Mi before, out of the same amount.
    answer = cluster.api.create(pod(where, *containers)).expect(201)
    assert memory(named(answer, "vllm")) == (40 * GI, 40 * GI)
    assert memory(named(answer, "proxy")) == (8 * GI, 8 * GI)
    more = cluster.api.create(pod(where, *containers, shm="2Gi")).expect(403)
    assert "maximum memory usage per Pod is 48Gi, but limit is" in more.message


def test_t12_the_ratio_of_limit_to_request_stays_below_what_the_namespace_allows(
    cluster: ControlPlane, webhook: Webhook, namespace: NamespaceFactory
) -> None:
    where = namespace()
    limit_range(cluster, where, type="Container", maxLimitRequestRatio={"memory": "2"})
    answer = cluster.api.create(pod(where, server("8Gi", "16Gi"))).expect(201)
    assert memory(named(answer, "vllm")) == (24 * GI, 32 * GI)
    # The same by hand, with the limit alone raised:
    alone = cluster.api.create(unasked(pod(where, server("8Gi", "32Gi")))).expect(403)
    assert "limit to request ratio per Container is 2, but provided ratio is 4" in alone.message


def test_defaults_of_a_limit_range_are_what_is_raised(
    cluster: ControlPlane, webhook: Webhook, namespace: NamespaceFactory
) -> None:
    # P1 73a
    where = namespace()
    defaults = {"default": {"memory": "24Gi"}, "defaultRequest": {"memory": "8Gi"}}
    limit_range(cluster, where, type="Container", max={"memory": "64Gi"}, **defaults)
    answer = cluster.api.create(pod(where, {})).expect(201)
    assert memory(named(answer, "vllm")) == (24 * GI, 40 * GI)
    assert memory(named(answer, "modelcache-loader")) == (LOADER, LOADER)


def test_t14_a_quota_of_limits_counts_the_loaders(
    cluster: ControlPlane, webhook: Webhook, namespace: NamespaceFactory
) -> None:
    # P1 74
    where = namespace()
    kind = {"apiVersion": "v1", "kind": "ResourceQuota"}
    metadata = {"name": "memory", "namespace": where}
    quota = {**kind, "metadata": metadata, "spec": {"hard": {"limits.memory": "60Gi"}}}
    cluster.api.create(quota).expect(201)

    def used() -> str:
        body = cluster.api.get("v1", "ResourceQuota", "memory", where).body
        return str(body.get("status", {}).get("used", {}).get("limits.memory", ""))

    wait_until(lambda: used() == "0", "the quota is counted")
    obj = pod(where, server("24Gi", "24Gi"))
    kept = cluster.api.create(obj).expect(201).body
    wait_until(lambda: used() == "40Gi", "the pod is counted as its containers, not its loader")
    second = cluster.api.create(obj).expect(403)
    assert "exceeded quota: memory, requested: limits.memory=40Gi, used: limits.memory=40Gi" in (
        second.message
    )
    # The same pod with a loader without a limit, as most init containers are written.
    stripped = {**kept, "metadata": {"generateName": "s-", "namespace": where}}
    stripped["spec"]["initContainers"][0]["resources"] = {}
    refused = cluster.api.create(stripped).expect(403)
    assert "must specify limits.memory for: modelcache-loader" in refused.message


# T36, T39
@pytest.mark.parametrize(("shm", "expected"), [("0", 48 * GI), ("2Gi", 50 * GI)])
def test_t36_the_pod_level_is_raised_if_it_limits_the_pod(
    cluster: ControlPlane, where: str, shm: str, expected: int
) -> None:
    # P1 75
    level = resources("32Gi", "32Gi", "8", "8")
    answer = cluster.api.create(pod(where, {}, shm=shm, level=level)).expect(201)
    assert memory(answer.body["spec"]) == (expected, expected)
    assert memory(named(answer, "vllm")) == (None, None)
    assert memory(named(answer, "modelcache-loader")) == (64 * MI, LOADER)
    assert answer.body["status"]["qosClass"] == "Guaranteed"


def test_t37_the_target_below_a_pod_level_keeps_its_own(cluster: ControlPlane, where: str) -> None:
    level = resources("16Gi", "32Gi")
    answer = cluster.api.create(pod(where, server("8Gi", "30Gi"), level=level)).expect(201)
    assert memory(answer.body["spec"]) == (32 * GI, 48 * GI)
    assert memory(named(answer, "vllm")) == (8 * GI, 30 * GI)


LEVELS: Final[list[Object]] = [
    resources("", "32Gi"),
    resources("32Gi"),
    resources("24Gi", "32Gi"),
    resources("32Gi", "32Gi"),
    resources("30Gi", "30Gi", "8", "8"),
]
TARGETS: Final[list[Object]] = [
    {},
    server("8Gi"),
    server("", "24Gi"),
    server("8Gi", "30Gi"),
    server("24Gi", "24Gi"),
    server("24Gi", "24Gi", "4", "8"),
]


PROXIES: Final[list[list[Object]]] = [[], [server("2Gi", "2Gi")], [{}]]


# T39: a target above its pod, or containers that ask for more than it, are never produced.
@pytest.mark.parametrize("mode", ["add", "ensure", "none"])
@pytest.mark.parametrize("shm", ["0", "4Gi"])
@pytest.mark.parametrize("level", LEVELS, ids=str)
def test_t39_consistent_amounts_of_the_pod_level_stay_consistent(
    cluster: ControlPlane, where: str, level: Object, shm: str, mode: str
) -> None:
    accepted = 0
    for target in TARGETS:
        for proxy in PROXIES:
            obj = pod(where, target, *proxy, shm=shm, level=level, memory=mode)
            if cluster.api.create(unasked(obj), dry_run=True).code == 201:
                answer = cluster.api.create(obj, dry_run=True)
                assert answer.code == 201, (target, proxy, answer.message)
                accepted += 1
    assert accepted


SMALL: Final[dict[str, tuple[Object, Object]]] = {
    "a pod with less cpu than a loader takes": ({}, resources("", "", "500m", "500m")),
    "a pod without cpu": (server("1500M", "24Gi"), resources("", "", "0", "0")),
    "a target with less cpu than a loader takes": (
        server("1Mi", "1Mi", "1m", "1m"),
        resources("1Gi", "1Gi", "8", "8"),
    ),
    "a target without cpu": (server("1Mi", "1Mi", "0", "0"), resources("1Gi", "1Gi", "8", "8")),
    "a pod with less memory than a gate takes": ({}, resources("32Mi", "32Mi", "1", "1")),
    "a pod with limits alone": ({}, resources("", "32Gi", "", "8")),
    "a pod that asks for less cpu than its limit": (
        server("1Gi", "24Gi", "100m", "0.5"),
        resources("", "", "", "500m"),
    ),
    "a pod whose cpu is a limit alone": ({}, resources("32Gi", "32Gi", "", "8")),
}


# T39: our init containers too must fit below the pod, and leave its class as it was.
@pytest.mark.parametrize("strategy", ["emptyDir", "pvc"])
@pytest.mark.parametrize("kind", SMALL)
def test_t39_our_init_containers_fit_below_a_small_pod_level(
    cluster: ControlPlane, where: str, kind: str, strategy: str
) -> None:
    target, level = SMALL[kind]
    obj = pod(where, target, level=level, strategy=strategy, verify="true")
    before = cluster.api.create(unasked(obj), dry_run=True).expect(201).body
    answer = cluster.api.create(obj, dry_run=True).expect(201)
    assert answer.body["spec"]["initContainers"]
    assert answer.body["status"]["qosClass"] == before["status"]["qosClass"]
    if strategy == "pvc":  # nothing is in memory, so the pod's amounts stay
        for amounts in ("requests", "limits"):
            had = before["spec"]["resources"][amounts]
            assert had.items() <= answer.body["spec"]["resources"][amounts].items()


def test_a_limit_of_0_is_no_limit_and_stays_absent(cluster: ControlPlane, where: str) -> None:
    obj = pod(where, server("", "0", "1", "1"))
    answer = cluster.api.create(obj, dry_run=True).expect(201)
    assert memory(named(answer, "vllm")) == (0, 0)
    assert any(text.startswith("MC104 ") for text in answer.warnings)


def test_t39_memory_ensure_never_requests_more_than_the_pods_limit(
    cluster: ControlPlane, where: str
) -> None:
    obj = pod(
        where,
        server("300Mi", "300Mi"),
        shm="2Gi",
        level=resources("301Mi", "301Mi"),
        strategy="pvc",
        memory="ensure",
    )
    answer = cluster.api.create(obj, dry_run=True).expect(201)
    request, limit = memory(answer.body["spec"])
    assert request == limit == 2561 * MI


# T41: before 1.34 the field is there and vanishes after us, so containers are what counts.
def test_t41_only_containers_count_on_an_older_server(
    old_cluster: ControlPlane, webhook_on: WebhookFactory
) -> None:
    webhook_on(old_cluster, "1.33")
    level = resources("60Gi", "60Gi")
    obj = pod("default", server("24Gi", "24Gi"), level=level)
    answer = old_cluster.api.create(obj, dry_run=True).expect(201)
    assert memory(named(answer, "vllm")) == (40 * GI, 40 * GI)
    assert memory(named(answer, "modelcache-loader")) == (LOADER, LOADER)
    assert memory(answer.body["spec"]) == (60 * GI, 60 * GI)
