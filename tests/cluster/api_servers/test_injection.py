"""What the API server stores of an injected pod, and what people see of a refusal.

Rows P0 of docs/requirements.md are behaviours that no release may break.
"""

import copy
import json
import os
import signal
import time
from collections.abc import Callable
from typing import Any, Final

import pytest

from tests.kubernetes.api import Answer, Object
from tests.kubernetes.control_plane import ControlPlane
from tests.kubernetes.registration import (
    NamespaceFactory,
    configure,
    configured,
    create_namespace,
    mutating,
    pointed,
    shipped,
)
from tests.kubernetes.registration import webhook as hook_for_pods
from tests.kubernetes.scripted_hook import Reply, Review, ScriptedHook, add, allow, patch
from tests.kubernetes.server import Webhook, WebhookFactory, standing_aside

PREFIX: Final = "modelcache.io/"
DIGEST: Final = "registry.example.com/models/phi-2@sha256:" + "0" * 64
ACCELERATOR: Final = "nvidia.com/gpu"
SERVER: Final = {
    "name": "vllm",
    "image": "vllm/vllm-openai:v0.11.0",
    "resources": {"limits": {"cpu": "4", "memory": "24Gi", ACCELERATOR: "1"}},
}
SOURCES: Final[dict[str, Object]] = {
    "pvc": {"persistentVolumeClaim": {"claimName": "model-store", "readOnly": True}},
    "hostPath": {
        "hostPath": {"path": "/var/lib/model-cache/microsoft--phi-2/main", "type": "Directory"}
    },
    "emptyDir": {"emptyDir": {"medium": "Memory", "sizeLimit": "5632Mi"}},
    "image": {"image": {"reference": DIGEST, "pullPolicy": "IfNotPresent"}},
}
NOT_INJECTED: Final = "the modelcache webhook did not inject the model"


def pod(strategy: str = "pvc", *, where: str = "", **spec: Any) -> Object:
    """Return a pod that requests phi-2 with *strategy*; *spec* overrides parts of its spec."""
    asked = {f"{PREFIX}model": "phi-2", f"{PREFIX}strategy": strategy}
    if strategy == "image":
        asked[f"{PREFIX}image"] = DIGEST
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"generateName": "p-", "namespace": where or "default", "annotations": asked},
        "spec": {"containers": [copy.deepcopy(SERVER)], **spec},
    }


def plain(**spec: Any) -> Object:
    """Return a pod that requests no model."""
    obj = pod(**spec)
    del obj["metadata"]["annotations"]
    return obj


def asking(obj: Object, **annotations: str) -> Object:
    """Return *obj* with further annotations of ours."""
    for key, value in annotations.items():
        obj["metadata"]["annotations"][PREFIX + key.replace("_", "-")] = value
    return obj


def stored(plane: ControlPlane, obj: Object) -> Object:
    """Create *obj*; return it as it is stored."""
    meta = plane.api.create(obj).expect(201).body["metadata"]
    found = plane.api.get("v1", "Pod", meta["name"], meta["namespace"])
    return found.expect().body


def ours(obj: Object) -> list[Object]:
    """Return the volumes of models in a pod."""
    volumes = obj["spec"].get("volumes", [])
    return [volume for volume in volumes if volume["name"].startswith("modelcache-model")]


def mounts(container: Object) -> list[Object]:
    """Return the mounts of models in a container."""
    found = container.get("volumeMounts", [])
    return [mount for mount in found if mount["name"].startswith("modelcache-model")]


def without_token(obj: Object) -> str:
    """Return a pod's annotations and spec; the API server names the token volume at random."""
    token = [v["name"] for v in obj["spec"]["volumes"] if v["name"].startswith("kube-api-access")]
    text = json.dumps([obj["metadata"]["annotations"], obj["spec"]], sort_keys=True)
    return text.replace(token[0], "token") if token else text


def asked_of(webhook: Webhook, operation: str = "CREATE") -> float:
    """Return how many reviews of *operation* the webhook has answered."""
    return sum(
        float(line.rpartition(" ")[2])
        for line in webhook.metrics().splitlines()
        if line.startswith("modelcache_admission_requests_total{") and f'"{operation}"' in line
    )


@pytest.fixture(scope="module")
def where(cluster: ControlPlane, webhook: Webhook) -> str:
    """A namespace on the current cluster, with the webhook registered."""
    return create_namespace(cluster, f"injection-{os.getpid()}")


@pytest.mark.parametrize("strategy", SOURCES)
def test_p0_1_each_strategy_is_stored_with_its_volume_and_a_read_only_mount(
    cluster: ControlPlane, where: str, strategy: str
) -> None:
    kept = stored(cluster, pod(strategy, where=where))
    (volume,) = ours(kept)
    assert volume == {"name": volume["name"], **SOURCES[strategy]}
    (mount,) = mounts(kept["spec"]["containers"][0])
    assert (mount["name"], mount["readOnly"]) == (volume["name"], True)
    assert mount["recursiveReadOnly"] == "IfPossible"
    assert kept["spec"]["containers"][0]["image"] == SERVER["image"]
    loaders = [container["name"] for container in kept["spec"].get("initContainers", [])]
    assert loaders == (["modelcache-loader"] if strategy == "emptyDir" else [])


SIDECAR: Final = {"name": "proxy", "image": "envoy", "restartPolicy": "Always"}
UNCOMMON: Final[dict[str, Object]] = {
    # P0 8, T83
    "no volumes, mounts, variables, resources": {
        "automountServiceAccountToken": False,
        "containers": [{"name": "vllm", "image": "vllm/vllm-openai:v0.11.0"}],
    },
    "each of them null": {
        "automountServiceAccountToken": False,
        "volumes": None,
        "initContainers": None,
        "containers": [
            {**SERVER, "volumeMounts": None, "env": None, "resources": None, "args": None}
        ],
    },
    "each of them empty": {
        "automountServiceAccountToken": False,
        "volumes": [],
        "initContainers": [],
        "containers": [{**SERVER, "volumeMounts": [], "env": [], "resources": {}}],
    },
    # P0 19
    "a sidecar and an init container": {
        "initContainers": [{"name": "setup", "image": "busybox"}, SIDECAR],
    },
    "the node's network, and its shared memory": {"hostNetwork": True, "hostIPC": True},
    "shared memory of its own": {
        "volumes": [{"name": "shm", "emptyDir": {"medium": "Memory"}}],
        "containers": [{**SERVER, "volumeMounts": [{"name": "shm", "mountPath": "/dev/shm/"}]}],
    },
    "root": {"securityContext": {"runAsUser": 0, "fsGroup": 2000}},
    "Linux, said so": {"os": {"name": "linux"}},
    "affinity of its own": {
        "affinity": {
            "nodeAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": {
                    "nodeSelectorTerms": [
                        {"matchExpressions": [{"key": "gpu", "operator": "Exists"}]}
                    ]
                }
            }
        }
    },
    "no limit on memory": {
        "containers": [{**SERVER, "resources": {"requests": {"cpu": "4", "memory": "8Gi"}}}],
    },
    "a request below the limit": {
        "containers": [
            {**SERVER, "resources": {"requests": {"memory": "1"}, "limits": {"memory": "1.5Gi"}}}
        ],
    },
    "resources of the pod": {"resources": {"limits": {"cpu": "8", "memory": "32Gi"}}},
}


# P0 4
@pytest.mark.parametrize("strategy", SOURCES)
@pytest.mark.parametrize("kind", UNCOMMON)
def test_p0_4_a_pod_that_the_server_accepts_is_accepted_after_injection(
    cluster: ControlPlane, where: str, kind: str, strategy: str
) -> None:
    spec = copy.deepcopy(UNCOMMON[kind])
    before = cluster.api.create(plain(where=where, **spec), dry_run=True).expect(201).body
    after = cluster.api.create(pod(strategy, where=where, **spec), dry_run=True).expect(201).body
    assert ours(after)
    served = after["spec"]["containers"]
    assert [mount["readOnly"] for mount in mounts(served[0])] == [True]
    # Everything is still there, in its order.
    theirs = [c for c in after["spec"].get("initContainers", []) if "modelcache" not in c["name"]]
    assert [c["name"] for c in served] == [c["name"] for c in before["spec"]["containers"]]
    for field in ("name", "image", "restartPolicy", "resources"):
        had = [container.get(field) for container in before["spec"].get("initContainers", [])]
        assert [container.get(field) for container in theirs] == had
    assert len({v["name"] for v in after["spec"]["volumes"]}) == len(after["spec"]["volumes"])


# P0 18
@pytest.mark.parametrize("strategy", SOURCES)
def test_t48_a_dry_run_shows_what_would_be_stored(
    cluster: ControlPlane, where: str, strategy: str
) -> None:
    shown = cluster.api.create(pod(strategy, where=where), dry_run=True).expect(201).body
    assert without_token(shown) == without_token(stored(cluster, pod(strategy, where=where)))


# P0 20
def test_p0_20_annotations_of_others_stay_as_they_are(cluster: ControlPlane, where: str) -> None:
    obj = pod(where=where)
    theirs = {"example.com/a.b_c-d": "~1/~0", "plain": '{"a": "\\u003c"}\n\t'}
    obj["metadata"]["annotations"] |= theirs
    kept = stored(cluster, obj)["metadata"]["annotations"]
    assert {key: kept[key] for key in theirs} == theirs
    assert json.loads(kept[f"{PREFIX}injected"])["strategy"] == "pvc"


def test_t78_a_pod_without_our_annotations_is_not_sent(
    cluster: ControlPlane, webhook: Webhook, where: str
) -> None:
    before = asked_of(webhook)
    obj = plain(where=where)
    assert "annotations" not in cluster.api.create(obj, dry_run=True).expect(201).body["metadata"]
    obj["metadata"]["annotations"] = {"example.com/modelcache.io": "phi-2"}
    cluster.api.create(obj, dry_run=True).expect(201)
    assert asked_of(webhook) == before
    cluster.api.create(pod(where=where), dry_run=True).expect(201)
    assert asked_of(webhook) == before + 1


@pytest.mark.parametrize("system", ["kube-system", "kube-public", "modelcache-system"])
def test_p0_21_a_pod_of_the_system_is_not_sent(
    cluster: ControlPlane, webhook: Webhook, system: str
) -> None:
    name = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": system}}
    cluster.api.create(name).expect(201, 409)
    cluster.ensure_service_account(system)
    before = asked_of(webhook)
    kept = cluster.api.create(pod(where=system), dry_run=True).expect(201).body
    assert ours(kept) == []
    assert asked_of(webhook) == before


def test_p0_22_a_mirror_pod_is_neither_sent_nor_changed(
    cluster: ControlPlane, webhook: Webhook, where: str
) -> None:
    mirror = pod(where=where, nodeName="n")
    mirror["metadata"]["annotations"]["kubernetes.io/config.mirror"] = "hash"
    before = asked_of(webhook)
    kept = cluster.api.create(mirror, dry_run=True).expect(201).body
    assert ours(kept) == []
    assert kept["metadata"]["annotations"] == mirror["metadata"]["annotations"]
    assert asked_of(webhook) == before


# P0 11, P0 12: the shipped failurePolicy is Ignore, which excuses an absent answer, not this one.
def test_p0_11_and_12_kubectl_shows_every_mistake_although_failures_are_ignored(
    cluster: ControlPlane, where: str
) -> None:
    wrong = asking(pod("telepathy", where=where), size="much", read_only="perhaps")
    done = cluster.kubectl("create", "-f", "-", input=json.dumps(wrong))
    assert done.returncode == 1
    start = 'admission webhook "inject.modelcache.io" denied the request: '
    head, found, text = done.stderr.partition(start)
    assert found, done.stderr
    assert head == 'The request is invalid: error when creating "STDIN": '
    for key in ("strategy", "size", "read-only"):
        assert f"MC001 {PREFIX}{key}: " in text
    answer = cluster.api.create(wrong).expect(422)
    assert answer.reason == "Invalid"


def test_t74_a_refusal_reaches_the_events_of_the_owner(cluster: ControlPlane, where: str) -> None:
    template = {"metadata": {"labels": {"app": "wrong"}}, "spec": {"containers": [SERVER]}}
    spec = {"selector": {"matchLabels": {"app": "wrong"}}, "template": template}
    metadata = {
        "name": "wrong",
        "namespace": where,
        "annotations": {f"{PREFIX}model": "phi-2", f"{PREFIX}strategy": "telepathy"},
    }
    obj = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": metadata, "spec": spec}
    answer = cluster.api.create(obj).expect(201)
    try:
        assert any("pods will be refused: MC001" in text for text in answer.warnings)
        deadline = time.monotonic() + 10
        texts: list[str] = []
        while not any(f"MC001 {PREFIX}strategy" in text for text in texts):
            assert time.monotonic() < deadline, texts
            events = cluster.api.list("v1", "Event", where)
            texts = [e["message"] for e in events if e["involvedObject"]["name"] == "wrong"]
            time.sleep(0.05)
    finally:
        cluster.api.delete(obj)


def other(hook: ScriptedHook, name: str, again: str = "IfNeeded") -> Object:
    """Return the configuration of another webhook, called in the order of *name*."""
    entry = hook_for_pods("other.example.com", hook.client_config(), reinvocationPolicy=again)
    entry["matchConditions"] = [
        {"name": "annotated", "expression": "has(object.metadata.annotations)"}
    ]
    return mutating(name, entry)


def containers_of(review: Review) -> list[Object]:
    found: list[Object] = review["request"]["object"]["spec"]["containers"]
    return found


SECOND: Final = {**SERVER, "name": "second"}


def appends(review: Review) -> Object:
    if any(container["name"] == "second" for container in containers_of(review)):
        return allow()
    return patch(add("/spec/containers/-", SECOND))


def prepends(review: Review) -> Object:
    if any(container["name"] == "second" for container in containers_of(review)):
        return allow()
    return patch(add("/spec/containers/0", SECOND))


def reorders(review: Review) -> Object:
    found = containers_of(review)
    if [container["name"] for container in found] == sorted(c["name"] for c in found):
        return allow()
    return patch({"op": "replace", "path": "/spec/containers", "value": found[::-1]})


def memory_of(container: Object) -> tuple[str, str]:
    resources = container["resources"]
    return resources["requests"]["memory"], resources["limits"]["memory"]


# 24Gi, 5632Mi of model and 2Gi of /dev/shm.
RAISED: Final = ("32256Mi", "32256Mi")


# P0 7
@pytest.mark.parametrize("order", ["aa-before-ours", "zzz-after-ours"])
@pytest.mark.parametrize("change", [appends, prepends])
def test_p0_7_a_container_that_another_webhook_adds_gets_the_model_too(
    cluster: ControlPlane,
    where: str,
    hook: ScriptedHook,
    order: str,
    change: Callable[[Review], Object],
) -> None:
    # P1 81
    hook.answer = change
    with configured(cluster, [other(hook, order)]):
        kept = stored(cluster, pod("emptyDir", where=where))
    assert len(ours(kept)) == 1
    assert [v["name"] for v in kept["spec"]["volumes"]].count("modelcache-shm") == 1
    loaders = [container["name"] for container in kept["spec"]["initContainers"]]
    assert loaders == ["modelcache-loader"]
    found = {container["name"]: container for container in kept["spec"]["containers"]}
    assert [len(mounts(container)) for container in found.values()] == [1, 1]
    assert all(mounts(container)[0]["readOnly"] for container in found.values())
    # Model and /dev/shm are charged once, to the first target.
    first = "second" if (change, order) == (prepends, "aa-before-ours") else "vllm"
    assert memory_of(found.pop(first)) == RAISED
    assert memory_of(found.popitem()[1]) == ("24Gi", "24Gi")


# T43
@pytest.mark.parametrize("order", ["aa-before-ours", "zzz-after-ours"])
def test_t43_containers_in_another_order_gain_nothing_twice(
    cluster: ControlPlane, where: str, hook: ScriptedHook, order: str
) -> None:
    # P1 81
    hook.answer = reorders
    proxy = {"name": "proxy", "image": "envoy"}
    with configured(cluster, [other(hook, order)]):
        kept = stored(
            cluster, pod("emptyDir", where=where, containers=[copy.deepcopy(SERVER), proxy])
        )
    first, second = kept["spec"]["containers"]
    assert (first["name"], second["name"]) == ("proxy", "vllm")
    assert (len(mounts(first)), len(mounts(second))) == (0, 1)
    assert memory_of(second) == RAISED
    assert first["resources"] == {}
    assert len(ours(kept)) == 1


def test_t43_memory_that_another_webhook_lowers_is_raised_again(
    cluster: ControlPlane, where: str, hook: ScriptedHook
) -> None:
    def lowers(review: Review) -> Object:
        path = "/spec/containers/0/resources"
        small = {"requests": {"memory": "24Gi"}, "limits": {"memory": "24Gi"}}
        return patch({"op": "replace", "path": path, "value": small})

    hook.answer = lowers  # a webhook that is called again after ours would win
    with configured(cluster, [other(hook, "zzz-after-ours", again="Never")]):
        answer = cluster.api.create(pod("emptyDir", where=where)).expect(201)
    (container,) = answer.body["spec"]["containers"]
    assert memory_of(container) == RAISED
    assert any(text.startswith("MC115 ") for text in answer.warnings)


# P0 13
def test_p0_13_pods_of_one_template_get_the_same_volumes_in_both_rounds(
    cluster: ControlPlane, where: str, hook: ScriptedHook
) -> None:
    hook.answer = appends
    with configured(cluster, [other(hook, "zzz-after-ours")]):
        first, second = (stored(cluster, pod("pvc", where=where)) for _ in range(2))
    assert ours(first) == ours(second)
    assert len(ours(first)) == 1
    assert first["metadata"]["name"] != second["metadata"]["name"]


def test_t45_a_copy_of_an_injected_pod_gains_nothing(cluster: ControlPlane, where: str) -> None:
    kept = stored(cluster, pod("emptyDir", where=where))
    again = {**kept, "metadata": {"generateName": "copy-", "namespace": where}}
    again["metadata"]["annotations"] = kept["metadata"]["annotations"]
    copied = stored(cluster, again)
    assert without_token(copied) == without_token(kept)


# P0 10
def test_p0_10_an_internal_error_affects_only_pods_that_request_a_model(
    cluster: ControlPlane, where: str, hook: ScriptedHook
) -> None:
    fault = b'{"error":"internal error; see the log of the webhook"}'
    hook.answer = lambda _: Reply(fault, 500, {"Content-Type": "application/json"})
    as_shipped = pointed(shipped(), hook.url, hook.ca)
    with standing_aside(cluster), configured(cluster, as_shipped):
        answer = cluster.api.create(pod(where=where)).expect(422)
        assert NOT_INJECTED in answer.message
        assert len(hook.calls) == 1
        assert cluster.api.create(plain(where=where)).code == 201
        unasked = plain(where=where)
        unasked["metadata"]["annotations"] = {f"{PREFIX}strategy": "pvc"}
        assert cluster.api.create(unasked).code == 201
        configure(cluster, failing(hook.url, hook.ca))
        assert failed(cluster.api.create(pod(where=where)))
        assert cluster.api.create(plain(where=where)).code == 201


def failing(url: str, ca: bytes, **fields: Any) -> list[Object]:
    """Return the shipped webhooks with failurePolicy Fail, for servers without our policy."""
    objects = pointed(shipped("MutatingWebhookConfiguration"), url, ca)
    for entry in objects[0]["webhooks"]:
        entry |= {"failurePolicy": "Fail", **fields}
    return objects


def failed(answer: Answer) -> bool:
    assert answer.code == 500, answer.message
    return 'failed calling webhook "inject.modelcache.io"' in answer.message


@pytest.fixture
def down(cluster: ControlPlane, webhook_on: WebhookFactory) -> Webhook:
    """The webhook, registered as shipped, after it was killed."""
    server = webhook_on(cluster)
    server.process.kill()
    return server


# P0 39a
def test_p0_39a_while_it_is_down_the_policy_refuses_only_pods_that_request_a_model(
    cluster: ControlPlane, where: str, down: Webhook
) -> None:
    answer = cluster.api.create(pod(where=where)).expect(422)
    assert NOT_INJECTED in answer.message
    assert cluster.api.create(plain(where=where)).code == 201
    out = asking(pod(where=where), inject="false")
    assert cluster.api.create(out).code == 201


# P0 23, 24, 26
def test_p0_23_24_26_while_it_is_down_under_fail_only_annotated_pods_wait_for_it(
    cluster: ControlPlane, where: str, down: Webhook
) -> None:
    objects = failing(down.url, down.ca)
    configure(cluster, objects)
    for namespace in (where, "default", "kube-system"):
        assert cluster.api.create(plain(where=namespace), dry_run=True).code == 201
    assert failed(cluster.api.create(pod(where=where)))
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "plain", "namespace": where},
        "spec": {
            "selector": {"matchLabels": {"a": "b"}},
            "template": {"metadata": {"labels": {"a": "b"}}, "spec": plain()["spec"]},
        },
    }
    assert cluster.api.create(deployment, dry_run=True).code == 201
    # Deleting the configuration lets them pass; only the policy still reports what is missing.
    began = time.monotonic()
    cluster.api.delete(objects[0]).expect()
    while NOT_INJECTED not in (answer := cluster.api.create(pod(where=where))).message:
        assert failed(answer)
        assert time.monotonic() - began < 10
    for obj in reversed(down.registered[1:]):
        cluster.api.delete(obj).expect()
    while cluster.api.create(pod(where=where)).code != 201:
        assert time.monotonic() - began < 10


# P0 24
def test_p0_24_one_that_hangs_holds_an_annotated_pod_no_longer_than_its_timeout(
    cluster: ControlPlane, where: str, webhook_on: WebhookFactory
) -> None:
    server = webhook_on(cluster)
    configure(cluster, failing(server.url, server.ca, timeoutSeconds=1))
    server.process.popen.send_signal(signal.SIGSTOP)
    try:
        began = time.monotonic()
        answer = cluster.api.create(pod(where=where))
        assert time.monotonic() - began < 2
        assert failed(answer)
        began = time.monotonic()
        assert cluster.api.create(plain(where=where)).code == 201
        assert time.monotonic() - began < 1
    finally:
        server.process.popen.send_signal(signal.SIGCONT)


# P0 33
def test_p0_33_a_large_pod_that_go_escapes_sixfold_is_served(
    cluster: ControlPlane, where: str
) -> None:
    obj = pod(where=where)
    words = ["<>&" * 1000] * 466
    obj["spec"]["containers"][0]["args"] = words
    assert len(json.dumps(obj)) > 1_390_000
    kept = cluster.api.create(obj, dry_run=True).expect(201).body
    assert len(ours(kept)) == 1
    assert kept["spec"]["containers"][0]["args"] == words


# P0 39
@pytest.mark.parametrize("version", ["1.34", "1.30"])
def test_t68_and_t69_an_image_volume_is_refused_where_the_server_would_drop_it(
    old_cluster: ControlPlane, webhook_on: WebhookFactory, version: str
) -> None:
    webhook_on(old_cluster, version)
    answer = old_cluster.api.create(pod("image"), dry_run=True).expect(422)
    assert f"MC007 {PREFIX}strategy: the API server (version {version}) may drop" in answer.message
    assert ours(old_cluster.api.create(pod("pvc"), dry_run=True).expect(201).body)


def test_t69_auto_never_becomes_an_image_volume_on_an_old_server(
    old_cluster: ControlPlane, webhook_on: WebhookFactory
) -> None:
    webhook_on(old_cluster)
    obj = asking(pod("auto"), image=DIGEST)
    (volume,) = ours(old_cluster.api.create(obj, dry_run=True).expect(201).body)
    assert "image" not in volume


def test_t70_an_image_volume_is_stored_where_the_server_keeps_it(
    cluster: ControlPlane, where: str
) -> None:
    kept = stored(cluster, pod("image", where=where))
    (volume,) = ours(kept)
    assert volume["image"] == {"reference": DIGEST, "pullPolicy": "IfNotPresent"}
    assert mounts(kept["spec"]["containers"][0])[0]["readOnly"] is True


@pytest.mark.parametrize("tag", [":latest", ":v1", ""])
def test_t71_an_image_that_can_move_is_refused(cluster: ControlPlane, where: str, tag: str) -> None:
    moving = asking(pod("image", where=where), image=f"registry.example.com/models/phi-2{tag}")
    answer = cluster.api.create(moving).expect(422)
    assert f"MC008 {PREFIX}image: " in answer.message
    assert "@sha256:" in answer.message


RESTRICTED: Final = {
    "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
    "containers": [
        {
            **SERVER,
            "securityContext": {
                "allowPrivilegeEscalation": False,
                "capabilities": {"drop": ["ALL"]},
            },
        }
    ],
}
ENFORCE: Final = "pod-security.kubernetes.io/enforce"


@pytest.mark.parametrize("verify", ["false", "true"])
@pytest.mark.parametrize("strategy", ["pvc", "emptyDir"])
def test_t85_our_init_containers_pass_pod_security_restricted(
    cluster: ControlPlane,
    webhook: Webhook,
    namespace: NamespaceFactory,
    strategy: str,
    verify: str,
) -> None:
    strict = namespace({ENFORCE: "restricted"})
    obj = pod(strategy, where=strict, **copy.deepcopy(RESTRICTED))
    kept = stored(cluster, asking(obj, verify=verify))
    loaders = [container["name"] for container in kept["spec"].get("initContainers", [])]
    assert bool(loaders) == (strategy == "emptyDir" or verify == "true")


TOKEN: Final = "/var/run/secrets/kubernetes.io/serviceaccount"


def at_the_token(container: Object) -> list[str]:
    """Return the volumes that a container mounts where its token would be."""
    return [m["name"] for m in container.get("volumeMounts", []) if m["mountPath"] == TOKEN]


@pytest.mark.parametrize("strategy", ["pvc", "emptyDir"])
def test_our_init_containers_get_no_token_and_all_others_keep_theirs(
    cluster: ControlPlane, where: str, strategy: str
) -> None:
    own = {**SERVER, "name": "own"}
    obj = pod(strategy, where=where, initContainers=[own])
    kept = stored(cluster, asking(obj, verify="true"))["spec"]
    first, second = kept["initContainers"]
    assert first["name"] in ("modelcache-loader", "modelcache-verify")
    assert at_the_token(first) == ["modelcache-no-token"]
    (token,) = [v["name"] for v in kept["volumes"] if v["name"].startswith("kube-api-access-")]
    assert at_the_token(second) == at_the_token(kept["containers"][0]) == [token]


def test_a_pod_without_a_token_gets_no_volume_to_hide_it(cluster: ControlPlane, where: str) -> None:
    obj = pod("emptyDir", where=where, automountServiceAccountToken=False)
    kept = stored(cluster, obj)["spec"]
    assert [at_the_token(c) for c in (*kept["containers"], *kept["initContainers"])] == [[], []]


# P0 40
@pytest.mark.parametrize("level", ["baseline", "restricted"])
def test_t63_a_directory_of_the_node_is_refused_by_pod_security_naming_level_and_volume(
    cluster: ControlPlane, webhook: Webhook, namespace: NamespaceFactory, level: str
) -> None:
    strict = namespace({ENFORCE: level})
    obj = pod("hostPath", where=strict, **copy.deepcopy(RESTRICTED))
    answer = cluster.api.create(obj).expect(403)
    assert f'violates PodSecurity "{level}:latest"' in answer.message
    assert "hostPath volumes" in answer.message or "restricted volume types" in answer.message
    assert '"modelcache-model"' in answer.message
    assert stored(cluster, pod("pvc", where=strict, **copy.deepcopy(RESTRICTED)))


# P0 14
def test_p0_14_a_volume_of_our_name_with_another_source_is_refused(
    cluster: ControlPlane, where: str
) -> None:
    taken = pod(where=where, volumes=[{"name": "modelcache-model", "emptyDir": {}}])
    answer = cluster.api.create(taken).expect(422)
    assert "denied the request: MC010 " in answer.message


# P0 15, P0 39b: the API server compares paths as text and lets both through.
@pytest.mark.parametrize("path", ["/models", "/models/", "/models/microsoft--phi-2/main/"])
def test_p0_39b_a_mount_at_or_above_ours_is_refused(
    cluster: ControlPlane, where: str, path: str
) -> None:
    theirs = {**SERVER, "volumeMounts": [{"name": "theirs", "mountPath": path}]}
    obj = pod(where=where, containers=[theirs], volumes=[{"name": "theirs", "emptyDir": {}}])
    asked = asking(copy.deepcopy(obj), mount_path="/models/microsoft--phi-2/main")
    answer = cluster.api.create(asked).expect(422)
    assert "denied the request: MC009 " in answer.message
    assert path in answer.message
    # Without the annotation, the models go where nothing is mounted.
    (mount,) = mounts(stored(cluster, obj)["spec"]["containers"][0])
    assert mount["mountPath"] == "/modelcache/models/microsoft--phi-2/main"


# P0 16
def test_p0_16_a_forged_ledger_does_not_pass_for_an_injection(
    cluster: ControlPlane, where: str
) -> None:
    honest = stored(cluster, pod("emptyDir", where=where))
    forged = pod("emptyDir", where=where)
    forged["metadata"]["annotations"][f"{PREFIX}injected"] = honest["metadata"]["annotations"][
        f"{PREFIX}injected"
    ].replace("32256Mi", "1Ti")
    assert without_token(stored(cluster, forged)) == without_token(honest)


# P0 17
def test_p0_17_a_writable_mount_of_our_volume_written_by_hand_is_refused(
    cluster: ControlPlane, where: str
) -> None:
    kept = stored(cluster, pod(where=where))
    kept["metadata"] = {
        "generateName": "w-",
        "namespace": where,
        "annotations": kept["metadata"]["annotations"],
    }
    for mount in mounts(kept["spec"]["containers"][0]):
        del mount["readOnly"], mount["recursiveReadOnly"]
    answer = cluster.api.create(kept).expect(422)
    assert "MC010 container vllm: mounts modelcache-model writable" in answer.message


def test_t79_a_pod_that_opted_out_is_created_as_it_is(cluster: ControlPlane, where: str) -> None:
    out = asking(pod(where=where), inject="false")
    kept = stored(cluster, out)
    assert ours(kept) == []
    assert kept["metadata"]["annotations"] == out["metadata"]["annotations"]


def test_t82_later_changes_of_an_injected_pod_are_not_sent(
    cluster: ControlPlane, webhook: Webhook, where: str
) -> None:
    kept = stored(cluster, pod("emptyDir", where=where))
    before = [asked_of(webhook, operation) for operation in ("CREATE", "UPDATE", "OTHER")]
    labelled = cluster.api.merge(
        {**kept, "apiVersion": "v1", "kind": "Pod"}, {"metadata": {"labels": {"a": "b"}}}
    ).expect(200)
    assert labelled.body["spec"] == kept["spec"]
    name = kept["metadata"]["name"]
    debugger = {"name": "debugger", "image": "busybox"}
    answer = cluster.api.request(
        "PATCH",
        f"/api/v1/namespaces/{where}/pods/{name}/ephemeralcontainers",
        {"spec": {"ephemeralContainers": [debugger]}},
        media_type="application/strategic-merge-patch+json",
    ).expect(200)
    (added,) = answer.body["spec"]["ephemeralContainers"]
    assert mounts(added) == []
    assert [asked_of(webhook, each) for each in ("CREATE", "UPDATE", "OTHER")] == before


def test_several_models_of_one_claim_are_mounts_of_one_volume(
    cluster: ControlPlane, where: str
) -> None:
    both = asking(pod(where=where), model="phi-2, mistral-7b-instruct")
    kept = stored(cluster, both)
    assert (
        len(ours(kept)) == 1
    )  # kubelets before 1.35 never start a pod with two volumes of one claim
    found = mounts(kept["spec"]["containers"][0])
    assert [mount["subPath"] for mount in found] == [
        "microsoft--phi-2/main",
        "mistralai--Mistral-7B-Instruct-v0.3/main",
    ]
