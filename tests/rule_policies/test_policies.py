"""The policies as they are written: complete, current in the chart, and for every API server."""

import re
from typing import Any, Final

import pytest
import yaml

from tests.kubernetes import rule_policies as chart
from webhook.admission.containers.accelerators import ACCELERATORS
from webhook.admission.containers.servers import SERVERS, not_servers
from webhook.admission.policy.rules.catalogue import RULES
from webhook.admission.policy.rules.require_model import PATHS
from webhook.objects import cel
from webhook.rule_policies.catalogue import IN_CEL
from webhook.rule_policies.policies import rule_policies

EXCLUDED: Final = ["kube-system"]
OBJECTS: Final = rule_policies(EXCLUDED)
POLICIES: Final = [one for one in OBJECTS if one["kind"] == "ValidatingAdmissionPolicy"]
PATTERNS: Final = [
    PATHS,
    ACCELERATORS.pattern,
    *not_servers.IMAGES,
    *not_servers.OTHER_IMAGES,
    *(end for row in SERVERS for end in (*row.images, *row.other_images)),
]
ONLY_PYTHON: Final = re.compile(r"\(\?(?![:i])|\\[1-9AZzuUN]|[+*?}]\+")
"""Lookaround, references, groups with names, possessive repetition, escapes: RE2 has none."""


def test_the_template_of_the_chart_is_current() -> None:
    assert chart.FILE.read_text() == chart.text(), "run make manifests"


def test_folded_lines_of_the_template_are_the_expressions_as_they_were_written() -> None:
    text = re.sub(r"\n *\{\{- (?!end)[^\n]*\n", "\n", chart.text().partition("\n")[2])
    text = text.replace("{{- end }}\n", "")
    text = text.replace('{{ include "modelcache.excluded" . }}', "[kube-system]")
    for read, written in zip(yaml.safe_load_all(text), OBJECTS, strict=True):
        assert read["spec"] == written["spec"]


def test_every_rule_of_all_pods_is_enforced_and_in_the_order_of_the_catalogue() -> None:
    assert [one.rule for one in IN_CEL] == [rule for rule in RULES if rule.of_all]


def test_no_policy_can_refuse_a_pod_for_a_fault_of_its_own() -> None:
    assert {policy["spec"]["failurePolicy"] for policy in POLICIES} == {"Ignore"}
    assert "Fail" not in str(OBJECTS)
    head, _, _ = chart.FILE.read_text().partition("apiVersion:")
    assert "failurePolicy must be Ignore" in head
    assert ".Values.failurePolicy" not in chart.FILE.read_text()


@pytest.mark.parametrize("mode", ["enforce", "warn", "audit"])
def test_each_mode_has_a_policy_and_a_binding_to_every_cache_policy(mode: str) -> None:
    policy, binding = (o for o in OBJECTS if o["metadata"]["name"] == f"modelcache-rules-{mode}")
    assert binding["spec"] == {
        "policyName": policy["metadata"]["name"],
        "paramRef": {"selector": {}, "parameterNotFoundAction": "Allow"},
        "validationActions": [{"enforce": "Deny", "warn": "Warn", "audit": "Audit"}[mode]],
    }
    resources = {r for rule in resource_rules(policy) for r in rule["resources"]}
    assert {"pods", "pods/ephemeralcontainers"} <= resources
    assert ("deployments" in resources) == (mode != "enforce")


def resource_rules(policy: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = policy["spec"]["matchConstraints"]["resourceRules"]
    return found


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_that_an_api_server_matches_has_only_what_re2_has(pattern: str) -> None:
    assert ONLY_PYTHON.search(pattern) is None
    re.compile(pattern)


@pytest.mark.parametrize(
    "pattern", ["a(?!b)", "(?<=a)b", r"(a)\1", "(?P<n>a)", "a*+", r"a\Z", "(?>a)"]
)
def test_a_pattern_that_only_python_has_is_found(pattern: str) -> None:
    assert ONLY_PYTHON.search(pattern)


@pytest.mark.parametrize(
    ("value", "written"),
    [("plain", "'plain'"), ("it's", r"'it\'s'"), (r"\.", r"'\\.'"), ('"', "'\"'")],
)
def test_a_text_is_written_as_cel_reads_it(value: str, written: str) -> None:
    assert cel.text(value) == written


def test_a_template_becomes_a_sum_of_texts() -> None:
    written = cel.filled("volume {name} is {what}: {{}}", name="n", what="w")
    assert written == "'volume ' + n + ' is ' + w + ': {' + '}'"
