"""Strategy auto: which strategy it chooses, and which it skips."""

import pytest

from tests.admission.admitting import (
    Answer,
    Json,
    Webhook,
    cached_model,
    facts_of,
    pod_of,
    policy_of,
)
from tests.admission.test_strategies import BASELINE, COMMIT, IMAGE, claims, ready, webhook_of
from webhook.models.layout import node_label
from webhook.objects.facts import CLAIMS

THEIRS = {"name": "weights", "persistentVolumeClaim": {"claimName": "model-store"}}


HOLDING = {"nodes": [{node_label("acme/coder", COMMIT): "ready"}]}
ON_NO_NODE: Json = {"nodes": [{}]}
ABSENT: Json = {"claims": {}}
PENDING = claims(phase="Pending")
OF_ONE_NODE = claims(access_modes=["ReadWriteOnce"])
OF_ONE_NODE_AND_PENDING = claims(access_modes=["ReadWriteOnce"], phase="Pending")
OF_ONE_POD = claims(access_modes=["ReadWriteOncePod"])
OLD = {"kube_version": "1.34"}
"""An API server that may drop image volumes."""

# The facts, the strategy that is taken, what the pod waits for or is told, and what is passed over.
CHOICES: list[tuple[Json, str, str, str]] = [
    ({}, "pvc", "", ""),
    ({**ABSENT, **HOLDING}, "hostPath", "", "pvc"),
    ({**PENDING, **HOLDING}, "hostPath", "", "pvc"),
    ({**OF_ONE_NODE, **HOLDING}, "hostPath", "", "pvc"),
    ({**OF_ONE_POD, **HOLDING}, "hostPath", "", "pvc"),
    ({**ABSENT, **ON_NO_NODE}, "image", "", "pvc hostPath"),
    ({**ABSENT, **BASELINE}, "image", "", "pvc hostPath"),
    ({**ABSENT, **HOLDING, **BASELINE}, "image", "", "pvc hostPath"),
    ({**OF_ONE_NODE, **ON_NO_NODE}, "image", "", "pvc hostPath"),
    (BASELINE, "pvc", "", ""),
    # Nothing is known to work now.
    ({**ABSENT, **OLD}, "pvc", "MC137", "hostPath image"),
    ({**ABSENT, **ON_NO_NODE, **OLD}, "pvc", "MC137", "hostPath image"),
    ({**ABSENT, **BASELINE, **OLD}, "pvc", "MC137", "hostPath image"),
    ({**PENDING, **OLD}, "pvc", "MC137", "hostPath image"),
    ({**OF_ONE_NODE, **OLD}, "pvc", "MC140", ""),
    ({**OF_ONE_NODE, **ON_NO_NODE, **OLD}, "pvc", "MC140", ""),
    ({**OF_ONE_NODE_AND_PENDING, **OLD}, "pvc", "MC140 MC137", "hostPath image"),
    ({**OF_ONE_POD, **ON_NO_NODE, **OLD}, "hostPath", "MC138", "pvc image"),
    # What is not known is no obstacle.
    ({**OF_ONE_POD, **OLD}, "hostPath", "", "pvc"),
    ({**ABSENT, "stale": {"nodes": "2 h"}, **OLD}, "pvc", "MC137", "hostPath image"),
    ({"stale": {CLAIMS: "2 h"}, **HOLDING}, "pvc", "MC143", ""),
]


@pytest.mark.parametrize(("facts", "strategy", "said", "passed"), CHOICES)
def test_t63_auto_takes_what_works_now_and_else_the_first_that_may(
    facts: Json, strategy: str, said: str, passed: str
) -> None:
    asked = {"model": f"acme/coder@{COMMIT}", "image": IMAGE, "shm_size": "0", "strategy": "auto"}
    answer = webhook_of(**{"kube_version": "1.35", **facts}).admit(pod_of(asked))
    assert answer.response["auditAnnotations"] == {"strategy": strategy}
    assert [c for c in answer.codes if c != "MC103"] == said.split()
    assert passed_over(answer) == passed.split()


def passed_over(answer: Answer) -> list[str]:
    """Return the strategies that the warnings name as passed over, each once."""
    found = [
        w.split(": ", 1)[1].split(" passed over: ")[0] for w in answer.warnings if "MC103" in w
    ]
    return list(dict.fromkeys(found))


# What the CachedModel offers, the facts, the strategy that is taken, what is said, and passed over.
OFFERS: list[tuple[str, Json, str, str, str]] = [
    ("hostPath pvc", {}, "hostPath", "", ""),
    ("hostPath pvc", {**ON_NO_NODE, **ABSENT}, "hostPath", "MC138", "pvc"),
    ("hostPath pvc", {**ON_NO_NODE, **PENDING}, "hostPath", "MC138", "pvc"),
    ("hostPath pvc", ON_NO_NODE, "hostPath", "MC138", "pvc"),
    ("hostPath pvc", {**ON_NO_NODE, **OF_ONE_NODE}, "pvc", "MC140", "hostPath"),
    ("hostPath pvc", {**ON_NO_NODE, **claims()}, "pvc", "", "hostPath"),
    ("hostPath pvc", {**BASELINE, **ABSENT}, "pvc", "MC137", "hostPath"),
    ("pvc hostPath", {**ON_NO_NODE, **ABSENT}, "pvc", "MC137", "hostPath"),
    ("emptyDir pvc", ABSENT, "emptyDir", "MC137", "pvc"),
    ("emptyDir hostPath", {**ABSENT, **HOLDING}, "hostPath", "", "emptyDir"),
]


@pytest.mark.parametrize(("offered", "facts", "strategy", "said", "passed"), OFFERS)
def test_auto_waits_for_the_store_that_the_catalogue_names_first(
    offered: str, facts: Json, strategy: str, said: str, passed: str
) -> None:
    source = f"acme/coder@{COMMIT}"
    policy = policy_of(cached_model("coder", source, strategies=offered.split(), size="3Gi"))
    webhook = Webhook(policy=policy, facts=facts_of({**OLD, **facts}))
    answer = webhook.admit(pod_of({"model": "coder", "shm_size": "0"}, limit="24Gi"))
    assert answer.response["auditAnnotations"] == {"strategy": strategy}
    assert [c for c in answer.codes if c != "MC103"] == said.split()
    assert passed_over(answer) == passed.split()


def test_auto_passes_over_a_store_that_is_loading_for_an_image() -> None:
    status = {"conditions": [ready("False", "Loading")]}
    policy = policy_of(cached_model("coder", "acme/coder", image=IMAGE, status=status))
    webhook = Webhook(policy=policy, facts=facts_of({"kube_version": "1.35"}))
    answer = webhook.admit(pod_of({"model": "coder", "shm_size": "0"}))
    assert "image" in answer.volume()
    assert passed_over(answer) == ["pvc", "hostPath"]


def test_one_annotation_that_comes_before_its_claim_gives_a_pod_that_mounts_it() -> None:
    answer = webhook_of(**ABSENT, **ON_NO_NODE).admit(pod_of())
    claim = {"claimName": "model-store", "readOnly": True}
    assert answer.volume()["persistentVolumeClaim"] == claim
    assert answer.codes[0] == "MC137"


BETWEEN: list[tuple[Json, Json]] = [
    ({**ABSENT, **HOLDING}, claims()),
    ({**ABSENT, **ON_NO_NODE}, {**claims(), **HOLDING}),
    ({**ABSENT, **OLD}, claims()),
    ({**PENDING, **OLD}, {**claims(), **HOLDING}),
    ({**OF_ONE_NODE, **OLD}, {**OF_ONE_NODE, **HOLDING}),
    ({**claims(), **OLD}, {**ABSENT, **HOLDING}),
    ({**ABSENT, **OLD}, {"stale": {CLAIMS: "2 h", "nodes": "2 h"}}),
]
"""Facts at the first review, and at the second."""


@pytest.mark.parametrize("asked", [{}, {"image": IMAGE, "strategy": "auto"}, {"strategy": "pvc"}])
@pytest.mark.parametrize(("first", "second"), BETWEEN)
def test_a_second_review_changes_nothing_if_a_store_came_or_went_in_between(
    first: Json, second: Json, asked: Json
) -> None:
    asked = {"model": f"acme/coder@{COMMIT}", "shm_size": "0", **asked}
    answer = webhook_of(**{"kube_version": "1.35", **first}).admit(pod_of(asked))
    later = webhook_of(kube_version="1.35", **second).admit(answer.admitted, raw=True)
    assert later.adds_nothing
    assert later.warnings == []


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
    webhook = webhook_of(**OF_ONE_POD)
    assert webhook.admit(pod_of({"claim": "model-store"})).codes == ["MC005"]
    answer = webhook.admit(pod_of({"claim": "model-store", "strategy": "auto"}))
    assert "hostPath" in answer.volume()


def test_a_claim_that_is_named_and_absent_is_waited_for_and_not_passed_over() -> None:
    asked = {"claim": "mine", "model": f"acme/coder@{COMMIT}", "shm_size": "0"}
    webhook = webhook_of(**ABSENT, **HOLDING)
    assert webhook.admit(pod_of(asked)).codes == ["MC137"]
    assert "hostPath" in webhook.admit(pod_of({**asked, "strategy": "auto"})).volume()


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
