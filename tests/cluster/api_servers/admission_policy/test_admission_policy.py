"""The ValidatingAdmissionPolicy alone: what it refuses if the webhook is absent or its work is undone."""

import contextlib
import copy
from collections.abc import Iterator

import pytest
import yaml

from tests.admission.test_windows import ELSEWHERE, ON_WINDOWS
from tests.cluster.api_servers.chart.rendering import refuses_what_was_missed
from tests.kubernetes.api import Answer, Object
from tests.kubernetes.control_plane import ControlPlane
from tests.kubernetes.registration import (
    DEPLOY,
    PLUGINS,
    NamespaceFactory,
    configured,
    pointed,
    shipped,
    strict,
    wait_until,
)
from tests.kubernetes.scripted_hook import ScriptedHook, add, patch
from tests.kubernetes.server import standing_aside

KINDS = ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding")
NOT_INJECTED = "the modelcache webhook did not inject the model"
CLAIM = {"name": "modelcache-model", "persistentVolumeClaim": {"claimName": "s", "readOnly": True}}
MEMORY = {"name": "modelcache-model", "emptyDir": {"medium": "Memory", "sizeLimit": "1Gi"}}
IMAGE = {"name": "modelcache-model", "image": {"reference": "registry.example.com/m@sha256:0"}}
READ = {"name": "modelcache-model", "mountPath": "/models/m", "readOnly": True}
WRITE = {"name": "modelcache-model", "mountPath": "/models/m"}


@contextlib.contextmanager
def policy_alone(plane: ControlPlane) -> Iterator[ControlPlane]:
    with standing_aside(plane), configured(plane, shipped(*KINDS)):
        yield plane


@pytest.fixture(scope="module")
def current(cluster: ControlPlane) -> Iterator[ControlPlane]:
    with policy_alone(cluster) as plane:
        yield plane


@pytest.fixture(scope="module")
def old(old_cluster: ControlPlane) -> Iterator[ControlPlane]:
    with policy_alone(old_cluster) as plane:
        yield plane


@pytest.fixture(scope="module", params=["1.37", "1.34"])
def plane(request: pytest.FixtureRequest) -> ControlPlane:
    """Each server in turn, with the policy in force and no webhook."""
    found: ControlPlane = request.getfixturevalue("old" if request.param == "1.34" else "current")
    return found


OTHER = {"name": "modelcache-model-2", "emptyDir": {}}
LEDGER = '{"v":1,"target":"c","containers":["c"],"volumes":["modelcache-model"]}'
WRITES = '{"v":1,"target":"c","containers":["c"],"volumes":["modelcache-model"],"readOnly":false}'
"""As the webhook writes them."""


def pod(
    *,
    volumes: tuple[Object, ...] = (),
    mounts: tuple[Object, ...] = (),
    loader: Object | None = None,
    name: str = "modelcache-loader",
    **annotations: str,
) -> Object:
    """Return a pod that is injected by hand; it requests a model, unless the arguments say otherwise."""
    spec: Object = {"containers": [{"name": "c", "image": "i", "volumeMounts": list(mounts)}]}
    spec["volumes"] = list(volumes)
    if loader:
        spec["initContainers"] = [{"name": name, "image": "i", "volumeMounts": [loader]}]
    asked = {"modelcache.io/model": "llama"} if annotations.pop("model", "llama") else {}
    asked |= {f"modelcache.io/{key.replace('_', '-')}": value for key, value in annotations.items()}
    metadata = {"generateName": "p-", "annotations": asked}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def create(plane: ControlPlane, obj: Object) -> Answer:
    return plane.api.create(obj, dry_run=True)


def refuses(answer: Answer, *texts: str) -> bool:
    assert (answer.code, answer.reason) == (422, "Invalid"), answer.message
    assert "ValidatingAdmissionPolicy 'modelcache-injected'" in answer.message
    assert all(text in answer.message for text in texts), answer.message
    return True


def test_its_expressions_compile_without_a_warning(current: ControlPlane) -> None:
    # P1 84
    def status() -> Object:
        answer = current.api.get(
            "admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy", "modelcache-injected"
        )
        found: Object = answer.body.get("status", {})
        return found

    wait_until(lambda: "typeChecking" in status(), "the controller has checked the types")
    assert status()["typeChecking"] == {}
    assert "conditions" not in status()


def test_kustomize_builds_what_the_tests_apply(cluster: ControlPlane) -> None:
    built = cluster.kubectl("kustomize", str(DEPLOY))
    assert built.returncode == 0, built.stderr
    found = strict(obj for obj in yaml.safe_load_all(built.stdout) if obj["kind"] in PLUGINS)
    assert sorted(found, key=str) == sorted(shipped(), key=str)
    for obj in found:
        assert cluster.api.apply(obj, dry_run=True).expect()


def test_policy_and_webhook_select_the_same_namespaces() -> None:
    (hooks,) = shipped("MutatingWebhookConfiguration")
    policies = list(filter(refuses_what_was_missed, shipped("ValidatingAdmissionPolicy")))
    assert len(policies) == 3
    selectors = [policy["spec"]["matchConstraints"]["namespaceSelector"] for policy in policies]
    for hook in hooks["webhooks"]:
        assert selectors == [hook["namespaceSelector"]] * 3


def test_a_pod_that_requests_a_model_and_got_none_is_refused_with_a_remedy(
    plane: ControlPlane,
) -> None:
    assert refuses(
        create(plane, pod()),
        NOT_INJECTED,
        "kubectl get pods -n modelcache-system",
        "kubectl get mutatingwebhookconfiguration zz-modelcache",
    )


def test_a_pod_without_annotations_is_created(plane: ControlPlane) -> None:
    # P1 84
    plain = pod(model="")
    del plain["metadata"]["annotations"]
    assert create(plane, plain).code == 201


@pytest.mark.parametrize(
    "free",
    [
        pytest.param(pod(model="", strategy="pvc"), id="asks for no model"),
        pytest.param(pod(inject="false"), id="opted out"),
        pytest.param(pod(inject=" false "), id="opted out, with blanks"),
    ],
)
def test_a_pod_that_requests_no_model_is_created(plane: ControlPlane, free: Object) -> None:
    assert create(plane, free).code == 201


def test_a_mirror_pod_is_left_alone(plane: ControlPlane) -> None:
    mirror = pod()
    mirror["metadata"]["annotations"]["kubernetes.io/config.mirror"] = "hash"
    mirror["spec"]["nodeName"] = "n"  # as the kubelet does; API validation wants it
    assert create(plane, mirror).code == 201


@pytest.mark.parametrize("spec", ON_WINDOWS)
def test_a_windows_pod_is_left_alone(plane: ControlPlane, spec: Object) -> None:
    # P1 76
    windows = pod()
    windows["spec"] |= spec
    assert create(plane, windows).expect(201)


@pytest.mark.parametrize("spec", ELSEWHERE)
def test_a_pod_that_linux_can_run_is_none_for_windows(plane: ControlPlane, spec: Object) -> None:
    linux = pod()
    linux["spec"] |= spec
    assert refuses(create(plane, linux), NOT_INJECTED)


@pytest.mark.parametrize(
    "injected",
    [
        pytest.param(pod(volumes=(CLAIM,), mounts=(READ,)), id="claim"),
        pytest.param(
            pod(volumes=(MEMORY,), mounts=(READ,), loader=WRITE), id="memory, filled by the loader"
        ),
        pytest.param(
            pod(volumes=(CLAIM,), mounts=(WRITE,), read_only="false"), id="writable on request"
        ),
        pytest.param(
            pod(
                volumes=(CLAIM, {**CLAIM, "name": "modelcache-model-2"}),
                mounts=(READ, {**READ, "name": "modelcache-model-2", "mountPath": "/models/n"}),
            ),
            id="two models",
        ),
        pytest.param(
            pod(volumes=(CLAIM,), loader=READ, name="modelcache-verify"),
            id="read by an init container",
        ),
        pytest.param(pod(volumes=(CLAIM,), mounts=(READ,), injected=LEDGER), id="with its ledger"),
        pytest.param(
            pod(volumes=(CLAIM,), mounts=(WRITE,), injected=WRITES), id="writable by a default"
        ),
        pytest.param(
            pod(volumes=(CLAIM,), mounts=(READ,), injected=LEDGER.replace('"c"', '"renamed"')),
            id="a ledger of another pod",
        ),
        pytest.param(
            pod(
                volumes=(CLAIM, {"name": "modelcache-models", "emptyDir": {}}),
                mounts=(READ, {"name": "modelcache-models", "mountPath": "/own"}),
            ),
            id="next to a volume of the author whose name begins like ours",
        ),
        pytest.param(
            pod(volumes=(CLAIM, OTHER), mounts=(READ,), injected=LEDGER),
            id="next to a volume of the author that the ledger does not name",
        ),
    ],
)
def test_a_pod_injected_by_hand_is_created(plane: ControlPlane, injected: Object) -> None:
    # P1 83
    assert create(plane, injected).expect(201)


@pytest.mark.parametrize(
    ("broken", "text"),
    [
        pytest.param(
            pod(volumes=(CLAIM,), mounts=(WRITE,)),
            "container c could write to the model",
            id="readOnly absent",
        ),
        pytest.param(
            pod(volumes=(CLAIM,), mounts=({**READ, "readOnly": False},)),
            "container c could write to the model",
            id="readOnly false",
        ),
        pytest.param(
            pod(volumes=(CLAIM,), mounts=(WRITE,), read_only="true"),
            "container c could write to the model",
            id="asked to be read-only",
        ),
        pytest.param(
            pod(volumes=(MEMORY,), mounts=(READ,), loader=WRITE, name="other"),
            "container other could write to the model",
            id="written by a foreign init container",
        ),
        pytest.param(
            pod(volumes=(CLAIM,)), "no container mounts volume modelcache-model:", id="not mounted"
        ),
        pytest.param(
            pod(volumes=(CLAIM, {**CLAIM, "name": "modelcache-model-2"}), mounts=(READ,)),
            "no container mounts volume modelcache-model-2:",
            id="second of two not mounted",
        ),
        pytest.param(
            pod(volumes=({"name": "modelcache-model", "emptyDir": {}},), mounts=(READ,)),
            "volume modelcache-model is an empty directory on disk",
            id="an empty directory",
        ),
        pytest.param(
            pod(volumes=({"name": "modelcache-model", "sorcery": {"x": "y"}},), mounts=(READ,)),
            "volume modelcache-model is an empty directory on disk",
            id="a source that the server does not know",
        ),
        pytest.param(pod(inject="no"), NOT_INJECTED, id="opted out in other words"),
        pytest.param(
            pod(volumes=({**OTHER, "name": "modelcache-models"},)),
            NOT_INJECTED,
            id="only a volume whose name begins like ours",
        ),
        pytest.param(
            pod(volumes=(MEMORY,), loader=WRITE),
            "no container mounts volume modelcache-model:",
            id="mounted by the loader alone",
        ),
        pytest.param(
            pod(volumes=(MEMORY,), loader=WRITE, injected=LEDGER),
            "container c does not mount volume modelcache-model, which modelcache.io/injected says",
            id="mounted by the loader alone, with the ledger",
        ),
        pytest.param(
            pod(volumes=(CLAIM,), mounts=(WRITE,), injected=WRITES, read_only="true"),
            "container c could write to the model",
            id="writable by a default, but asked to be read-only",
        ),
        pytest.param(
            pod(volumes=(CLAIM,), mounts=(WRITE,), injected=LEDGER),
            "container c could write to the model",
            id="writable, and the ledger does not say so",
        ),
    ],
)
def test_a_pod_whose_injection_was_undone_is_refused(
    plane: ControlPlane, broken: Object, text: str
) -> None:
    # P1 82
    assert refuses(create(plane, broken), text)


def test_a_mount_in_another_container_does_not_stand_for_that_of_the_server(
    plane: ControlPlane,
) -> None:
    moved = pod(volumes=(CLAIM,), injected=LEDGER)
    moved["spec"]["containers"].append({"name": "proxy", "image": "i", "volumeMounts": [READ]})
    assert refuses(create(plane, moved), "container c does not mount volume modelcache-model")
    moved["spec"]["containers"][0]["volumeMounts"] = [READ]
    assert create(plane, moved).expect(201)


def test_a_server_container_is_not_taken_for_the_loader(plane: ControlPlane) -> None:
    disguised = pod(volumes=(CLAIM,), mounts=(WRITE,))
    disguised["spec"]["containers"][0]["name"] = "modelcache-loader"
    assert refuses(create(plane, disguised), "container modelcache-loader could write")


def test_an_image_volume_is_created_where_the_server_knows_it(current: ControlPlane) -> None:
    kept = create(current, pod(volumes=(IMAGE,), mounts=(READ,), strategy="image"))
    assert kept.expect(201).body["spec"]["volumes"][0]["image"]


def test_an_image_volume_that_an_old_server_drops_is_refused(old: ControlPlane) -> None:
    dropped = pod(volumes=(IMAGE,), mounts=(READ,), strategy="image")
    assert refuses(create(old, dropped), NOT_INJECTED, "this API server drops image volumes")


@pytest.mark.parametrize("where", ["modelcache-system", "kube-system", "kube-public"])
def test_the_namespaces_of_the_cluster_are_left_alone(current: ControlPlane, where: str) -> None:
    name = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": where}}
    current.api.create(name).expect(201, 409)
    current.ensure_service_account(where)
    asking = pod()
    asking["metadata"]["namespace"] = where
    assert create(current, asking).code == 201


def test_a_namespace_can_be_excluded(current: ControlPlane, namespace: NamespaceFactory) -> None:
    asking = pod()
    asking["metadata"]["namespace"] = namespace({"modelcache.io/admission": "disabled"})
    assert create(current, asking).code == 201
    asking["metadata"]["namespace"] = namespace({"modelcache.io/admission": "enabled"})
    assert refuses(create(current, asking), NOT_INJECTED)


def test_a_webhook_that_comes_later_cannot_make_the_mount_writable(
    current: ControlPlane, hook: ScriptedHook
) -> None:
    # c26
    spoiler = pointed(shipped("MutatingWebhookConfiguration"), hook.url, hook.ca)[0]
    spoiler = copy.deepcopy(spoiler)
    spoiler["metadata"]["name"] = "zzz-spoiler"
    hook.answer = lambda _: patch(add("/spec/containers/0/volumeMounts/0/readOnly", False))
    with configured(current, [spoiler]):
        answer = create(current, pod(volumes=(CLAIM,), mounts=(READ,)))
    assert len(hook.calls) == 1
    assert refuses(answer, "container c could write to the model")
