"""Workloads: annotations reach the template, and nothing else does."""

from typing import Any

import pytest

from tests.admission.admitting import PREFIX, Answer, Json, Webhook
from webhook.admission.strategies import STRATEGIES
from webhook.objects.workload import steps
from webhook.objects.workload_kinds import KINDS

PATHS = {row.kind: steps(row.places[0].at) for row in KINDS if row.built_in}
OWN = {"model": "acme/coder", "strategy": "pvc"}
ABSENT: Any = object()


def prefixed(annotations: Json) -> Json:
    return {PREFIX + key: value for key, value in annotations.items()}


def workload(kind: str, own: Any = ABSENT, metadata: Any = ABSENT, **fields: Any) -> Json:
    """Return a workload with annotations *own* and a template with *metadata*."""
    template: Json = {
        "spec": {
            "containers": [
                {"name": "vllm", "image": "vllm/vllm-openai", "args": ["$(MODELCACHE_PATH)"]}
            ]
        }
    }
    if metadata is not ABSENT:
        template["metadata"] = metadata
    document: Json = template
    for key in reversed(PATHS[kind]):
        document = {key: document}
    own_metadata: Json = {"name": "vllm", **fields}
    if own is not ABSENT:
        own_metadata["annotations"] = None if own is None else prefixed(own)
    [group] = [row.group for row in KINDS if row.built_in and row.kind == kind]
    version = f"{group}/v1".lstrip("/")
    return {"apiVersion": version, "kind": kind, "metadata": own_metadata, **document}


def template_annotations(answer: Answer, kind: str = "Deployment") -> Any:
    found = answer.admitted
    for key in PATHS[kind]:
        found = found[key]
    return (found.get("metadata") or {}).get("annotations")


@pytest.mark.parametrize("kind", PATHS)
def test_t74_annotations_reach_the_template_and_are_remembered(kind: str, webhook: Webhook) -> None:
    answer = webhook.admit(workload(kind, OWN))
    assert template_annotations(answer, kind) == prefixed(OWN)
    assert answer.annotations[PREFIX + "copied-keys"] == "model,strategy"
    assert answer.warnings == [
        "MC108 metadata: copied modelcache.io/model, modelcache.io/strategy into the pod template"
    ]


@pytest.mark.parametrize(
    "metadata",
    [ABSENT, None, {}, {"annotations": None}, {"annotations": {}}, {"annotations": {"a/b~c": "x"}},
     {"labels": {"app": "vllm"}}],
)  # fmt: skip
def test_t74_template_keeps_what_it_has(metadata: Any, webhook: Webhook) -> None:
    answer = webhook.admit(workload("Deployment", OWN, metadata))
    kept = ((None if metadata is ABSENT else metadata) or {}).get("annotations") or {}
    assert template_annotations(answer) == {**kept, **prefixed(OWN)}
    assert "containers" in answer.spec["template"]["spec"]


def test_t75_another_value_in_the_template_wins(webhook: Webhook) -> None:
    there = {"annotations": prefixed({"model": "acme/other"})}
    answer = webhook.admit(workload("Deployment", OWN, there))
    assert template_annotations(answer) == prefixed({"model": "acme/other", "strategy": "pvc"})
    assert answer.annotations[PREFIX + "copied-keys"] == "strategy"
    assert answer.codes == ["MC108", "MC109"]


def test_the_same_value_in_the_template_is_no_copy(webhook: Webhook) -> None:
    answer = webhook.admit(workload("Deployment", OWN, {"annotations": prefixed(OWN)}))
    assert (answer.operations, answer.warnings) == ([], [])


def copied(own: Json = OWN) -> Json:
    """Return a Deployment with annotations *own* that were copied into its template."""
    listed = {**own, "copied-keys": ",".join(sorted(own))}
    return workload("Deployment", listed, {"annotations": prefixed(own)})


LISTED: Json = {"copied-keys": "model,strategy"}


def changed(before: Json, own: Any, there: Any, **request: Any) -> Json:
    """Return the fields of a request that changes *before*, and the object after it."""
    after = workload("Deployment", own, {"annotations": prefixed(there)})
    return {"document": after, "operation": "UPDATE", "oldObject": before, **request}


def test_a_changed_or_removed_annotation_is_copied_to_the_template(webhook: Webhook) -> None:
    own = {"model": "acme/other", "copied-keys": "model,strategy"}
    answer = webhook.admit(**changed(copied(), own, OWN))
    assert template_annotations(answer) == prefixed({"model": "acme/other"})
    assert answer.annotations[PREFIX + "copied-keys"] == "model"
    assert answer.codes == ["MC108", "MC113"]


def test_a_removal_of_everything_removes_the_list(webhook: Webhook) -> None:
    answer = webhook.admit(**changed(copied(), {"copied-keys": "model,strategy"}, OWN))
    assert template_annotations(answer) == {}
    assert answer.annotations == {}


def test_a_listed_key_that_the_author_took_out_is_forgotten(webhook: Webhook) -> None:
    answer = webhook.admit(workload("Deployment", {"copied-keys": "model"}, {"annotations": {}}))
    assert answer.annotations == {}
    assert template_annotations(answer) == {}


OWNED: Json = {"f:metadata": {"f:annotations": {"f:modelcache.io/model": {}}}}


def managed(fields: Json, *, operation: str = "Apply", manager: str = "flux") -> Json:
    return {"manager": manager, "operation": operation, "fieldsV1": fields}


X, Y, Z = "acme/x", "acme/y", "acme/z"
COPIED = ("model", X, X)
"""What the list of copied keys says, and the values of the workload and of its template."""
RULES: list[tuple[str, tuple[str, Any, Any], tuple[Any, Any], tuple[Any, Any, str]]] = [
    # name, before (list, workload, template), request (workload, template), after (…, list)
    ("nothing changes", COPIED, (X, X), (X, X, "model")),
    ("the workload changes", COPIED, (Y, X), (Y, Y, "model")),
    ("the workload loses it", COPIED, (None, X), (None, None, "")),
    ("the template loses it", COPIED, (X, None), (X, X, "model")),
    ("both lose it", COPIED, (None, None), (None, None, "")),
    ("the template changes", COPIED, (X, Y), (X, Y, "")),
    ("both change alike", COPIED, (Y, Y), (Y, Y, "model")),
    ("both change", COPIED, (Z, Y), (Z, Y, "")),
    ("moved with a new value", COPIED, (None, Y), (None, Y, "")),
    ("never copied, the workload loses it", ("", X, X), (None, X), (None, X, "")),
    ("never copied, the workload changes", ("", X, X), (Y, X), (Y, X, "")),
    ("listed, but unlike before, the workload loses it", ("model", X, Y), (None, Y), (None, Y, "")),
    ("listed, but unlike before, the workload changes", ("model", X, Y), (Z, Y), (Z, Y, "")),
    ("listed, but absent before", ("model", None, X), (None, X), (None, X, "")),
    ("new on the workload", ("", None, None), (X, None), (X, X, "model")),
    ("new on the workload, the template has another", ("", None, Y), (X, Y), (X, Y, "")),
]  # fmt: skip


@pytest.mark.parametrize(
    "keeps_list", [True, False], ids=["a patch", "an apply that prunes the list"]
)
@pytest.mark.parametrize(
    ("before", "request_", "after"), [row[1:] for row in RULES], ids=[row[0] for row in RULES]
)
def test_what_a_request_does_to_copies(
    before: tuple[str, Any, Any],
    request_: tuple[Any, Any],
    after: tuple[Any, Any, str],
    keeps_list: bool,
    webhook: Webhook,
) -> None:
    def annotations(listed: str, model: Any) -> Json:
        found = {"model": model, "copied-keys": listed}
        return {key: value for key, value in found.items() if value}

    listed, own, there = before
    old = workload(
        "Deployment", annotations(listed, own), {"annotations": prefixed(annotations("", there))}
    )
    sent = annotations(listed if keeps_list else "", request_[0])
    request = changed(old, sent, annotations("", request_[1]), options={"fieldManager": "flux"})
    if not keeps_list:
        entry = managed({"f:spec": {"f:replicas": {}}})
        request["document"]["metadata"]["managedFields"] = [entry]
    answer = webhook.admit(**request)
    assert answer.annotations.get(PREFIX + "model") == after[0]
    assert template_annotations(answer).get(PREFIX + "model") == after[1]
    assert answer.annotations.get(PREFIX + "copied-keys", "") == after[2]


@pytest.mark.parametrize(("own", "there"), [({}, OWN), ({"model": "acme/other"}, OWN)])
def test_a_created_workload_keeps_what_its_template_has(
    own: Json, there: Json, webhook: Webhook
) -> None:
    listed = {**own, "copied-keys": "model,strategy"}
    answer = webhook.admit(workload("Deployment", listed, {"annotations": prefixed(there)}))
    assert template_annotations(answer) == prefixed(there)
    assert answer.annotations == prefixed(own)


def test_a_created_copy_of_a_workload_still_follows_it(webhook: Webhook) -> None:
    answer = webhook.admit(copied())
    assert answer.operations == []


@pytest.mark.parametrize(
    ("entry", "stays"),
    [
        (managed({"f:spec": {"f:template": OWNED}}), True),
        (managed({"f:spec": {"f:template": OWNED}}, manager="another"), True),
        (managed({"f:spec": {"f:template": OWNED}}, operation="Update"), False),
        (managed({"f:spec": {"f:template": {"f:metadata": {"f:labels": {}}}}}), False),
        (managed(OWNED), False),
        (managed({"f:spec": {"f:template": {"f:metadata": {"f:annotations": {}}}}}), False),
        (managed({}, operation="Update"), False),
        ({"manager": "flux", "operation": "Apply"}, False),
    ],
    ids=str,
)
def test_a_value_that_a_manager_applied_to_the_template_stays(
    entry: Json, stays: bool, webhook: Webhook
) -> None:
    request = changed(copied(), LISTED, OWN, options={"fieldManager": "flux"})
    request["document"]["metadata"]["managedFields"] = [entry]
    answer = webhook.admit(**request)
    assert ((template_annotations(answer) or {}).get(PREFIX + "model") == OWN["model"]) is stays


GROUP: Json = {"groupName": "large", "template": {"metadata": {"annotations": prefixed(OWN)}}}


@pytest.mark.parametrize(
    ("groups", "manager", "stays"),
    [
        ({}, "flux", True),
        ({}, "another", False),
        ({'k:{"groupName":"large"}': {"f:template": OWNED}}, "another", True),
        ({'k:{"groupName":"large"}': {"f:template": {"f:spec": {}}}}, "flux", False),
        ({'k:{"groupName":"small"}': {"f:template": OWNED}}, "flux", False),
    ],
    ids=["the list", "another's list", "the item", "a part of the item", "another item"],
)
def test_a_value_that_a_manager_applied_within_a_list_stays(
    groups: Json, manager: str, stays: bool, webhook: Webhook
) -> None:
    mark = "@/spec/workerGroupSpecs/0/template"
    listed = prefixed({"copied-keys": f"model{mark},strategy{mark}"})
    own = prefixed(OWN) | listed
    version = {"apiVersion": "ray.io/v1", "kind": "RayCluster"}
    spec = {"workerGroupSpecs": [GROUP]}
    fields = managed({"f:spec": {"f:workerGroupSpecs": groups}}, manager=manager)
    answer = webhook.admit(
        {**version, "metadata": {"managedFields": [fields], "annotations": listed}, "spec": spec},
        operation="UPDATE",
        oldObject={**version, "metadata": {"annotations": own}, "spec": spec},
        options={"fieldManager": "flux"},
    )
    [group] = answer.spec["workerGroupSpecs"]
    there = group["template"]["metadata"]["annotations"]
    assert (there.get(PREFIX + "model") == OWN["model"]) is stays


@pytest.mark.parametrize(
    ("manifest", "stays"),
    [
        ('{"spec":{"template":{"metadata":{"annotations":{"modelcache.io/model":"acme/coder"}}}}}', True),
        ('{"spec":{"template":{"metadata":{"annotations":{"modelcache.io/model":"acme/old"}}}}}', False),
        ('{"metadata":{"annotations":{"modelcache.io/model":"acme/coder"}}}', False),
        ('{"spec":[]}', False), ("[]", False), ("{", False), ("[" * 100000, False), ("", False),
    ],
    ids=lambda value: str(value)[:90],
)  # fmt: skip
def test_a_value_that_the_applied_manifest_has_in_the_template_stays(
    manifest: str, stays: bool, webhook: Webhook
) -> None:
    request = changed(copied(), LISTED, OWN)
    request["document"]["metadata"]["annotations"] |= {
        "kubectl.kubernetes.io/last-applied-configuration": manifest
    }
    answer = webhook.admit(**request)
    assert (template_annotations(answer).get(PREFIX + "model") == OWN["model"]) is stays


@pytest.mark.parametrize(
    ("manager", "listed", "stays"),
    [("kubectl-replace", "", True), ("kubectl-replace", "model,strategy", False),
     ("flux", "", False), ("flux", "model,strategy", False)],
)  # fmt: skip
def test_a_request_without_the_list_holds_a_whole_object_unless_it_is_an_apply(
    manager: str, listed: str, stays: bool, webhook: Webhook
) -> None:
    own = {"copied-keys": listed} if listed else {}
    request = changed(copied(), own, OWN, options={"fieldManager": manager})
    request["document"]["metadata"]["managedFields"] = [managed({"f:spec": {"f:replicas": {}}})]
    answer = webhook.admit(**request)
    assert (template_annotations(answer) == prefixed(OWN)) is stays


def undone(kind: str, entry: Json, **options: str) -> Json:
    """Return a request that puts another model into the template, with *entry* as evidence."""
    listed = {**OWN, "copied-keys": "model,strategy"}
    old = workload(kind, listed, {"annotations": prefixed(OWN)})
    there = {"annotations": prefixed({**OWN, "model": "acme/old"})}
    new = workload(kind, listed, there, managedFields=[entry])
    return {"document": new, "operation": "UPDATE", "oldObject": old, "options": options}


KUBECTL = managed({"f:spec": {"f:template": OWNED}}, operation="Update", manager="kubectl")


@pytest.mark.parametrize("kind", ["StatefulSet", "DaemonSet"])
def test_the_annotations_follow_when_a_rollout_is_undone(kind: str, webhook: Webhook) -> None:
    answer = webhook.admit(**undone(kind, KUBECTL))
    assert template_annotations(answer, kind) == prefixed({**OWN, "model": "acme/old"})
    assert answer.annotations[PREFIX + "model"] == "acme/old"
    assert answer.annotations[PREFIX + "copied-keys"] == "model,strategy"
    assert answer.codes == ["MC120"]


@pytest.mark.parametrize(
    ("kind", "entry", "options"),
    [
        ("Deployment", KUBECTL, {}),
        ("StatefulSet", KUBECTL, {"fieldManager": "kubectl-edit"}),
        ("StatefulSet", {**KUBECTL, "manager": "operator"}, {}),
        ("StatefulSet", {**KUBECTL, "fieldsV1": {"f:spec": {"f:replicas": {}}}}, {}),
    ],
    ids=["a Deployment", "another command", "another client", "another field"],
)
def test_another_change_of_the_template_wins_over_the_workload(
    kind: str, entry: Json, options: Json, webhook: Webhook
) -> None:
    answer = webhook.admit(**undone(kind, entry, **options))
    assert template_annotations(answer, kind)[PREFIX + "model"] == "acme/old"
    assert answer.annotations[PREFIX + "model"] == OWN["model"]
    assert answer.codes == ["MC109"]


@pytest.mark.parametrize("own", [ABSENT, None, {}])
def test_a_workload_without_annotations_is_left(own: Any, webhook: Webhook) -> None:
    answer = webhook.admit(workload("Deployment", own))
    assert (answer.operations, answer.warnings, answer.reason) == ([], [], "nothing_to_copy")


def test_our_own_records_are_never_copied_to_the_template(webhook: Webhook) -> None:
    own = {**OWN, "injected": "{}", "copied-keys": "injected,copied-keys"}
    answer = webhook.admit(workload("Deployment", own))
    assert template_annotations(answer) == prefixed(OWN)


def test_other_peoples_keys_are_never_touched_by_a_forged_list(webhook: Webhook) -> None:
    own = {"copied-keys": "prometheus.io/scrape,../x,a~b"}
    there = {"annotations": {"prometheus.io/scrape": "true"}}
    answer = webhook.admit(workload("Deployment", own, there))
    assert template_annotations(answer) == {"prometheus.io/scrape": "true"}


@pytest.mark.parametrize(("controller", "copied"), [(True, False), (False, True), (None, True)])
def test_replicaset_of_a_deployment_is_untouched(
    controller: bool | None, copied: bool, webhook: Webhook
) -> None:
    owners = [{"kind": "Deployment", "name": "vllm", "controller": controller}]
    answer = webhook.admit(workload("ReplicaSet", OWN, ownerReferences=owners))
    assert bool(answer.operations) is copied


@pytest.mark.parametrize(("operation", "copied"), [("CREATE", True), ("UPDATE", False)])
def test_t77_template_of_a_job_is_immutable(operation: str, copied: bool, webhook: Webhook) -> None:
    answer = webhook.admit(workload("Job", OWN), operation=operation)
    assert bool(answer.operations) is copied


def test_an_existing_job_can_not_get_an_annotation(webhook: Webhook) -> None:
    before = workload("Job", {"team": "a"})
    answer = webhook.admit(workload("Job", OWN), operation="UPDATE", oldObject=before)
    assert answer.codes == ["MC123", "MC123"]
    again = webhook.admit(workload("Job", OWN), operation="UPDATE", oldObject=workload("Job", OWN))
    assert again.warnings == []


@pytest.mark.parametrize("request_", [{"operation": "DELETE"}, {"subResource": "scale"}])
def test_other_requests_are_left(request_: Json, webhook: Webhook) -> None:
    answer = webhook.admit(workload("Deployment", OWN), **request_)
    assert answer.reason == "unexpected_resource"


def test_a_workload_of_the_system_is_left(webhook: Webhook) -> None:
    answer = webhook.admit(workload("Deployment", OWN), namespace="kube-system")
    assert answer.reason == "excluded_namespace"


@pytest.mark.parametrize("spec", [None, {}, {"template": None}])
def test_a_workload_without_template_is_left(spec: Any, webhook: Webhook) -> None:
    document = {**workload("Deployment", OWN), "spec": spec}
    assert webhook.admit(document).reason == "nothing_to_copy"


def test_a_workload_whose_pods_will_be_refused_is_admitted_with_a_warning(webhook: Webhook) -> None:
    answer = webhook.admit(workload("Deployment", {"model": "acme/coder", "strategy": "nfs"}))
    assert answer.allowed
    assert answer.codes == ["MC108", "MC110"]
    assert answer.warnings[1] == (
        "MC110 modelcache.io/strategy: pods will be refused: MC001 "
        f'must be one of {", ".join(STRATEGIES)}, auto, not "nfs"'
    )


def test_t74_pods_of_the_template_are_injected(webhook: Webhook) -> None:
    template = webhook.admit(workload("Deployment", OWN)).spec["template"]
    pod = {"apiVersion": "v1", "kind": "Pod", **template}
    assert webhook.admit(pod).volume()["persistentVolumeClaim"]["readOnly"] is True
