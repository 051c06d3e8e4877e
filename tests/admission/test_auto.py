"""Strategy auto: which strategy it chooses, and which it skips."""

import pytest

from tests.admission.admitting import Json, Webhook, cached_model, facts_of, pod_of, policy_of
from tests.admission.test_strategies import BASELINE, COMMIT, IMAGE, claims, webhook_of

THEIRS = {"name": "weights", "persistentVolumeClaim": {"claimName": "model-store"}}


@pytest.mark.parametrize(
    ("facts", "kind", "codes"),
    [
        ({}, "persistentVolumeClaim", []),
        ({"claims": {}}, "hostPath", ["MC103"]),
        ({"claims": {}, **BASELINE}, "image", ["MC103", "MC103"]),
        (BASELINE, "persistentVolumeClaim", []),
    ],
)
def test_t63_auto_takes_the_first_without_an_obstacle(
    facts: Json, kind: str, codes: list[str]
) -> None:
    asked = {"model": f"acme/coder@{COMMIT}", "image": IMAGE, "shm_size": "0", "strategy": "auto"}
    answer = webhook_of(**{"kube_version": "1.35", **facts}).admit(pod_of(asked))
    assert kind in answer.volume()
    assert [c for c in answer.codes if c == "MC103"] == codes


def test_auto_keeps_the_strategy_of_the_first_review() -> None:
    webhook = webhook_of(claims={})
    answer = webhook.admit(pod_of({"shm_size": "0"}))
    assert "hostPath" in answer.volume()
    later = webhook_of(**claims())
    assert later.admit(answer.admitted, raw=True).adds_nothing


def test_auto_follows_the_order_of_the_catalogue() -> None:
    policy = policy_of(cached_model("coder", "acme/coder", strategies=["hostPath", "pvc"]))
    webhook = Webhook(policy=policy)
    assert "hostPath" in webhook.admit(pod_of({"model": "coder"})).volume()
    answer = webhook.admit(pod_of({"model": "coder", "strategy": "emptyDir", "size": "1Gi"}))
    assert answer.codes == ["MC020"]


@pytest.mark.parametrize(
    ("asked", "kind"),
    [
        ({"claim": "models"}, "persistentVolumeClaim"),
        ({"host_path": "/var/lib/model-cache/a"}, "hostPath"),
        ({"image": IMAGE}, "image"),
        ({"image": IMAGE, "strategy": "hostPath"}, "hostPath"),
    ],
)
def test_an_annotation_of_one_strategy_means_that_strategy(asked: Json, kind: str) -> None:
    assert kind in webhook_of(kube_version="1.35").admit(pod_of(asked)).volume()


def test_a_claim_that_is_named_and_can_not_work_is_refused_and_not_passed_over() -> None:
    answer = webhook_of(claims={}).admit(pod_of({"claim": "mine"}))
    assert answer.codes == ["MC005"]
    answer = webhook_of(claims={}).admit(pod_of({"claim": "mine", "strategy": "auto"}))
    assert "hostPath" in answer.volume()


@pytest.mark.parametrize(
    ("asked", "codes"),
    [
        ({"image": IMAGE, "host_path": "/var/lib/model-cache/a"}, []),
        ({"load_from": "node"}, ["MC102"]),
        ({"strategy": "pvc", "image": IMAGE}, ["MC102"]),
    ],
)
def test_an_annotation_for_another_choice_of_auto_is_accepted(
    asked: Json, codes: list[str], webhook: Webhook
) -> None:
    assert webhook.admit(pod_of(asked)).codes == codes


def test_a_claim_that_the_pod_mounts_already_is_passed_over_before_1_35() -> None:
    pod = pod_of({"shm_size": "0"}, volumes=[THEIRS])
    answer = webhook_of(kube_version="1.34").admit(pod)
    assert "hostPath" in answer.volume()
    assert answer.codes == ["MC103"]
    assert webhook_of(kube_version="1.34").admit(answer.admitted, raw=True).adds_nothing
    assert "persistentVolumeClaim" in webhook_of(kube_version="1.35").admit(pod).volume()


def test_a_loader_does_not_copy_from_a_claim_that_the_pod_mounts_already() -> None:
    order = ["emptyDir", "hostPath"]
    policy = policy_of(cached_model("coder", "acme/coder", strategies=order, size="1Gi"))
    webhook = Webhook(policy=policy, facts=facts_of({"kube_version": "1.34"}))
    asked = {"model": "coder", "shm_size": "0"}
    assert "emptyDir" in webhook.admit(pod_of(asked)).volume()
    assert "hostPath" in webhook.admit(pod_of(asked, volumes=[THEIRS])).volume()


def test_if_no_strategy_is_left_the_claim_that_the_pod_mounts_is_named() -> None:
    answer = webhook_of(kube_version="1.34", **BASELINE).admit(pod_of(volumes=[THEIRS]))
    assert answer.codes[:2] == ["MC014", "MC005"]
    assert "MC005 spec.volumes weights: mounts claim" in answer.denial


def test_a_volume_that_names_the_injected_claim_later_is_refused() -> None:
    webhook = webhook_of(kube_version="1.34")
    pod = webhook.admit(pod_of({"shm_size": "0"})).admitted
    pod["spec"]["volumes"].append(THEIRS)
    assert webhook.admit(pod, raw=True).codes == ["MC005"]
