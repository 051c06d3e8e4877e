"""Whether the API server reaches the webhook, seen from outside."""

import copy

import pytest

from tests.cluster.api_servers.doctor.asking import ERROR, OK, WARNING, found, shown
from tests.kubernetes.api import Object
from tests.kubernetes.control_plane import ControlPlane
from tests.kubernetes.registration import NOWHERE, NamespaceFactory, configured, shipped, wait_until
from tests.kubernetes.server import Webhook
from webhook.doctor import probe

ASIDE = {"modelcache.io/probed-by": "doctor"}
LOGS = "kubectl logs -n modelcache-system service/modelcache-webhook"


def test_the_warning_of_both_webhooks_comes_back(
    webhook: Webhook, namespace: NamespaceFactory
) -> None:
    where = namespace({"pod-security.kubernetes.io/enforce": "restricted"})
    findings = found(webhook.plane, "reachability", probe_namespace=where)
    assert [one.level for one in findings] == [OK, OK]
    shown(findings, OK, f"a dry run of a Pod in {where} came back with the warning of inject.")
    shown(findings, OK, f"a dry run of a Deployment in {where} came back with the warning of work")


def down(policy: str) -> Object:
    """Return the shipped configuration for namespaces labelled ASIDE, with a URL that leads nowhere."""
    (obj,) = copy.deepcopy(shipped("MutatingWebhookConfiguration"))
    obj["metadata"]["name"] = "zz-doctor-down"
    for hook in obj["webhooks"]:
        hook["clientConfig"] = {"url": NOWHERE}
        hook["namespaceSelector"] = {"matchLabels": ASIDE}
        hook["failurePolicy"] = policy
    return obj


@pytest.mark.parametrize(
    ("policy", "seen"),
    [
        ("Ignore", "came back without the warning of"),
        ("Fail", "the API server does not reach"),
    ],
)
def test_a_webhook_that_is_down_is_found_under_either_policy(
    alone: ControlPlane, namespace: NamespaceFactory, policy: str, seen: str
) -> None:
    where = namespace(ASIDE, on=alone)
    with configured(alone, [down(policy)]):
        findings = found(alone, "reachability", probe_namespace=where)
    assert len(findings) == 2
    for name in ("inject.modelcache.io", "workloads.modelcache.io"):
        one = shown(findings, ERROR, f"{seen} {name}", LOGS)
        if policy == "Fail":
            assert "failed calling webhook" in one.seen
            assert "connection refused" in one.seen


@pytest.mark.parametrize("where", ["kube-system", "modelcache-system", ""])
def test_no_dry_run_is_made_in_an_excluded_namespace(
    cluster: ControlPlane, namespace: NamespaceFactory, where: str
) -> None:
    where = where or namespace({"modelcache.io/admission": "disabled"})
    (one,) = found(cluster, "reachability", probe_namespace=where)
    shown([one], WARNING, f"the API server sends nothing of namespace {where}", "--probe-namespace")


def test_a_namespace_that_accepts_no_pods_is_shown(
    cluster: ControlPlane, namespace: NamespaceFactory
) -> None:
    findings = found(cluster, "reachability", probe_namespace="nowhere")
    shown(
        findings, WARNING, "a dry run of a Pod in nowhere was refused: namespaces", "--probe-name"
    )
    where = namespace()
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "none", "namespace": where},
        "spec": {"hard": {"pods": "0"}},
    }
    cluster.api.create(quota).expect(201)
    pod = probe.pod(annotated=False)
    pod["metadata"]["namespace"] = where
    wait_until(lambda: not cluster.api.create(pod, dry_run=True).ok, "the quota is in force")
    pods, _ = found(cluster, "reachability", probe_namespace=where)
    shown([pods], WARNING, "was refused: pods", "--probe-namespace")
