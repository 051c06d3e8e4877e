"""The alerts, rule by rule, in promtool: each fires when it should, and not before."""

import dataclasses
import re
from pathlib import Path

import pytest

from tests.cluster.api_servers.chart.rules import RULES, groups, promtool, rules, write
from tests.docs.manual import hold, table
from tests.kubernetes.api import Object

HOOK = "inject.modelcache.io"
FAIL_OPEN = f'apiserver_admission_webhook_fail_open_count{{name="{HOOK}",type="admit"}}'
REJECTED = (
    f'apiserver_admission_webhook_rejection_count{{name="{HOOK}",type="admit",operation="CREATE",'
    'error_type="%s",rejection_code="0"}'
)
BUCKET = f'apiserver_admission_webhook_admission_duration_seconds_bucket{{name="{HOOK}",type="admit",le="%s"}}'
POD = 'pod="modelcache-webhook-0"'
NAMED = {"name": HOOK}
REPLICA = {"pod": "modelcache-webhook-0"}
WEEK = 168 * 3600
Series = dict[str, str]
"""Series → values a minute apart, as promtool writes them."""


@dataclasses.dataclass(frozen=True)
class Case:
    """When an alert fires, with which labels, and similar series for which it does not."""

    fires: tuple[Series, ...]
    quiet: tuple[Series, ...]
    labels: Series = dataclasses.field(default_factory=dict)
    minutes: int = 20


def replica(metric: str, values: str, **labels: str) -> Series:
    more = "".join(f',{key}="{value}"' for key, value in labels.items())
    return {f"{metric}{{{POD}{more}}}": values}


def slow(share: str) -> Series:
    """Return one call each second, of which *share* a minute take less than a second."""
    return {BUCKET % "1": f"0+{share}x30", BUCKET % "2.5": "0+60x30", BUCKET % "+Inf": "0+60x30"}


CASES: dict[str, Case] = {
    "ModelcacheNotAsked": Case(
        fires=(
            {FAIL_OPEN: "0x15 1x30"},
            {FAIL_OPEN: "_x15 3x30"},  # the series begins with its first failure
        ),
        quiet=(
            {FAIL_OPEN: "7x60"},
            {FAIL_OPEN: "0x5 4x60"},  # a quarter of an hour ago
            {FAIL_OPEN.replace(HOOK, "inject.example.com"): "0x15 1x30"},
        ),
        labels=NAMED,
        minutes=18,
    ),
    "ModelcacheCallsFail": Case(
        fires=(
            {REJECTED % "calling_webhook_error": "0x15 1x30"},
            {REJECTED % "calling_webhook_error": "_x15 1x30"},
        ),
        quiet=(
            {REJECTED % "no_error": "0+9x60"},  # refused by the webhook, as intended
            {REJECTED % "calling_webhook_error": "7x60"},
        ),
        labels=NAMED,
        minutes=18,
    ),
    "ModelcacheSlow": Case(
        fires=(slow("57"),),
        quiet=(slow("60"), {**slow("57"), BUCKET % "1": "0+57x5 345+60x30"}),
        labels=NAMED,
    ),
    "ModelcacheNoReplicaReady": Case(
        fires=({"modelcache_ready": "0x60"}, {"up": "1x60"}),
        quiet=(
            {'modelcache_ready{pod="a"}': "0x60", 'modelcache_ready{pod="b"}': "1x60"},
            {"modelcache_ready": "1x19 0x1"},  # for less than two minutes
        ),
        labels={},
    ),
    "ModelcacheCertificateExpires": Case(
        fires=(
            replica("modelcache_certificate_not_after_timestamp_seconds", f"{WEEK // 6}x60", kind="leaf"),
        ),
        quiet=(
            replica("modelcache_certificate_not_after_timestamp_seconds", f"{WEEK // 6 + 1300}x60", kind="leaf"),
            replica("modelcache_certificate_not_after_timestamp_seconds", "3600x60", kind="authority"),
        ),
        labels={**REPLICA, "kind": "leaf"},
    ),
    "ModelcacheControllerDown": Case(
        fires=(replica("modelcache_controller_up", "1x10 0x30"),),
        quiet=(
            replica("modelcache_controller_up", "1x60"),
            replica("modelcache_controller_up", "1x17 0x30"),
        ),
        labels=REPLICA,
    ),
    "ModelcacheNotEnforcing": Case(
        fires=(replica("modelcache_enforcing", "0x60"),),
        quiet=(
            replica("modelcache_enforcing", "1x60"),
            replica("modelcache_enforcing", "1x10 0x30"),
        ),
        labels=REPLICA,
    ),
    "ModelcacheConcern": Case(
        fires=(replica("modelcache_concerns", "1x60", topic="registration"),),
        quiet=(
            replica("modelcache_concerns", "0x60", topic="registration"),
            replica("modelcache_concerns", "0x12 1x30", topic="registration"),
            replica("modelcache_concerns", "1x60", topic="api-server"),
            replica("modelcache_concerns", "1x60", topic="enforcement"),
            replica("modelcache_concerns", "1x60", topic="facts"),
        ),
        labels={**REPLICA, "topic": "registration"},
    ),
    "ModelcacheFactsStale": Case(
        fires=(replica("modelcache_facts_live", "1x6 0x30", kind="nodes"),),
        quiet=(
            replica("modelcache_facts_live", "1x60", kind="nodes"),
            replica("modelcache_facts_live", "1x17 0x30", kind="nodes"),
        ),
        labels={**REPLICA, "kind": "nodes"},
    ),
    "ModelcacheCABundleNotWritten": Case(
        fires=(replica("modelcache_ca_bundle_patches_total", "0+1x60", result="error"),),
        quiet=(
            replica("modelcache_ca_bundle_patches_total", "0+1x60", result="ok"),
            replica("modelcache_ca_bundle_patches_total", "0+1x60", result="conflict"),
            replica("modelcache_ca_bundle_patches_total", "0x18 1x30", result="error"),
        ),
        labels={**REPLICA, "result": "error"},
    ),
    "ModelcacheSheds": Case(
        fires=(replica("modelcache_admission_shed_total", "0x18 1x30"),),
        quiet=(replica("modelcache_admission_shed_total", "9x60"),),
        labels=REPLICA,
    ),
    "ModelcachePanics": Case(
        fires=(replica("modelcache_admission_panics_total", "0x18 1x30"),),
        quiet=(replica("modelcache_admission_panics_total", "2x60"),),
        labels=REPLICA,
    ),
}  # fmt: skip


def expected(rule: Object, labels: Series) -> Object:
    """Return the alert as Prometheus sends it, with its templates filled in."""

    def filled(text: str) -> str:
        return re.sub(r"\{\{ \$labels\.(\w+) \}\}", lambda found: labels[found[1]], text)

    annotations = {key: filled(text) for key, text in rule["annotations"].items()}
    return {"exp_labels": rule["labels"] | labels, "exp_annotations": annotations}


@pytest.mark.parametrize("name", RULES)
def test_an_alert_fires_when_it_should_and_not_before(name: str, tmp_path: Path) -> None:
    case = CASES[name]  # a rule without a case fails
    rule = RULES[name]
    write(tmp_path / "rules.json", {"groups": [{"name": "one", "rules": [rule]}]})
    tests = [
        {
            "interval": "1m",
            "input_series": [{"series": key, "values": values} for key, values in series.items()],
            "alert_rule_test": [
                {
                    "eval_time": f"{case.minutes}m",
                    "alertname": name,
                    "exp_alerts": [expected(rule, case.labels)] if fires else [],
                }
            ],
        }
        for fires, several in ((True, case.fires), (False, case.quiet))
        for series in several
    ]
    assert len(tests) >= 2
    content = {"rule_files": ["rules.json"], "evaluation_interval": "1m", "tests": tests}
    assert "SUCCESS" in promtool("test", "rules", write(tmp_path / "tests.json", content))


def test_no_case_is_left_of_a_rule_that_has_gone() -> None:
    assert set(CASES) == set(RULES)


def test_promtool_accepts_the_rules(tmp_path: Path) -> None:
    path = write(tmp_path / "rules.json", {"groups": groups()})
    assert f"{len(RULES)} rules found" in promtool("check", "rules", "--lint=all", path)


def test_an_alert_says_how_bad_it_is_and_what_to_do() -> None:
    for rule in RULES.values():
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert set(rule["annotations"]) == {"summary", "description"}


def test_the_manual_lists_the_alerts(update: bool) -> None:
    rows = [
        (f"`{name}`", rule["labels"]["severity"], rule["annotations"]["summary"])
        for name, rule in RULES.items()
    ]
    hold("alerts", table(("alert", "severity", "meaning"), *rows), update=update)


def test_serve_without_a_controller_reports_no_concern_about_it() -> None:
    values = {"controller": False, "certificates": {"mode": "files"}}
    gone = set(RULES) - set(rules(values))
    assert gone == {
        "ModelcacheControllerDown", "ModelcacheNotEnforcing", "ModelcacheConcern",
        "ModelcacheFactsStale", "ModelcacheCABundleNotWritten",
    }  # fmt: skip


def test_the_lifetime_that_is_set_is_that_of_the_alert() -> None:
    values = {"certificates": {"leafLifetime": "24h"}}
    assert f"< {24 * 3600 // 6}" in rules(values)["ModelcacheCertificateExpires"]["expr"]
