"""Each row of rules.yaml, in every mode and for every kind: what rules find, and what follows."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import pytest
from prometheus_client import generate_latest

from tests.admission.admitting import (
    Json,
    Webhook,
    cache_policy,
    facts_of,
    in_memory,
    pod_of,
    policy_of,
)
from tests.admission.judging import facts, judged
from tests.admission.rules import MODES, Row, rows
from webhook.admission.policy.rules.catalogue import BY_NAME, RULES

ROWS: Final = list(rows())
LEAST: Final = 109
CHECKS: Final = [
    pytest.param(row, mode, kind, id=f"{row.row}-{mode}-{kind}")
    for row in ROWS
    for mode in MODES
    for kind in row.all_kinds
]


@dataclass(frozen=True)
class Verdict:
    """What follows for anyone who applies an object."""

    refused: str
    """The refusal's text."""
    forbidden: bool
    warned: list[str]
    audited: str

    def codes(self) -> list[str]:
        return [text for text in (self.refused, *self.warned, self.audited) if text]


def requested(row: Row, mode: str, kind: str) -> Verdict:
    """Return what the webhook answers to a pod that asks, or to its workload."""
    webhook = Webhook(facts=facts(row), policy=policy_of(*row.documents(mode)))
    answer = webhook.admit(row.object(kind), kind=kind, namespace=row.namespace)
    status = answer.response.get("status", {})
    return Verdict(
        refused=status.get("message", ""),
        forbidden=status.get("reason") == "Forbidden",
        warned=answer.warnings,
        audited=answer.response.get("auditAnnotations", {}).get("rules", ""),
    )


def seen(row: Row, mode: str, kind: str) -> Verdict:
    """Return what is found in a pod as it will run."""
    found = judged(row, mode, kind)
    judge, findings = found.judge, found.findings
    refusing = "; ".join(map(str, judge.refusing(findings)))
    warned = [str(problem) for problem in judge.warnings(findings)]
    if kind != "Pod" and refusing:  # their pods will be refused
        refusing, warned = "", [*warned, refusing]
    audited = "; ".join(str(f.problem) for f in findings if f.mode == "audit")
    return Verdict(refusing, bool(refusing), warned, audited)


def verdict(row: Row, mode: str, kind: str) -> Verdict:
    return {"requests": requested, "state": seen}[row.by](row, mode, kind)


def found_in(text: str, codes: list[str]) -> list[str]:
    """Return the codes of rules that *text* has, in its order."""
    words = text.replace(";", " ").split()
    return [word for word in words if word in codes]


OF_RULES: Final = [rule.code for rule in RULES]


@pytest.mark.parametrize(("row", "mode", "kind"), CHECKS)
def test_a_rule_finds_what_it_should_and_its_mode_decides_what_follows(
    row: Row, mode: str, kind: str
) -> None:
    got = verdict(row, mode, kind)
    is_pod, is_found, refusal = kind == "Pod", row.is_found(mode), row.refusal(mode)
    codes = row.codes or [BY_NAME[row.rule].code]
    wanted = codes if is_found else []
    warned = " ".join(got.warned)
    if mode == "enforce" and is_pod:
        assert found_in(got.refused, OF_RULES) == wanted, got
        assert found_in(warned, OF_RULES) == [], got
    elif mode == "audit":
        assert found_in(got.audited, OF_RULES) == wanted, got
        assert found_in(got.refused + warned, OF_RULES) == [], got
    else:
        assert found_in(warned, OF_RULES) == wanted, got
    if mode != "audit":
        assert not found_in(got.audited, OF_RULES), got
    if is_pod:
        assert bool(got.refused) == bool(refusal or (is_found and mode == "enforce")), got
        assert refusal in got.refused
        assert got.forbidden == bool(got.refused and not refusal)
    else:
        assert not got.refused, "a workload is never refused"
        assert refusal in warned
    if is_found:
        text = " ".join((got.refused, *got.warned, got.audited))
        assert [said for said in row.says if said not in text] == []
        assert f"rule {row.rule} of CachePolicy platform" in text
    for code in row.warns.get(mode, ()):
        assert f"{code} " in warned


def with_rules(unknown: str = "Warn", **rules: Json) -> Webhook:
    return Webhook(policy=policy_of(cache_policy(unknownAnnotations=unknown, rules=rules)))


def test_auto_that_finds_only_forbidden_strategies_is_refused_by_the_rule() -> None:
    webhook = with_rules(allowedStrategies={"mode": "enforce", "strategies": ["emptyDir"]})
    answer = webhook.admit(pod_of())
    assert answer.response["status"]["code"] == 403
    assert found_in(answer.denial, OF_RULES) == ["MC031"] * 3
    assert [found["rule"] for found in webhook.lines[-1]["findings"]] == ["allowedStrategies"] * 3


def test_what_auto_chose_is_kept_in_a_second_review_although_a_rule_came_in_between() -> None:
    before = Webhook(facts=facts_of({"claims": {"model-store": {}}})).admit(pod_of())
    webhook = with_rules(allowedStrategies={"mode": "warn", "strategies": ["hostPath"]})
    again = webhook.admit(before.admitted)
    assert again.adds_nothing
    assert found_in(" ".join(again.warnings), OF_RULES) == ["MC031"]


def test_a_mistake_and_a_finding_are_refused_together_as_a_mistake() -> None:
    webhook = with_rules(maxSharedMemory={"mode": "enforce", "size": "1Gi"})
    answer = webhook.admit(pod_of({"strategy": "pvc", "verify": "yes"}))
    assert answer.response["status"]["code"] == 422
    assert "MC001 modelcache.io/verify" in answer.denial
    assert "MC038 rule maxSharedMemory of CachePolicy platform" in answer.denial


def test_findings_of_every_mode_are_named_counted_and_logged() -> None:
    webhook = with_rules(
        maxSharedMemory={"mode": "warn", "size": "1Gi"},
        pinnedRevisions={"mode": "audit"},
        allowedStrategies={"mode": "enforce", "strategies": ["image"]},
    )
    answer = webhook.admit(pod_of({"strategy": "pvc"}), dryRun=True)
    assert found_in(answer.denial, OF_RULES) == ["MC031"]
    assert found_in(" ".join(answer.warnings), OF_RULES) == ["MC038"]
    assert found_in(answer.response["auditAnnotations"]["rules"], OF_RULES) == ["MC036"]
    assert [list(found.values()) for found in webhook.lines[-1]["findings"]] == [
        ["allowedStrategies", "MC031", "enforce", "platform"],
        ["pinnedRevisions", "MC036", "audit", "platform"],
        ["maxSharedMemory", "MC038", "warn", "platform"],
    ]
    page = generate_latest(webhook.telemetry.registry).decode()
    for rule, mode in (
        ("allowedStrategies", "enforce"), ("pinnedRevisions", "audit"), ("maxSharedMemory", "warn"),
    ):  # fmt: skip
        labels = f'dry_run="true",mode="{mode}",rule="{rule}",subject="pod"'
        assert f"modelcache_rule_findings_total{{{labels}}} 1.0" in page


def test_an_injected_pod_keeps_its_strategy_in_the_audit_annotations() -> None:
    webhook = with_rules(pinnedRevisions={"mode": "audit"})
    answer = webhook.admit(pod_of({"strategy": "pvc"}))
    assert set(answer.response["auditAnnotations"]) == {"strategy", "rules"}


@pytest.mark.parametrize("model", ["acme/coder", None])
def test_an_unknown_annotation_is_refused_where_a_policy_says_so(model: str | None) -> None:
    pod = pod_of({"modle": "x"})
    if model is None:
        del pod["metadata"]["annotations"]["modelcache.io/model"]
    warned = Webhook().admit(pod)
    assert warned.allowed
    [text] = [w for w in warned.warnings if w.startswith("MC101 ")]
    refused = with_rules(unknown="Refuse").admit(pod)
    assert refused.response["status"]["code"] == 422
    assert refused.denial == text.replace("MC101", "MC022")
    assert not [w for w in refused.warnings if w.startswith("MC101 ")]


def test_a_policy_that_selects_another_namespace_refuses_no_unknown_annotation() -> None:
    labels = {"matchLabels": {"team": "web"}}
    policy = policy_of(cache_policy(namespaceSelector=labels, unknownAnnotations="Refuse"))
    facts = facts_of({"namespace_labels": {"team": "ml"}})
    assert Webhook(facts=facts, policy=policy).admit(pod_of({"modle": "x"})).allowed


def test_replicas_of_an_excused_name_do_not_share_the_answer_of_others() -> None:
    rule = {"mode": "enforce", "size": "1Gi", "except": ["default/debug-*"]}
    webhook = with_rules(maxSharedMemory=rule)
    pods = [pod_of() for _ in range(3)]
    for pod, name in zip(pods, ("app-", "debug-", "app-"), strict=True):
        pod["metadata"]["generateName"] = name
    assert [webhook.admit(pod).allowed for pod in pods] == [False, True, False]


def test_an_enforced_root_replaces_the_node_cache_that_pods_may_name() -> None:
    pod = pod_of({"host_path": "/mnt/models"})
    assert "MC013" in Webhook().admit(pod).denial
    webhook = with_rules(hostPathRoots={"mode": "enforce", "roots": ["/mnt/models"]})
    assert webhook.admit(pod).volume()["hostPath"]["path"].startswith("/mnt/models/")


@pytest.mark.parametrize(("mode", "refuses"), [("enforce", True), ("warn", False)])
def test_a_loader_that_downloads_refuses_pickles_if_the_rule_is_enforced(
    mode: str, refuses: bool
) -> None:
    webhook = with_rules(safetensorsOnly={"mode": mode})
    answer = webhook.admit(pod_of(in_memory(load_from="source")))
    loader = answer.init("modelcache-loader")
    assert ("--safetensors-only" in [*loader["command"], *loader.get("args", [])]) == refuses


def test_the_codes_of_rules_are_kept() -> None:
    assert OF_RULES == [
        "MC031", "MC032", "MC033", "MC034", "MC035", "MC036", "MC037", "MC038", "MC039", "MC040",
        "MC041",
    ]  # fmt: skip


def test_the_table_is_large_and_has_every_rule_and_no_row_twice() -> None:
    assert len(ROWS) >= LEAST
    assert len({row.row for row in ROWS}) == len(ROWS)
    assert {row.rule for row in ROWS} == set(BY_NAME)
    assert len(CHECKS) > 600


def both(rule: str) -> Iterator[Row]:
    yield from (row for row in ROWS if row.rule == rule)


@pytest.mark.parametrize("rule", BY_NAME)
def test_every_rule_has_rows_that_find_and_rows_that_do_not(rule: str) -> None:
    found = [row.finds if isinstance(row.finds, bool) else True for row in both(rule)]
    assert any(found)
    assert not all(found)
