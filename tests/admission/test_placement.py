"""Node affinity: every shape that the pod's affinity may have."""

import copy
from typing import Any

import jsonpatch
import msgspec
import pytest

from webhook.admission.placement import operations
from webhook.objects.affinity import Affinity

A, B = "modelcache.io/aaaa", "modelcache.io/bbbb"
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
ZONE = {"key": "zone", "operator": "In", "values": ["a"]}


def needs(label: str) -> dict[str, Any]:
    return {"key": label, "operator": "In", "values": ["ready"]}


def prefers(label: str, weight: int = 100) -> dict[str, Any]:
    return {"weight": weight, "preference": {"matchExpressions": [needs(label)]}}


def affinity_after(affinity: Any, labels: list[str], mode: str) -> Any:
    pod: dict[str, Any] = {"spec": {"affinity": affinity}}
    found = msgspec.convert(affinity, Affinity | None)
    patch = list(operations(found, labels, mode))
    pod = jsonpatch.JsonPatch(patch).apply(copy.deepcopy(pod))
    after = pod["spec"]["affinity"]
    again = msgspec.convert(after, Affinity | None)
    assert list(operations(again, labels, mode)) == []
    return after


@pytest.mark.parametrize(
    ("affinity", "labels", "after"),
    [
        (None, [A], {"nodeAffinity": {PREFERRED: [prefers(A)]}}),
        ({}, [A], {"nodeAffinity": {PREFERRED: [prefers(A)]}}),
        ({"nodeAffinity": None}, [A], {"nodeAffinity": {PREFERRED: [prefers(A)]}}),
        ({"nodeAffinity": {}}, [A], {"nodeAffinity": {PREFERRED: [prefers(A)]}}),
        ({"nodeAffinity": {PREFERRED: []}}, [A], {"nodeAffinity": {PREFERRED: [prefers(A)]}}),
        (
            {"podAntiAffinity": {"x": 1}, "nodeAffinity": {PREFERRED: [prefers("zone", 1)]}},
            [A],
            {"podAntiAffinity": {"x": 1}, "nodeAffinity": {PREFERRED: [prefers("zone", 1), prefers(A)]}},
        ),
        (None, [A, B], {"nodeAffinity": {PREFERRED: [prefers(A, 50), prefers(B, 50)]}}),
        (None, [], None),
    ],
)  # fmt: skip
def test_t62_preferred(affinity: Any, labels: list[str], after: Any) -> None:
    assert affinity_after(affinity, labels, "preferred") == after


def terms(*terms_: Any) -> dict[str, Any]:
    return {"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": list(terms_)}}}


@pytest.mark.parametrize(
    ("affinity", "labels", "after"),
    [
        (None, [A], terms({"matchExpressions": [needs(A)]})),
        ({}, [A], terms({"matchExpressions": [needs(A)]})),
        ({"nodeAffinity": {}}, [A], terms({"matchExpressions": [needs(A)]})),
        (terms(), [A], terms({"matchExpressions": [needs(A)]})),
        (
            terms({"matchExpressions": [ZONE]}, {"matchExpressions": [ZONE]}),
            [A, B],
            terms(
                {"matchExpressions": [ZONE, needs(A), needs(B)]},
                {"matchExpressions": [ZONE, needs(A), needs(B)]},
            ),
        ),
        # An empty term matches no node. With our expression in it, it would match many.
        (
            terms({}, {"matchExpressions": [ZONE]}),
            [A],
            terms({}, {"matchExpressions": [ZONE, needs(A)]}),
        ),
        (terms({"matchExpressions": []}), [A], terms({"matchExpressions": []})),
        (None, [], None),
    ],
)
def test_required_extends_every_term(affinity: Any, labels: list[str], after: Any) -> None:
    assert affinity_after(affinity, labels, "required") == after


def test_daemonset_pods_get_preferences_only() -> None:
    # P1 77
    fields = [{"key": "metadata.name", "operator": "In", "values": ["node-1"]}]
    before = terms({"matchFields": fields})
    after = affinity_after(before, [A], "required")
    assert after["nodeAffinity"] == {**before["nodeAffinity"], PREFERRED: [prefers(A)]}
