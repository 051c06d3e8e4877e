"""Warnings about what a pod has itself: its other volumes, hostIPC, and a ledger without a volume."""

import pytest

from tests.admission.admitting import Json, Webhook, facts_of, in_memory, pod_of

PVC = {"strategy": "pvc", "shm_size": "0"}
WRITABLE = {**PVC, "read_only": "false"}
IN_MEMORY = in_memory()
HOST_PATH = {"strategy": "hostPath", "shm_size": "0"}


def claim(name: str = "model-store", **source: bool) -> Json:
    return {"name": "results", "persistentVolumeClaim": {"claimName": name, **source}}


MODES: list[tuple[Json, str | None, Json, str | None]] = [
    (PVC, "1.35", claim(), "give this volume readOnly: true"),
    (PVC, "1.35", claim(readOnly=False), "give this volume readOnly: true"),
    (PVC, "1.35", claim(readOnly=True), None),
    (PVC, None, claim(), "an older one never starts the pod"),
    (PVC, "1.35", claim("other"), None),
    (WRITABLE, "1.36", claim(readOnly=True), "give this volume no readOnly"),
    (WRITABLE, "1.36", claim(), None),
    (IN_MEMORY, "1.35", claim(), "give this volume readOnly: true"),
    (IN_MEMORY, "1.35", claim(readOnly=True), None),
    (HOST_PATH, "1.35", claim(), None),
]


@pytest.mark.parametrize(("asked", "version", "volume", "said"), MODES)
def test_a_volume_that_decides_whether_the_model_is_writable_is_named(
    asked: Json, version: str | None, volume: Json, said: str | None
) -> None:
    webhook = Webhook(facts=facts_of({"kube_version": version}))
    answer = webhook.admit(pod_of(asked, limit="24Gi", volumes=[volume]))
    assert answer.allowed, answer.denial
    found = [line for line in answer.warnings if line.startswith("MC126")]
    assert len(found) == (said is not None)
    if said:
        assert found[0].startswith('MC126 spec.volumes results: mounts claim "model-store" too')
        assert said in found[0]
    again = webhook.admit(answer.admitted, raw=True)
    assert again.adds_nothing


SHM = {"volumeMounts": [{"name": "own", "mountPath": "/dev/shm/"}]}


@pytest.mark.parametrize(
    ("asked", "container", "host_ipc", "warned"),
    [
        ({}, {}, True, True),
        ({"shm_size": "8Gi"}, {}, True, True),
        ({"shm_size": "0"}, {}, True, False),
        ({}, SHM, True, False),
        ({}, {}, False, False),
    ],
)
def test_the_nodes_shared_memory_is_warned_about_where_the_pod_would_get_its_own(
    asked: Json, container: Json, host_ipc: bool, warned: bool, webhook: Webhook
) -> None:
    own = [{"name": "own", "emptyDir": {"medium": "Memory", "sizeLimit": "1Gi"}}]
    pod = pod_of({"strategy": "pvc", **asked}, container=container, hostIPC=host_ipc, volumes=own)
    answer = webhook.admit(pod)
    assert [code for code in answer.codes if code == "MC127"] == ["MC127"] * warned
    if warned:
        assert asked.get("shm_size", "2Gi") in answer.warnings[0]


LEDGER = '{"v":1,"target":"vllm","limit":"40Gi","request":"40Gi","delta":"16Gi"}'


@pytest.mark.parametrize(
    ("asked", "ledger", "warned"),
    [
        (IN_MEMORY, LEDGER, True),
        ({"strategy": "pvc"}, LEDGER, True),
        (PVC, LEDGER, False),
        ({**IN_MEMORY, "memory": "ensure"}, LEDGER, False),
        ({**IN_MEMORY, "memory": "none"}, LEDGER, False),
        (IN_MEMORY, '{"v":1,"target":"vllm"}', False),
        (IN_MEMORY, "{", False),
    ],
)
def test_a_ledger_without_a_volume_is_warned_about_where_memory_is_added_twice(
    asked: Json, ledger: str, warned: bool, webhook: Webhook
) -> None:
    answer = webhook.admit(pod_of({**asked, "injected": ledger}, limit="40Gi"))
    assert [code for code in answer.codes if code == "MC128"] == ["MC128"] * warned
    assert "MC128" not in webhook.admit(answer.admitted, raw=True).codes
