"""helm refuses values that would break a pod or the cluster, and says what is wrong."""

import re
from typing import Any

import pytest

from tests.cluster.api_servers.chart.rendering import OF_SERVE
from tests.kubernetes import helm

BY_SCHEMA: dict[str, tuple[dict[str, Any], str]] = {
    "unknown value": ({"replicaCount": 3}, "replicaCount"),
    "unknown value inside": ({"certificates": {"secret": "x"}}, "secret"),
    "value taken away": ({"replicas": None}, "replicas"),
    "value taken away inside": ({"certificates": {"mode": None}}, "mode"),
    "no replica": ({"replicas": 0}, "replicas"),
    "unknown mode": ({"certificates": {"mode": "vault"}}, "mode"),
    "unknown failurePolicy": ({"failurePolicy": "Warn"}, "failurePolicy"),
    "too patient": ({"timeoutSeconds": 31}, "timeoutSeconds"),
    "limit of cpu": ({"resources": {"limits": {"cpu": "1"}}}, "cpu"),
    "memory in bytes": ({"resources": {"limits": {"memory": "268435456"}}}, "memory"),
    "privileged port": ({"port": 443}, "port"),
    "port as text": ({"port": "8443"}, "port"),
    "lifetime in days": ({"certificates": {"leafLifetime": "7d"}}, "leafLifetime"),
    "tag with blanks": ({"image": {"tag": "a b"}}, "tag"),
    "short digest": ({"image": {"digest": "sha256:0"}}, "digest"),
    "pull policy": ({"image": {"pullPolicy": "Sometimes"}}, "pullPolicy"),
    "age without unit": ({"connectionAge": "40"}, "connectionAge"),
    "log format": ({"logFormat": "xml"}, "logFormat"),
    "argument that is no option": ({"extraArgs": ["serve"]}, "extraArgs"),
    "kube-system not excluded": ({"excludedNamespaces": ["default"]}, "excludedNamespaces"),
    "another document": (
        {"policy": [{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {}}]},
        "policy",
    ),
    "CachedModel without source": (
        {"policy": [{"apiVersion": "modelcache.io/v1alpha1", "kind": "CachedModel",
                     "metadata": {"name": "m"}, "spec": {"size": "1Gi"}}]},
        "source",
    ),
    "CachePolicy with a misspelt field": (
        {"policy": [{"apiVersion": "modelcache.io/v1alpha1", "kind": "CachePolicy",
                     "metadata": {"name": "p"}, "spec": {"default": {}}}]},
        "default",
    ),
    "version of three parts": ({"kubeVersion": "1.35.2"}, "kubeVersion"),
    "caBundle that is not PEM": ({"certificates": {"mode": "files", "caBundle": "x"}}, "caBundle"),
    "negative drain": ({"shutdown": {"drain": -1}}, "drain"),
    "value where a map belongs": ({"podLabels": ["a"]}, "podLabels"),
    "annotation that is no text": (
        {"registrationAnnotations": {"admissions.enforcer/disabled": True}},
        "registrationAnnotations",
    ),
}  # fmt: skip
BY_CHECK: dict[str, tuple[dict[str, Any], str]] = {
    "policies on an old server": (
        {"kubeVersion": "1.29"},
        "failurePolicy: Ignore needs ValidatingAdmissionPolicy, which API servers have since 1.30; this is 1.29: set failurePolicy to Fail",
    ),
    "a server that does not know optional values": (
        {"kubeVersion": "1.28", "failurePolicy": "Fail"},
        "kubeVersion: 1.28: API servers before 1.29 can't compile the matchConditions of the registration",
    ),
    "self without controller": ({"controller": False}, "controller: certificates.mode self needs it"),
    "a bundle that is written at run time": (
        {"certificates": {"caBundle": "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n"}},
        "certificates.caBundle: in mode self the bundle is written at run time",
    ),
    "an issuer without cert-manager": (
        {"certificates": {"issuerRef": {"name": "i"}}},
        "certificates.issuerRef: mode self uses no issuer",
    ),
    "a leaf that outlives its CA": (
        {"certificates": {"authorityLifetime": "168h"}},
        "certificates.leafLifetime: must be at most a quarter",
    ),
    "a leaf that cert-manager would not issue": (
        {"certificates": {"mode": "certManager", "leafLifetime": "59m"}},
        "certificates.leafLifetime: cert-manager requires an hour or more",
    ),
    "a limit below the request": (
        {"resources": {"requests": {"memory": "1Gi"}, "limits": {"memory": "512Mi"}}},
        "resources.limits.memory: must not be less than resources.requests.memory",
    ),
    "one port for two": ({"healthPort": 8443}, "healthPort: must differ from port"),
    "a NetworkPolicy for the node's network": (
        {"hostNetwork": True, "networkPolicy": {"enabled": True}},
        "networkPolicy: has no effect on pods with hostNetwork",
    ),
    "a FlowSchema without a controller": (
        {"controller": False, "certificates": {"mode": "files"}, "flowSchema": {"enabled": True}},
        "flowSchema: without controller the webhook does not call the API server",
    ),
    "a label that the chart sets": (
        {"podLabels": {"app.kubernetes.io/name": "x"}},
        "podLabels: the chart sets app.kubernetes.io/name: remove it",
    ),
    "an annotation that the chart sets": (
        {"certificates": {"mode": "certManager"},
         "registrationAnnotations": {"cert-manager.io/inject-ca-from": "a/b"}},
        "registrationAnnotations: the chart sets cert-manager.io/inject-ca-from: remove it",
    ),
    "a selector that the webhook can't judge": (
        {"policy": [{"apiVersion": "modelcache.io/v1alpha1", "kind": "CachePolicy",
                     "metadata": {"name": "p"}, "spec": {"namespaceSelector": {
                         "matchLabels": {"team": "ml", "kubernetes.io/metadata.name": "a"},
                         "matchExpressions": [{"key": "env", "operator": "Exists"}]}}}]},
        "policy: CachePolicy p: spec.namespaceSelector: uses env, team, but of a namespace the webhook knows only kubernetes.io/metadata.name",
    ),
    "an option that a value sets": (
        {"extraArgs": ["--drain=60"]},
        "extraArgs: --drain=60: another value sets this option",
    ),
    "a host that is not an address": (
        {"extraArgs": ["--host=everywhere"]},
        "extraArgs: --host=everywhere: must be an address to listen on, such as --host=::",
    ),
    "an option that does not exist": (
        {"extraArgs": ["--verbose"]},
        "extraArgs: --verbose: serve has no such option; allowed: --host",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BY_SCHEMA)
def test_the_schema_refuses(case: str) -> None:
    values, named = BY_SCHEMA[case]
    with pytest.raises(helm.RefusedError) as refused:
        helm.template(values)
    assert "values don't meet the specifications of the schema" in str(refused.value)
    assert named in str(refused.value)


@pytest.mark.parametrize("case", BY_CHECK)
def test_the_chart_refuses(case: str) -> None:
    values, message = BY_CHECK[case]
    with pytest.raises(helm.RefusedError) as refused:
        helm.template(values)
    assert message in str(refused.value)


def test_every_option_of_serve_is_the_charts_or_yours() -> None:
    text = (helm.CHART / "templates" / "checks.yaml").read_text()
    ours, yours = (
        set(re.findall(r'"(--[a-z-]+)"', listed))
        for listed in re.findall(r"\$(?:ours|yours) := list (.*) }}", text)
    )
    assert not ours & yours
    assert ours | yours == {word for word in OF_SERVE if word != "--help" and word.startswith("--")}


def test_the_version_of_the_server_comes_from_helm() -> None:
    with pytest.raises(helm.RefusedError, match=r"this is 1\.29: set failurePolicy to Fail"):
        helm.template({}, "--kube-version", "v1.29.3-eks-1")
    (deployment,) = [
        obj
        for obj in helm.objects(
            {"facts": {"enabled": False}}, "--no-hooks", "--kube-version", "v1.36.2+k3s1"
        )
        if obj["kind"] == "Deployment"
    ]
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert "--kube-version=1.36" in container["args"]


def test_the_webhook_asks_the_server_for_its_version_unless_a_value_names_one() -> None:
    def of_serve(values: dict[str, Any]) -> list[str]:
        objects = helm.objects(values, "--no-hooks", "--kube-version", "v1.36.2")
        (deployment,) = [obj for obj in objects if obj["kind"] == "Deployment"]
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        return [word for word in container["args"] if word.startswith("--kube-version")]

    assert of_serve({}) == []
    assert of_serve({"kubeVersion": "1.35"}) == ["--kube-version=1.35"]
