"""The policies for rules in the chart: where they are installed, and where their absence is said."""

import json
from typing import Any

import pytest

from tests.admission.rules import MODES
from tests.cluster.api_servers.chart.rendering import rendered
from tests.kubernetes import helm
from tests.kubernetes.api import Object
from tests.kubernetes.control_plane import ControlPlane
from tests.kubernetes.registration import RULES
from webhook.rule_policies.policies import rule_policies

OLD = {"kubeVersion": "1.29", "failurePolicy": "Fail"}
WITHOUT: dict[str, dict[str, Any]] = {"older": OLD, "off": {"rulePolicies": False}}
WITH: dict[str, dict[str, Any]] = {
    "default": {},
    "Fail": {"failurePolicy": "Fail"},
    "first version": {"kubeVersion": "1.30"},
    "no facts": {"facts": {"enabled": False}},
    "other namespaces": {"excludedNamespaces": ["kube-system", "infra"]},
}


def for_rules(values: dict[str, Any]) -> list[Object]:
    kinds = rendered(values)
    every = [
        *kinds.get("ValidatingAdmissionPolicy", []),
        *kinds.get("ValidatingAdmissionPolicyBinding", []),
    ]
    return [one for one in every if one["metadata"]["name"].startswith(RULES)]


def notes(plane: ControlPlane, values: dict[str, Any]) -> str:
    """Return what helm says after an installation."""
    where = ("--namespace", helm.NAMESPACE)
    # Other tests of the cluster may have such objects.
    words = ("install", helm.RELEASE, helm.CHART, *where, "--dry-run=client", "--take-ownership")
    return helm.helm(*words, plane=plane, values=json.dumps(values)).partition("NOTES:")[2]


@pytest.mark.parametrize("name", WITH)
def test_a_release_has_the_policies_for_the_namespaces_of_the_webhook(
    cluster: ControlPlane, name: str
) -> None:
    values = WITH[name]
    found = {(one["kind"], one["metadata"]["name"]): one["spec"] for one in for_rules(values)}
    excluded = values.get("excludedNamespaces", ["kube-system", "kube-public", "kube-node-lease"])
    wanted = rule_policies([helm.NAMESPACE, *excluded])
    assert found == {(one["kind"], one["metadata"]["name"]): one["spec"] for one in wanted}
    assert len(found) == 2 * len(MODES)
    assert "hold only" not in notes(cluster, values)


@pytest.mark.parametrize("name", WITHOUT)
def test_without_them_the_notes_say_where_rules_hold(cluster: ControlPlane, name: str) -> None:
    assert for_rules(WITHOUT[name]) == []
    assert "Rules of CachePolicies hold only for what annotated pods request" in notes(
        cluster, WITHOUT[name]
    )
