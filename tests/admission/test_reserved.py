"""Names and mounts of a pod that are reserved for the webhook."""

import json

import pytest

from tests.admission.admitting import Json, Webhook, in_memory, named, pod_of


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("modelcache-shm", {"emptyDir": {}}),
        ("modelcache-model", {"hostPath": {"path": "/"}}),
        ("modelcache-model", {"nfs": {"server": "x", "path": "/"}}),
        ("modelcache-model", {"persistentVolumeClaim": {"claimName": "other", "readOnly": True}}),
    ],
)
def test_t52_a_volume_of_our_name_with_another_source_is_refused(
    name: str, source: Json, webhook: Webhook
) -> None:
    answer = webhook.admit(pod_of({"strategy": "pvc"}, volumes=[{"name": name, **source}]))
    assert answer.codes == ["MC010"]


@pytest.mark.parametrize(
    "name",
    [
        *("modelcache-models", "modelcache-model-cards", "my-modelcache-model"),
        *("modelcache-model-0", "modelcache-model-1", "modelcache-model-02", "modelcache-store-1"),
    ],
)
def test_a_name_that_only_begins_like_ours_is_left_to_the_author(
    name: str, webhook: Webhook
) -> None:
    mount = {"name": name, "mountPath": "/mine"}
    pod = pod_of({"strategy": "pvc"}, volumes=[{"name": name, "emptyDir": {}}])
    pod["spec"]["containers"].insert(0, {"name": "first", "volumeMounts": [mount]})
    answer = webhook.admit(pod)
    assert named(answer.spec["containers"], "first")["volumeMounts"] == [mount]
    assert answer.container()["volumeMounts"][0]["name"] == "modelcache-model"


def test_t90_container_named_like_ours_is_refused(webhook: Webhook) -> None:
    for name in ("modelcache-loader", "modelcache-verify"):
        pod = pod_of(in_memory(), initContainers=[{"name": name, "image": "x"}])
        assert webhook.admit(pod).codes == ["MC011"]


def test_a_container_whose_image_a_mirror_webhook_rewrote_is_still_ours(webhook: Webhook) -> None:
    for asked in (in_memory(), {"strategy": "pvc", "verify": "true"}):
        pod = webhook.admit(pod_of(asked, limit="24Gi")).admitted
        for container in (*pod["spec"]["containers"], *pod["spec"]["initContainers"]):
            container["image"] = "mirror.example.com/" + container["image"]
        assert webhook.admit(pod, raw=True).adds_nothing


def test_a_loader_by_hand_writes_to_no_store(webhook: Webhook) -> None:
    pod = webhook.admit(pod_of({"strategy": "hostPath", "shm_size": "0"})).admitted
    mount = {"name": "modelcache-model", "mountPath": "/x"}
    pod["spec"]["initContainers"] = [
        {"name": "modelcache-loader", "command": ["modelcache"], "volumeMounts": [mount]}
    ]
    assert webhook.admit(pod, raw=True).codes == ["MC010"]


def test_the_ledger_names_the_containers_that_mount_the_models(webhook: Webhook) -> None:
    # The policy refuses a pod in which one of them does not.
    elsewhere = {"valueFrom": {"configMapKeyRef": {"name": "c", "key": "k"}}}
    other = {
        **pod_of()["spec"]["containers"][0],
        "name": "other",
        "env": [{"name": "HF_HUB_CACHE", **elsewhere}],
    }
    for layout, reading in (("auto", ["vllm", "other"]), ("hf-cache", ["vllm"])):
        pod = pod_of({"strategy": "pvc", "layout": layout, "containers": "vllm,other"})
        pod["spec"]["containers"].append(other)
        answer = webhook.admit(pod)
        ledger = json.loads(answer.annotations["modelcache.io/injected"])
        assert ledger["containers"] == reading
        assert ledger["volumes"] == ["modelcache-model", "modelcache-shm"]
        for container in answer.spec["containers"]:
            mounts = [m["name"] for m in container.get("volumeMounts", ())]
            assert ("modelcache-model" in mounts) is (container["name"] in reading)
