"""What the running webhook decides by what it watches, on a real API server."""

import time
from collections.abc import Callable

import pytest

from tests.cluster.custom_resources.applied import V1, Applied
from tests.kubernetes.api import Answer, Object
from tests.kubernetes.control_plane import ControlPlane
from tests.kubernetes.custom_resources import define, ours
from tests.kubernetes.registration import NamespaceFactory, wait_until
from tests.kubernetes.server import Webhook, WebhookFactory

SAID = "MC036 rule pinnedRevisions of CachePolicy pinned: "
ANNOTATION = "inject.modelcache.io/rules"
DIGEST = "r.example.com/m@sha256:" + "0" * 64


@pytest.fixture(scope="module", autouse=True)
def _defined(cluster: ControlPlane) -> None:
    define(cluster)


@pytest.fixture
def knowing(cluster: ControlPlane, webhook_on: WebhookFactory) -> Webhook:
    return webhook_on(cluster, "", "--facts")


def pod(namespace: str, **annotations: str) -> Object:
    asked = {f"modelcache.io/{key.replace('_', '-')}": value for key, value in annotations.items()}
    metadata = {"generateName": "p-", "namespace": namespace, "annotations": asked}
    container = {"name": "c", "image": "vllm/vllm-openai:v0.11.0", "args": ["--model", "acme/m"]}
    spec = {"containers": [container]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def created(cluster: ControlPlane, obj: Object) -> Answer:
    return cluster.api.create(obj, dry_run=True)


def volume(answer: Answer) -> Object:
    (found,) = [v for v in answer.body["spec"]["volumes"] if v["name"] == "modelcache-model"]
    return dict(found)


def label(cluster: ControlPlane, namespace: str, **labels: str) -> None:
    obj = cluster.api.get("v1", "Namespace", namespace).expect().body
    obj["metadata"]["labels"] |= {key.replace("_", "."): value for key, value in labels.items()}
    cluster.api.replace(obj).expect()


def claim(namespace: str, name: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "accessModes": ["ReadWriteMany"],
            "resources": {"requests": {"storage": "1Gi"}},
            "storageClassName": "",
        },
    }


def persistent_volume(namespace: str, name: str) -> Object:
    """Return a volume that Kubernetes binds to a claim."""
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": f"{namespace}-{name}"},
        "spec": {
            "accessModes": ["ReadWriteMany"],
            "capacity": {"storage": "1Gi"},
            "hostPath": {"path": "/nowhere"},
            "claimRef": {"namespace": namespace, "name": name},
        },
    }


def until(cluster: ControlPlane, obj: Object, claim_name: str) -> float:
    """Return the seconds until a pod gets that claim."""
    began = time.monotonic()
    wait_until(
        lambda: volume(created(cluster, obj))["persistentVolumeClaim"]["claimName"] == claim_name,
        f"the pod gets claim {claim_name}",
    )
    return time.monotonic() - began


def test_a_policy_holds_where_its_labels_are_and_within_a_second(
    cluster: ControlPlane, knowing: Webhook, namespace: NamespaceFactory, applied: Applied
) -> None:
    ours, others = namespace(), namespace()
    label(cluster, ours, team="inference")
    asks = pod(ours, model="acme/m", strategy="pvc")
    assert volume(created(cluster, asks))["persistentVolumeClaim"]["claimName"] == "model-store"
    applied(
        "CachePolicy",
        "inference",
        namespaceSelector={"matchLabels": {"team": "inference"}},
        defaults={"claim": "team-models", "shm-size": "8Gi"},
    )
    assert until(cluster, asks, "team-models") < 5
    shm = [
        v for v in created(cluster, asks).body["spec"]["volumes"] if v["name"] == "modelcache-shm"
    ]
    assert shm[0]["emptyDir"]["sizeLimit"] == "8Gi"
    elsewhere = volume(created(cluster, pod(others, model="acme/m", strategy="pvc")))
    assert elsewhere["persistentVolumeClaim"]["claimName"] == "model-store"
    label(cluster, others, team="inference")
    until(cluster, pod(others, model="acme/m", strategy="pvc"), "team-models")
    generation = [line for line in knowing.metrics().splitlines() if "policy_info{" in line]
    assert len(generation) == 1
    assert "none" not in generation[0]


def test_a_model_has_the_name_that_the_platform_gives_it(
    cluster: ControlPlane, knowing: Webhook, namespace: NamespaceFactory, applied: Applied
) -> None:
    asks = pod(namespace(), model="small", strategy="pvc")
    refused = created(cluster, asks).expect(422)
    assert '"small" is not in the catalogue' in refused.message
    obj = applied("CachedModel", "small", source="acme/m")
    wait_until(lambda: created(cluster, asks).code == 201, "the model is known")
    cluster.api.delete(obj).expect()
    wait_until(lambda: created(cluster, asks).code == 422, "the model is forgotten")
    assert "modelcache_facts_live" in knowing.metrics()


@pytest.mark.usefixtures("knowing")
def test_auto_follows_the_claim_and_the_namespace(
    cluster: ControlPlane, namespace: NamespaceFactory, applied: Applied
) -> None:
    ours = namespace()
    applied("CachedModel", "imaged", source="acme/m", image=DIGEST, strategies=["pvc", "image"])
    asks = pod(ours, model="imaged")
    wait_until(lambda: created(cluster, asks).ok, "the model is known")
    wait_until(lambda: "image" in volume(created(cluster, asks)), "the image, without a claim")
    warned = created(cluster, asks).warnings
    assert any("pvc passed over" in line and "does not exist" in line for line in warned), warned
    obj = claim(ours, "model-store")
    cluster.api.create(obj).expect(201)
    pv = persistent_volume(ours, "model-store")
    cluster.api.create(pv).expect(201)
    wait_until(
        lambda: "persistentVolumeClaim" in volume(created(cluster, asks)),
        "the claim, once it is bound",
    )
    cluster.api.delete(obj).expect()
    wait_until(lambda: "image" in volume(created(cluster, asks)), "the image again")
    cluster.api.delete(pv).expect()


@pytest.mark.usefixtures("knowing")
def test_pod_security_of_the_namespace_refuses_a_directory_of_the_node(
    cluster: ControlPlane, namespace: NamespaceFactory
) -> None:
    ours = namespace()
    asks = pod(ours, model="acme/m@" + "a" * 40, strategy="hostPath")
    assert "hostPath" in volume(created(cluster, asks).expect(201))
    obj = cluster.api.get("v1", "Namespace", ours).expect().body
    obj["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] = "restricted"
    cluster.api.replace(obj).expect()
    wait_until(lambda: "MC006" in created(cluster, asks).message, "refused, and why")


@pytest.mark.usefixtures("knowing")
def test_a_pod_that_is_applied_with_its_claim_gets_it(
    cluster: ControlPlane, namespace: NamespaceFactory, applied: Applied
) -> None:
    applied("CachedModel", "both", source="acme/m", image=DIGEST, strategies=["pvc", "image"])
    asks = pod(namespace(), model="both")
    wait_until(lambda: created(cluster, asks).code == 201, "the model is known")
    for _ in range(10):
        ours = namespace()
        cluster.api.create(claim(ours, "model-store")).expect(201)
        warned = created(cluster, pod(ours, model="both")).warnings
        assert not any("does not exist" in line for line in warned), warned


def permissive(crd: Object) -> Object:
    """Return the definition with a schema that lets everything through, as an older one may."""
    (version,) = crd["spec"]["versions"]
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    schema = {"openAPIV3Schema": anything}
    return {**crd, "spec": {**crd["spec"], "versions": [{**version, "schema": schema}]}}


def test_a_bad_object_keeps_its_last_good_state_and_hides_no_other(
    cluster: ControlPlane, knowing: Webhook, namespace: NamespaceFactory, applied: Applied
) -> None:
    asks = pod(namespace(), model="acme/m", strategy="pvc")
    applied("CachePolicy", "one", defaults={"claim": "one"})
    until(cluster, asks, "one")
    try:
        for crd in ours():
            cluster.api.apply(permissive(crd)).expect()
        wait_until(
            lambda: cluster.api.apply(broken("one", {"strategy": "telepathy"})).ok,
            "the schema is gone",
        )
        applied("CachePolicy", "two", priority=1, defaults={"shm-size": "1Gi"})
        wait_until(
            lambda: "1Gi" in str(created(cluster, asks).body["spec"]["volumes"]), "the other holds"
        )
        assert volume(created(cluster, asks))["persistentVolumeClaim"]["claimName"] == "one"
        wait_until(lambda: "telepathy" in knowing.ready(), "the concern is said", 30)
    finally:
        define(cluster)


def test_fields_of_a_newer_schema_are_left_out_and_said(
    cluster: ControlPlane, webhook_on: WebhookFactory, namespace: NamespaceFactory, applied: Applied
) -> None:
    asks = pod(namespace(), model="acme/m", strategy="pvc")
    try:
        for crd in ours():
            cluster.api.apply(permissive(crd)).expect()
        newer = {"defaults": {"claim": "newer"}, "later": {"a": 1}}
        wait_until(lambda: applied_whole(cluster, applied, newer), "the schema is gone")
        knowing = webhook_on(cluster, "", "--facts")
        until(cluster, asks, "newer")
        wait_until(lambda: "spec.later is newer" in knowing.ready(), "the concern is said", 30)
    finally:
        define(cluster)


def applied_whole(cluster: ControlPlane, applied: Applied, spec: Object) -> bool:
    """Whether the API server keeps all of *spec*."""
    obj = broken("newer", {})
    cluster.api.apply({**obj, "spec": spec})
    applied.objects.append(obj)
    return bool(cluster.api.get(V1, "CachePolicy", "newer").body.get("spec") == spec)


def broken(name: str, defaults: dict[str, str]) -> Object:
    metadata = {"name": name}
    return {
        "apiVersion": V1, "kind": "CachePolicy", "metadata": metadata, "spec": {"defaults": defaults}
    }  # fmt: skip


def test_reviews_go_on_without_the_kinds_and_find_them_when_they_come_back(
    cluster: ControlPlane, knowing: Webhook, namespace: NamespaceFactory, applied: Applied
) -> None:
    asks = pod(namespace(), model="acme/m", strategy="pvc")
    applied("CachePolicy", "gone", defaults={"claim": "gone"})
    until(cluster, asks, "gone")
    for crd in ours():
        cluster.api.delete(crd).expect()
    until(cluster, asks, "model-store")  # their objects went with them
    define(cluster)
    applied("CachePolicy", "back", defaults={"claim": "back"})
    wait_until(
        lambda: volume(created(cluster, asks))["persistentVolumeClaim"]["claimName"] == "back",
        "the policy holds again",
        60,
    )
    assert '"concerns":{}' in knowing.ready().replace(" ", "")


def policy(applied: Applied, mode: str) -> None:
    applied("CachePolicy", "pinned", rules={"pinnedRevisions": {"mode": mode}})


def deployment(asks: Object) -> Object:
    labels = {"app": "vllm"}
    own = {"name": "vllm", "namespace": asks["metadata"]["namespace"]}
    template = {
        "metadata": {"labels": labels, "annotations": asks["metadata"]["annotations"]},
        "spec": asks["spec"],
    }
    spec = {"selector": {"matchLabels": labels}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": own, "spec": spec}


def answer_once(
    cluster: ControlPlane, asks: Object, holds: Callable[[Answer], bool], what: str
) -> Answer:
    """Return the first answer of which *holds* is true, and see that it comes soon."""
    began = time.monotonic()
    wait_until(lambda: holds(created(cluster, asks)), what)
    assert time.monotonic() - began < 5, what
    return created(cluster, asks)


def is_told(answer: Answer) -> bool:
    return any(line.startswith(SAID) for line in answer.warnings)


def test_the_mode_of_a_rule_decides_what_its_finding_does(
    cluster: ControlPlane, knowing: Webhook, namespace: NamespaceFactory, applied: Applied
) -> None:
    asks = pod(namespace(), model="acme/m", strategy="pvc")
    created(cluster, asks).expect(201)

    policy(applied, "enforce")
    refused = answer_once(cluster, asks, lambda answer: answer.code == 403, "the refusal")
    assert refused.reason == "Forbidden"
    assert SAID in refused.message
    workload = created(cluster, deployment(asks)).expect(201)
    assert any("MC110 " in line and "MC036 " in line for line in workload.warnings)

    policy(applied, "warn")
    answer_once(cluster, asks, is_told, "the warning").expect(201)
    assert is_told(created(cluster, deployment(asks)).expect(201))

    policy(applied, "audit")
    answer_once(cluster, asks, lambda answer: answer.ok and not is_told(answer), "the silence")
    wait_until(lambda: SAID in audited(cluster), "the audit log has the finding")

    cluster.api.delete(applied.objects[-1]).expect()

    def finds_nothing() -> bool:
        before = counted(knowing)
        return created(cluster, asks).ok and counted(knowing) == before

    wait_until(finds_nothing, "nothing is found")


def audited(cluster: ControlPlane) -> str:
    lines = [event.get("annotations") or {} for event in cluster.audit_events()]
    return "; ".join(found[ANNOTATION] for found in lines if ANNOTATION in found)


def counted(webhook: Webhook) -> list[str]:
    page = webhook.metrics().splitlines()
    return [line for line in page if line.startswith("modelcache_rule_findings_total{")]
