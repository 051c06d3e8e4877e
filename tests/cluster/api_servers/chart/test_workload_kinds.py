"""The registration and the policy name the kinds of the table, and no other."""

from typing import Any

import pytest

from tests.cluster.api_servers.chart.rendering import only, rendered
from tests.kubernetes import workload_rules
from tests.kubernetes.api import Object
from webhook.objects.workload_kinds import registered

Named = set[tuple[str, str, str]]


def hook(values: dict[str, Any]) -> Object:
    configuration = only(rendered(values), "MutatingWebhookConfiguration", "zz-modelcache")
    [found] = [one for one in configuration["webhooks"] if one["name"] == "workloads.modelcache.io"]
    return dict(found)


def policy(values: dict[str, Any]) -> Object:
    found = only(rendered(values), "ValidatingAdmissionPolicy", "modelcache-copied")
    return dict(found["spec"])


def named(rules: list[Object]) -> Named:
    """Return group, version and resource of every kind that *rules* select."""
    return {
        (group, version, resource)
        for rule in rules
        for group in rule["apiGroups"]
        for version in rule["apiVersions"]
        for resource in rule["resources"]
    }


def of_table(*, custom: bool) -> Named:
    return {
        (row.group, version, row.resource)
        for row in registered()
        if custom or row.built_in
        for version in (("v1",) if row.built_in else row.versions or ("*",))
    }


@pytest.mark.parametrize("custom", [True, False])
def test_the_registration_has_the_kinds_of_the_table(custom: bool) -> None:
    values = {"customWorkloads": custom}
    assert named(hook(values)["rules"]) == of_table(custom=custom)
    assert policy(values)["matchConstraints"]["resourceRules"] == hook(values)["rules"]
    for rule in hook(values)["rules"]:
        assert rule["operations"] == ["CREATE", "UPDATE"]
        assert rule["scope"] == "Namespaced"


def test_without_custom_kinds_the_policy_does_not_name_one() -> None:
    text = str(policy({"customWorkloads": False}))
    assert [row.kind for row in registered() if f"{row.group}/{row.kind}" in text] == [
        "Job", "CronJob",
    ]  # fmt: skip


def test_the_file_of_custom_kinds_is_made_from_the_table() -> None:
    assert workload_rules.FILE.read_text() == workload_rules.text(), "run make manifests"
