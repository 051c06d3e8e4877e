"""Which pods are left alone because only nodes with Windows can run them."""

from typing import Any

import pytest

from tests.admission.admitting import Json, Webhook, pod_of

OS = "kubernetes.io/os"
BUILD = "node.kubernetes.io/windows-build"
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


def label(operator: str, *values: str, key: str = OS) -> Json:
    found: Json = {"key": key, "operator": operator}
    return found | ({"values": list(values)} if values else {})


def required(*terms: list[Json]) -> Json:
    """Return an affinity that requires one of *terms*, each a list of expressions."""
    found = [{"matchExpressions": term} for term in terms]
    return {"affinity": {"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": found}}}}


def preferred(*expressions: Json) -> Json:
    term = {"weight": 1, "preference": {"matchExpressions": list(expressions)}}
    return {
        "affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [term]}}
    }


GPU = label("Exists", key="nvidia.com/gpu")
ON_WINDOWS: list[Json] = [
    {"os": {"name": "windows"}},
    {"nodeSelector": {OS: "windows"}},
    {"nodeSelector": {"beta.kubernetes.io/os": "windows", "pool": "a"}},
    {"nodeSelector": {BUILD: "10.0.20348"}},
    required([label("In", "windows")]),
    required([GPU, label("In", "windows", key="beta.kubernetes.io/os")]),
    required([label("NotIn", "linux")]),
    required([label("Exists", key=BUILD)]),
    required([label("In", "10.0.20348", key=BUILD)]),
    required([label("In", "windows")], [GPU, label("NotIn", "linux")]),
]
ELSEWHERE: list[Json] = [
    {},
    {"os": {"name": "linux"}},
    {"nodeSelector": {OS: "linux", "pool": "windows"}},
    {"nodeSelector": None, "affinity": None},
    required([label("In", "linux")]),
    required([label("In", "windows", "linux")]),
    required([label("NotIn", "windows")]),
    required([label("DoesNotExist", key=BUILD)]),
    required([label("In", "windows")], [GPU]),
    required([label("In", "windows", key="team")]),
    required([GPU]),
    required([]),
    preferred(label("In", "windows")),
]


@pytest.mark.parametrize("spec", ON_WINDOWS)
def test_a_pod_that_only_windows_can_run_is_left_alone_with_a_warning(
    spec: dict[str, Any], webhook: Webhook
) -> None:
    answer = webhook.admit(pod_of(**spec))
    assert answer.adds_nothing
    assert answer.reason == "windows"
    assert answer.warnings == ["MC114 modelcache.io/model: Windows pods are left as they are"]


@pytest.mark.parametrize("spec", ELSEWHERE)
def test_a_pod_that_linux_can_run_gets_its_model(spec: dict[str, Any], webhook: Webhook) -> None:
    assert webhook.admit(pod_of(**spec)).volume()
