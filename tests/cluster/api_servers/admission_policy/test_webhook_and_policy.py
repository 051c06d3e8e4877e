"""What webhook and ValidatingAdmissionPolicy decide together about pods that others change too."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import yaml

from tests.admission.test_cases import CASES
from tests.cluster.api_servers.test_injection import DIGEST, mounts, other, pod, stored
from tests.kubernetes.api import Answer, Object
from tests.kubernetes.control_plane import ControlPlane
from tests.kubernetes.registration import NamespaceFactory, configured
from tests.kubernetes.scripted_hook import Review, ScriptedHook, allow, patch
from tests.kubernetes.server import Webhook, WebhookFactory

REFUSED: Final = "ValidatingAdmissionPolicy 'modelcache-injected'"


def test_pods_that_a_default_lets_write_are_created(
    cluster: ControlPlane, webhook_on: WebhookFactory, namespace: NamespaceFactory, tmp_path: Path
) -> None:
    where = namespace()
    policy = {
        "apiVersion": "modelcache.io/v1alpha1",
        "kind": "CachePolicy",
        "metadata": {"name": "scratch"},
        "spec": {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": where}},
            "defaults": {"read-only": "false"},
        },
    }
    file = tmp_path / "policy.yaml"
    file.write_text(yaml.safe_dump(policy))
    webhook_on(cluster, "", f"--policy={file}")
    (mount,) = mounts(stored(cluster, pod(where=where))["spec"]["containers"][0])
    assert not mount.get("readOnly")
    obj = pod(where=where)
    obj["metadata"]["annotations"]["modelcache.io/read-only"] = "true"
    (mount,) = mounts(stored(cluster, obj)["spec"]["containers"][0])
    assert mount["readOnly"] is True


def changed(
    cluster: ControlPlane,
    hook: ScriptedHook,
    change: Callable[[Object], list[Object]],
    obj: Object,
) -> Answer:
    """Create *obj* while a later webhook applies *change* to the pods that ours has injected."""

    def answer(review: Review) -> Object:
        operations = change(review["request"]["object"]["spec"])
        return patch(*operations) if operations else allow()

    hook.answer = answer
    with configured(cluster, [other(hook, "zzz-after-ours")]):
        return cluster.api.create(obj, dry_run=True)


def test_an_image_volume_that_a_mirror_rewrites_is_still_ours(
    cluster: ControlPlane, webhook: Webhook, namespace: NamespaceFactory, hook: ScriptedHook
) -> None:
    mirrored = "mirror.example.com/" + DIGEST

    def rewrite(spec: Object) -> list[Object]:
        return [
            {"op": "replace", "path": f"/spec/volumes/{i}/image/reference", "value": mirrored}
            for i, volume in enumerate(spec["volumes"])
            if volume.get("image", {}).get("reference") == DIGEST
        ]

    spec = changed(cluster, hook, rewrite, pod("image", where=namespace())).expect(201).body["spec"]
    (volume,) = [one for one in spec["volumes"] if "image" in one]
    assert volume["image"]["reference"] == mirrored


def test_a_mount_that_was_taken_from_the_server_is_missed_although_the_loader_has_one(
    cluster: ControlPlane, webhook: Webhook, namespace: NamespaceFactory, hook: ScriptedHook
) -> None:
    def take(spec: Object) -> list[Object]:
        found = spec["containers"][0]["volumeMounts"]
        kept = [one for one in found if not one["name"].startswith("modelcache-model")]
        path = "/spec/containers/0/volumeMounts"
        return [{"op": "replace", "path": path, "value": kept}] if kept != found else []

    answer = changed(cluster, hook, take, pod("emptyDir", where=namespace()))
    assert REFUSED in answer.message
    assert "container vllm does not mount volume modelcache-model" in answer.message


def test_pod_level_resources_with_hugepages_are_accepted_with_the_amounts_of_the_case(
    cluster: ControlPlane, webhook: Webhook, namespace: NamespaceFactory
) -> None:
    case = CASES / "pod-level-hugepages-and-a-proxy-in-front-change-no-sum"
    obj = yaml.safe_load((case / "pod.yaml").read_text())
    expected = yaml.safe_load((case / "expected.yaml").read_text())["pod"]["spec"]
    obj["metadata"]["namespace"] = namespace()
    spec = stored(cluster, obj)["spec"]
    wanted = expected["resources"]
    for kind in ("limits", "requests"):
        assert set(spec["resources"][kind].items()) >= set(wanted[kind].items())
    (loader,) = spec["initContainers"]
    assert loader["resources"] == expected["initContainers"][0]["resources"]
    assert [c["name"] for c in spec["containers"] if mounts(c)] == ["v"]
