"""The table of webhook/admission/memory.py, line for line, and the sums of whole pods."""

from typing import Any

import pytest

from tests.admission.admitting import Webhook, amounts, facts_of, in_memory, named, pod_of
from webhook.admission.ledger import restored
from webhook.admission.memory import OVERHEAD, Amount, correct, pod_memory, volume_size
from webhook.objects.container import Resources
from webhook.values.quantity import GI, LARGEST, MI, Quantity

V, S = Quantity(16 * GI), Quantity(2 * GI)


def amount(request: str | None, limit: str | None) -> Amount:
    return Amount(*(None if a is None else Quantity.parse(a) for a in (limit, request)))


def shown(found: Amount | None) -> tuple[str | None, str | None] | None:
    if found is None:
        return None
    return tuple(None if a is None else str(a) for a in (found.request, found.limit))  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (1, "256Mi"),
        (256 * MI, "512Mi"),
        (5_559_367_680, "5632Mi"),
        (14_496_047_104, "14592Mi"),
        (16_060_522_496, "16128Mi"),
        (141_107_412_992, "138Gi"),
        (Quantity.parse("15.2Gi"), "16Gi"),
    ],
)
def test_t30_volume_is_five_percent_larger_in_steps(size: int, expected: str) -> None:
    assert volume_size(size) == Quantity.parse(expected)


@pytest.mark.parametrize("size", [1, 255 * MI, 10**9, 2**40 + 1])
def test_volume_holds_the_model_and_is_aligned(size: int) -> None:
    assert volume_size(size) * 100 >= size * 105
    assert volume_size(size) % (256 * MI) == 0


@pytest.mark.parametrize(
    ("request_", "limit", "expected"),
    [
        ("24Gi", "24Gi", ("42Gi", "42Gi")),  # L, R equal
        ("8Gi", "24Gi", ("24Gi", "42Gi")),  # R below L
        (None, "24Gi", ("42Gi", "42Gi")),  # R absent
        ("8Gi", None, ("24Gi", None)),  # L absent
        ("0", "0", ("0", "0")),  # L 0
        (None, None, (None, None)),  # both absent
    ],
)
def test_add_at_the_container(
    request_: str | None, limit: str | None, expected: tuple[str, str]
) -> None:
    correction = correct(amount(request_, limit), None, V, S, "add")
    assert shown(correction.container[1]) == expected
    assert correction.pod is None


@pytest.mark.parametrize(
    ("pod", "target", "expected_pod", "expected_target"),
    [
        (("32Gi", "32Gi"), (None, None), ("50Gi", "50Gi"), (None, None)),
        (("16Gi", "32Gi"), ("8Gi", "30Gi"), ("32Gi", "50Gi"), ("8Gi", "32Gi")),
        (("16Gi", "32Gi"), ("8Gi", "8Gi"), ("32Gi", "50Gi"), ("10Gi", "10Gi")),
        (("16Gi", None), ("8Gi", "24Gi"), ("32Gi", None), ("24Gi", "42Gi")),
        (("16Gi", None), (None, None), ("32Gi", None), (None, None)),
    ],
)
def test_add_at_the_pod(
    pod: tuple[str, str],
    target: tuple[str, str],
    expected_pod: tuple[str, str],
    expected_target: tuple[str, str],
) -> None:
    correction = correct(amount(*target), amount(*pod), V, S, "add")
    assert correction.pod
    assert shown(correction.pod[1]) == expected_pod
    assert shown(correction.container[1]) == expected_target


@pytest.mark.parametrize(
    ("request_", "limit", "expected"),
    [
        ("64Gi", "64Gi", ("64Gi", "64Gi")),
        ("8Gi", "64Gi", ("16Gi", "64Gi")),
        ("8Gi", "8Gi", ("18944Mi", "18944Mi")),  # V + S + O
        ("4Gi", "8Gi", ("16Gi", "18944Mi")),
        (None, "64Gi", (None, "64Gi")),
        (None, "8Gi", ("18944Mi", "18944Mi")),
        ("8Gi", None, ("16Gi", None)),
        (None, None, (None, None)),
    ],
)
def test_t35_ensure_raises_only_what_is_too_small(
    request_: str | None, limit: str | None, expected: tuple[str, str]
) -> None:
    assert shown(correct(amount(request_, limit), None, V, S, "ensure").container[1]) == expected


@pytest.mark.parametrize("pod", [None, amount("16Gi", "32Gi")])
def test_placement_none_changes_nothing(pod: Amount | None) -> None:
    correction = correct(amount("8Gi", "24Gi"), pod, V, S, "none")
    assert correction.container[0] == correction.container[1]
    assert correction.pod == (None if pod is None else (pod, pod))


def test_a_sum_ends_at_the_largest_amount() -> None:
    largest = Amount(Quantity(LARGEST), Quantity(LARGEST))
    assert correct(largest, None, V, S, "add").container[1] == largest


@pytest.mark.parametrize(
    ("pod", "containers", "expected"),
    [
        ((None, None), [("1Gi", "1Gi")], None),
        (("2Gi", "4Gi"), [("1Gi", "1Gi")], ("2Gi", "4Gi")),
        ((None, "4Gi"), [("1Gi", "1Gi"), (None, "2Gi")], ("3Gi", "4Gi")),
        ((None, "4Gi"), [(None, None)], ("4Gi", "4Gi")),
    ],
)
def test_pod_level_request_is_the_one_the_api_server_gives(
    pod: tuple[str | None, str | None],
    containers: list[tuple[str | None, str | None]],
    expected: tuple[str, str] | None,
) -> None:
    found = pod_memory(resources(*pod), [resources(*c) for c in containers])
    assert shown(found) == expected


def resources(request: str | None, limit: str | None) -> Resources:
    return Resources(
        limits={"memory": limit} if limit else None,
        requests={"memory": request} if request else None,
    )


@pytest.mark.parametrize(
    ("now", "recorded", "expected"),
    [
        (("8Gi", "24Gi"), {"limit": "40Gi", "request": "24Gi"}, ("24Gi", "40Gi")),
        (("50Gi", "60Gi"), {"limit": "40Gi", "request": "24Gi"}, ("50Gi", "60Gi")),
        (("8Gi", "24Gi"), {}, ("8Gi", "24Gi")),
        ((None, None), {"limit": "40Gi", "request": "24Gi"}, (None, None)),
        (("8Gi", "24Gi"), {"limit": "lots", "request": "24Gi"}, ("24Gi", "24Gi")),
        (("8Gi", "10Gi"), {"request": "24Gi"}, ("10Gi", "10Gi")),
    ],
)
def test_restored_never_lowers_and_never_requests_more_than_the_limit(
    now: tuple[str, str], recorded: dict[str, str], expected: tuple[str, str]
) -> None:
    assert shown(restored(amount(*now), recorded)) == expected


ROWS = {
    # row: (request, limit, shm), (request, limit) afterwards, in a pod as the API server sends it
    "T1": (("24Gi", "24Gi", "0"), ("40Gi", "40Gi")),
    "T2": (("24Gi", "24Gi", "2Gi"), ("42Gi", "42Gi")),
    "T3": (("8Gi", "24Gi", "2Gi"), ("24Gi", "42Gi")),
    "T4": ((None, "24Gi", "0"), ("40Gi", "40Gi")),
    "T6": (("8Gi", None, "0"), ("24Gi", None)),
    "T7": ((None, None, "0"), (None, None)),
    "T23": (("1.5Gi", "1.5Gi", "0"), ("17920Mi", "17920Mi")),
    "T24": (("25769803776", "25769803776", "0"), ("40Gi", "40Gi")),
}


@pytest.mark.parametrize("row", ROWS)
def test_rows_of_one_container(row: str, webhook: Webhook) -> None:
    (request, limit, shm), expected = ROWS[row]
    answer = webhook.admit(pod_of(in_memory(shm_size=shm), request=request, limit=limit))
    assert answer.memory() == expected
    loader = answer.init("modelcache-loader")["resources"]
    assert loader["limits"] == loader["requests"] == {"cpu": "1", "memory": "16896Mi"}


def test_t5_raw_template_gets_its_request_written_out(webhook: Webhook) -> None:
    answer = webhook.admit(pod_of(in_memory(), limit="24Gi"), raw=True)
    assert answer.memory() == ("40Gi", "40Gi")


def test_t22_sum_is_exact_in_any_notation(webhook: Webhook) -> None:
    pod = pod_of(in_memory(size="16060522496"), limit="20G")
    assert Quantity.parse(webhook.admit(pod).memory()[1]) == 36_911_433_728


@pytest.mark.parametrize(
    ("asked", "size", "limit"),
    [("1G", "954Mi", "41914Mi"), ("1000001", "1Mi", "40961Mi"), ("64Mi", "64Mi", "41024Mi")],
)
def test_shared_memory_is_whole_mebibytes(
    asked: str, size: str, limit: str, webhook: Webhook
) -> None:
    answer = webhook.admit(pod_of(in_memory(shm_size=asked), limit="24Gi"))
    assert answer.volume("modelcache-shm")["emptyDir"]["sizeLimit"] == size
    assert answer.memory() == (limit, limit)


@pytest.mark.parametrize(
    ("model", "request_", "limit", "shm", "expected", "loader"),
    [
        ("llama-3.1-8b-instruct", "24Gi", "24Gi", "0", ("40704Mi", "40704Mi"), "16640Mi"),
        ("llama-3.1-8b-instruct", "24Gi", "24Gi", "2Gi", ("42752Mi", "42752Mi"), "16640Mi"),
        ("phi-2", "4Gi", "8Gi", "0", ("9728Mi", "13824Mi"), "6Gi"),
    ],
    ids=["T27", "T28", "T30"],
)
def test_rows_of_the_built_in_catalogue(
    model: str,
    request_: str,
    limit: str,
    shm: str,
    expected: tuple[str, str],
    loader: str,
    webhook: Webhook,
) -> None:
    asked = {"model": model, "strategy": "emptyDir", "shm_size": shm}
    answer = webhook.admit(pod_of(asked, request=request_, limit=limit))
    found = tuple(Quantity.parse(a) for a in answer.memory())
    assert found == tuple(Quantity.parse(a) for a in expected)
    assert answer.init("modelcache-loader")["resources"]["limits"]["memory"] == loader


def test_t15_t17_only_the_target_is_raised(webhook: Webhook) -> None:
    proxy = {"name": "proxy", "resources": {"limits": {"memory": "1Gi"}}}
    pod = pod_of(in_memory(containers="vllm,proxy"), limit="24Gi")
    pod["spec"]["containers"].append(proxy)
    answer = webhook.admit(pod)
    assert answer.memory("vllm") == ("40Gi", "40Gi")
    assert answer.memory("proxy") == ("1Gi", "1Gi")
    for name in ("vllm", "proxy"):
        (mount,) = answer.container(name)["volumeMounts"]
        assert mount["readOnly"] is True


def test_t16_tmpfs_is_bounded_though_the_pod_is_not(webhook: Webhook) -> None:
    pod = pod_of(in_memory(), limit="24Gi")
    pod["spec"]["containers"].append({"name": "proxy"})
    answer = webhook.admit(pod)
    assert answer.volume()["emptyDir"] == {"medium": "Memory", "sizeLimit": "16Gi"}
    assert answer.codes == ["MC104"]


def test_t33_other_resources_are_untouched(webhook: Webhook) -> None:
    others = {"nvidia.com/gpu": 1, "ephemeral-storage": "10Gi", "hugepages-2Mi": "1Gi"}
    pod = pod_of(in_memory(), overhead={"memory": "100Mi"})
    pod["spec"]["containers"][0]["resources"] = {"limits": {"memory": "24Gi", **others}}
    answer = webhook.admit(pod)
    assert answer.container()["resources"]["limits"] == {"memory": "40Gi", **others}
    assert answer.spec["overhead"] == {"memory": "100Mi"}


@pytest.mark.parametrize(
    ("pod", "target", "expected_pod", "expected_target"),
    [
        (("32Gi", "32Gi"), {}, ("48Gi", "48Gi"), (None, None)),
        (("16Gi", "32Gi"), {"request": "8Gi", "limit": "30Gi"}, ("32Gi", "48Gi"), ("8Gi", "30Gi")),
    ],
    ids=["T36", "T37"],
)
def test_rows_of_pod_level_resources(
    pod: tuple[str, str],
    target: dict[str, Any],
    expected_pod: tuple[str, str],
    expected_target: tuple[str, str],
    webhook: Webhook,
) -> None:
    level = {"requests": {"memory": pod[0]}, "limits": {"memory": pod[1]}}
    answer = webhook.admit(pod_of(in_memory(), **target, resources=level))
    assert amounts(answer.spec["resources"]) == expected_pod
    assert answer.memory() == expected_target
    loader = answer.init("modelcache-loader")["resources"]
    assert loader["requests"] == {"cpu": "10m", "memory": "64Mi"}
    assert loader["limits"]["memory"] == "16896Mi"


def test_t39_container_limit_never_passes_the_pods(webhook: Webhook) -> None:
    level = {"limits": {"memory": "32Gi"}, "requests": {"memory": "32Gi"}}
    answer = webhook.admit(pod_of(in_memory(shm_size="2Gi"), limit="32Gi", resources=level))
    (_, container), (_, pod) = answer.memory(), amounts(answer.spec["resources"])
    assert Quantity.parse(container) <= Quantity.parse(pod)


def test_t41_containers_are_raised_if_the_server_drops_pod_level_resources() -> None:
    level = {"limits": {"memory": "32Gi"}, "requests": {"memory": "32Gi"}}
    webhook = Webhook(facts=facts_of({"kube_version": "1.33"}))
    answer = webhook.admit(pod_of(in_memory(), limit="24Gi", resources=level))
    assert answer.memory() == ("40Gi", "40Gi")
    assert answer.spec["resources"] == level


def test_gate_asks_for_no_more_than_a_small_pod_has(webhook: Webhook) -> None:
    level = {"limits": {"cpu": "5m", "memory": "32Mi"}, "requests": {"cpu": "5m", "memory": "32Mi"}}
    asked = {"strategy": "pvc", "verify": "true", "shm_size": "0"}
    answer = webhook.admit(pod_of(asked, resources=level))
    requests = answer.init("modelcache-verify")["resources"]["requests"]
    assert requests == {"cpu": "5m", "memory": "32Mi"}


def test_overhead_is_half_a_gibibyte() -> None:
    assert Quantity.parse("512Mi") == OVERHEAD


def test_t45_copy_of_an_injected_pod_gains_nothing(webhook: Webhook) -> None:
    injected = webhook.admit(pod_of(in_memory(), limit="24Gi")).admitted
    copied = {
        **injected,
        "metadata": {**injected["metadata"], "name": "debug", "labels": {"a": "b"}},
    }
    assert webhook.admit(copied, raw=True).adds_nothing


def test_t43_second_review_gains_nothing(webhook: Webhook) -> None:
    first = webhook.admit(pod_of(in_memory(), limit="24Gi"))
    again = webhook.admit(first.admitted, raw=True)
    assert (again.operations, again.reason) == ([], "already_injected")


@pytest.mark.parametrize("mode", ["add", "ensure", "none"])
def test_lowered_amounts_are_raised_again_by_what_we_had_added(mode: str, webhook: Webhook) -> None:
    pod = pod_of(in_memory(memory=mode), request="8Gi", limit="12Gi")
    injected = webhook.admit(pod).admitted
    before = amounts(named(injected["spec"]["containers"], "vllm")["resources"])
    vllm = injected["spec"]["containers"][0]
    vllm["resources"] = {"limits": {"memory": "6Gi"}, "requests": {"memory": "4Gi"}}
    answer = webhook.admit(injected, raw=True)
    assert answer.memory() == (("4Gi", "6Gi") if mode == "none" else before)
