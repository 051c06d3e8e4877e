"""Strategy auto: what it takes, what it passes over, what it stays with."""

import pytest

from tests.admitting import Json, Webhook, cached_model, pod_of, policy_of
from tests.test_strategies import BASELINE, COMMIT, IMAGE, claims, webhook_of


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
    asked = {"model": f"acme/coder@{COMMIT}", "image": IMAGE, "shm_size": "0"}
    answer = webhook_of(**{"kube_version": "1.35", **facts}).admit(pod_of(asked))
    assert kind in answer.volume()
    assert [c for c in answer.codes if c == "MC103"] == codes


def test_auto_stays_with_the_strategy_of_the_first_review() -> None:
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
    ("asked", "codes"),
    [
        ({"image": IMAGE, "host_path": "/var/lib/model-cache/a"}, []),
        ({"load_from": "node"}, ["MC102"]),
        ({"strategy": "pvc", "image": IMAGE}, ["MC102"]),
    ],
)
def test_what_another_choice_of_auto_would_read_is_no_mistake(
    asked: Json, codes: list[str], webhook: Webhook
) -> None:
    assert webhook.admit(pod_of(asked)).codes == codes
