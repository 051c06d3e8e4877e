"""LimitRange and ResourceQuota: refusals that the webhook predicts."""

import pytest

from tests.admission.admitting import Json, Webhook, facts_of, in_memory, pod_of


def answer_under(facts: Json, limit: str = "24Gi", shm: str = "0") -> tuple[bool, list[str]]:
    pod = pod_of(in_memory(shm_size=shm), limit=limit)
    answer = Webhook(facts=facts_of(facts)).admit(pod)
    return answer.allowed, answer.codes


@pytest.mark.parametrize(
    ("kind", "most", "allowed"),
    [
        ("Container", "32Gi", False),
        ("Container", "40Gi", True),
        ("Pod", "39Gi", False),
        ("Pod", "40Gi", True),
        ("PersistentVolumeClaim", "1Gi", True),
    ],
)
def test_t9_maximum(kind: str, most: str, allowed: bool) -> None:
    facts = {"limit_ranges": [{"name": "limits", "type": kind, "maximum": {"memory": most}}]}
    assert answer_under(facts) == (allowed, [] if allowed else ["MC015"])


@pytest.mark.parametrize(("shm", "allowed"), [("0", True), ("2Gi", False)])
def test_t10_t11_the_maximum_of_a_pod_limits_its_sum(shm: str, allowed: bool) -> None:
    facts = {"limit_ranges": [{"name": "limits", "type": "Pod", "maximum": {"memory": "48Gi"}}]}
    pod = pod_of(in_memory(shm_size=shm), limit="24Gi")
    pod["spec"]["containers"].append({"name": "proxy", "resources": {"limits": {"memory": "8Gi"}}})
    assert Webhook(facts=facts_of(facts)).admit(pod).allowed is allowed


def test_the_loader_is_compared_with_the_maximum_too() -> None:
    facts = {"limit_ranges": [{"name": "l", "type": "Container", "maximum": {"memory": "16Gi"}}]}
    answer = Webhook(facts=facts_of(facts)).admit(pod_of(in_memory()))
    assert "modelcache-loader needs 16896Mi" in answer.denial


def test_containers_of_others_are_left_alone() -> None:
    facts = {"limit_ranges": [{"name": "l", "type": "Container", "maximum": {"memory": "40Gi"}}]}
    pod = pod_of(in_memory(), limit="24Gi")
    pod["spec"]["containers"].append({"name": "proxy", "resources": {"limits": {"memory": "64Gi"}}})
    assert Webhook(facts=facts_of(facts)).admit(pod).allowed


def test_t12_ratio_is_left_to_the_api_server() -> None:
    facts = {"limit_ranges": [{"name": "l", "type": "Container", "ratio": {"memory": "2"}}]}
    answer = Webhook(facts=facts_of(facts)).admit(pod_of(in_memory(), request="8Gi", limit="16Gi"))
    assert answer.memory() == ("24Gi", "32Gi")


@pytest.mark.parametrize(
    ("hard", "used", "codes"),
    [
        ({"limits.memory": "64Gi"}, {"limits.memory": "24Gi"}, []),
        ({"limits.memory": "64Gi"}, {"limits.memory": "25Gi"}, ["MC112"]),
        ({"requests.memory": "30Gi"}, {}, ["MC112"]),
        ({"requests.memory": "1Gi"}, {"requests.memory": "2Gi"}, ["MC112"]),
        ({"requests.cpu": "1"}, {}, []),
    ],
)
def test_t14_small_quota_is_a_warning(hard: Json, used: Json, codes: list[str]) -> None:
    facts = {"quotas": [{"name": "team", "hard": hard, "used": used}]}
    assert answer_under(facts) == (True, codes)
