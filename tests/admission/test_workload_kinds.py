"""Every kind of the table: annotations reach each part that describes pods, and follow."""

import copy
from typing import Any

import pytest

from tests.admission.admitting import PREFIX, Json, Webhook
from webhook.objects.template_search import searched_kind
from webhook.objects.workload import read_workload, steps
from webhook.objects.workload_kinds import EACH, EVERY, KINDS, WorkloadKind, kind_of, registered

ROWS = {f"{row.group}/{row.kind}": row for row in registered()}
OWN = {f"{PREFIX}model": "acme/coder", f"{PREFIX}strategy": "pvc"}
POD: Json = {"containers": [{"name": "vllm", "image": "vllm/vllm-openai:v0.11.0"}]}


def written(row: WorkloadKind, own: Json, **metadata: Any) -> Json:
    """Return an object of *row* with every part that describes pods, twice in lists and mappings."""
    found: Json = {
        "apiVersion": f"{row.group}/v1".lstrip("/"),
        "kind": row.kind,
        "metadata": {"name": "x", "annotations": own, **metadata},
    }
    for place in row.places:
        put(found, steps(place.at + (place.spec or "")), POD if place.spec else {"image": "x"})
    return found


def put(part: Any, path: tuple[str, ...], value: Json) -> None:
    if not path:
        part.update(copy.deepcopy(value))
        return
    step, rest = path[0], path[1:]
    if step == EACH:
        part.extend({} for _ in range(2 - len(part)))
        items = part
    elif step == EVERY:
        items = [part.setdefault(name, {}) for name in ("Master", "Worker")]
    else:
        items = [part.setdefault(step, [] if rest[:1] == (EACH,) else {})]
    for item in items:
        put(item, rest, value)


def of_pods(row: WorkloadKind, obj: Json) -> list[Any]:
    return [part.annotations for part in read_workload(obj, row).templates]


@pytest.mark.parametrize("name", ROWS)
def test_annotations_reach_every_part_and_are_not_copied_twice(name: str, webhook: Webhook) -> None:
    row = ROWS[name]
    answer = webhook.admit(written(row, OWN))
    found = of_pods(row, answer.admitted)
    assert len(found) >= sum(1 if place.is_one else 2 for place in row.places)
    assert found == [OWN] * len(found)
    again = webhook.admit(answer.admitted, operation="UPDATE", oldObject=answer.admitted)
    assert again.operations == []


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if not row.fixed])
def test_copies_follow_and_leave_with_their_originals(name: str, webhook: Webhook) -> None:
    row = ROWS[name]
    old = webhook.admit(written(row, OWN)).admitted
    for own in ({**OWN, f"{PREFIX}model": "acme/other"}, {}):
        new = copy.deepcopy(old)
        listed = {k: v for k, v in new["metadata"]["annotations"].items() if k not in OWN}
        new["metadata"]["annotations"] = {**listed, **own}
        old = webhook.admit(new, operation="UPDATE", oldObject=old).admitted
        found = of_pods(row, old)
        assert found == [own] * len(found)
    assert old["metadata"]["annotations"] == {}


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if row.fixed])
def test_a_part_that_can_not_change_is_left_alone(name: str, webhook: Webhook) -> None:
    row = ROWS[name]
    old = written(row, {})
    answer = webhook.admit(written(row, OWN), operation="UPDATE", oldObject=old)
    assert (answer.operations, set(answer.codes)) == ([], {"MC123"})


SERVER: Json = {"image": "vllm/vllm-openai:v0.11.0", "args": ["--model", "acme/coder"]}
PROXY: Json = {"image": "example.com/proxy"}


@pytest.mark.parametrize(
    ("containers", "name"),
    [
        ([SERVER], "user-container"),
        ([PROXY, SERVER], "user-container-1"),
        ([{**PROXY, "name": "user-container-0"}, SERVER], "user-container-1"),
    ],
)
def test_a_container_without_a_name_has_that_which_knative_gives_it(
    containers: list[Json], name: str, webhook: Webhook
) -> None:
    obj = written(ROWS["serving.knative.dev/Service"], OWN | {f"{PREFIX}containers": name})
    obj["spec"]["template"]["spec"] = {"containers": containers}
    assert webhook.admit(obj).codes == ["MC108"]


@pytest.mark.parametrize(
    ("name", "operation", "copied"),
    [("", "UPDATE", True), ("chat-00001", "UPDATE", False), ("chat-00001", "CREATE", True)],
)
def test_a_revision_of_knative_that_has_a_name_does_not_change(
    name: str, operation: str, copied: bool, webhook: Webhook
) -> None:
    row = ROWS["serving.knative.dev/Service"]
    obj, old = written(row, OWN), written(row, {})
    for one in (obj, old) if name else ():
        one["spec"]["template"]["metadata"] = {"name": name}
    before = old if operation == "UPDATE" else None
    answer = webhook.admit(obj, operation=operation, oldObject=before)
    assert (of_pods(row, answer.admitted) == [OWN]) is copied


@pytest.mark.parametrize(
    ("name", "spec", "where"),
    [
        (
            "argoproj.io/Rollout",
            {"workloadRef": {"name": "chat"}},
            "the Deployment that workloadRef",
        ),
        ("ray.io/RayJob", {"clusterSelector": {"a": "b"}}, "the RayCluster that clusterSelector"),
        ("ray.io/RayCluster", {}, "the pods, or the object that makes them"),
    ],
)
def test_a_warning_says_where_the_pods_are_described(
    name: str, spec: Json, where: str, webhook: Webhook
) -> None:
    row = ROWS[name]
    bare = {**written(row, OWN), "spec": spec}
    answer = webhook.admit(bare)
    assert (answer.codes, answer.reason) == (["MC122"], "no_template")
    assert where in answer.warnings[0]
    bare["metadata"]["annotations"] = {}
    assert webhook.admit(bare).warnings == []


def test_the_list_of_another_object_is_left_as_it_is(webhook: Webhook) -> None:
    # Controllers pass all annotations on to what they create: RayService to RayCluster, for example.
    foreign = f"model@/spec/rayClusterConfig/headGroupSpec/template,model{'x' * 9}"
    own = {**OWN, f"{PREFIX}copied-keys": foreign}
    answer = webhook.admit(written(ROWS["ray.io/RayCluster"], own))
    listed = answer.annotations[f"{PREFIX}copied-keys"].split(",")
    assert {*foreign.split(",")} < {*listed}
    again = webhook.admit(answer.admitted, operation="UPDATE", oldObject=answer.admitted)
    assert again.operations == []


def test_no_two_rows_are_of_one_kind_and_each_has_places_or_advice() -> None:
    assert len({(row.group, row.kind) for row in KINDS}) == len(KINDS)
    assert all(row.places or row.instead for row in KINDS)
    assert all(kind_of(row.group, row.kind) is row for row in KINDS)


TEMPLATE: Json = {"spec": POD}


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ({"spec": {"a": TEMPLATE}}, ["/spec/a"]),
        ({"spec": {"a": {"b": TEMPLATE}, "c": TEMPLATE}}, ["/spec/a/b", "/spec/c"]),
        ({"spec": {"a": [{"b": TEMPLATE}, {"b": TEMPLATE}]}}, ["/spec/a/*/b"]),
        ({"template": TEMPLATE}, ["/template"]),
        ({"spec": {"a": {"spec": {"containers": []}}}}, []),
        ({"spec": {"a": {"spec": {"containers": [{"image": "x"}]}}}}, []),
        ({"spec": {"a": POD}}, []),
        (TEMPLATE, []),
        ({"status": {"a": TEMPLATE}, "metadata": {"a": TEMPLATE}}, []),
        ({"spec": {"a/b": TEMPLATE, "c~d": TEMPLATE, "*": TEMPLATE}}, []),
    ],
    ids=str,
)
def test_what_looks_like_a_pod_template_is_found(content: Json, found: list[str]) -> None:
    assert [place.at for place in searched_kind(content, "example.com", "Thing").places] == found


def test_a_search_ends_in_a_deep_object() -> None:
    deep: Json = TEMPLATE
    for _ in range(500):
        deep = {"a": deep}
    assert searched_kind({"spec": deep}, "example.com", "Thing").places == ()
