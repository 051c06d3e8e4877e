"""Options of the chart: NetworkPolicy, FlowSchema, Prometheus, cert-manager."""

import base64
from typing import Any

from tests.cluster.api_servers.chart.rendering import FILES, MANAGED, only, rendered
from tests.kubernetes import helm
from tests.kubernetes.api import Object
from tests.kubernetes.installed import HOST

OFF = (
    "NetworkPolicy",
    "FlowSchema",
    "ServiceMonitor",
    "PrometheusRule",
    "ConfigMap",
    "Certificate",
)


def enabled(*names: str, **more: Any) -> dict[str, list[Object]]:
    return rendered({name: {"enabled": True} for name in names} | more)


def test_no_option_is_on_by_default() -> None:
    assert not set(OFF) & set(rendered())


def test_the_network_policy_admits_everybody_on_two_ports() -> None:
    (policy,) = enabled("networkPolicy", port=9443)["NetworkPolicy"]
    assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]
    # No `from`: the addresses of a control plane are not known in advance.
    assert policy["spec"]["ingress"] == [{"ports": [{"port": 9443}, {"port": 8080}]}]
    calls, names = policy["spec"]["egress"]
    assert [one["port"] for one in calls["ports"]] == [443, 6443]
    assert [(one["port"], one["protocol"]) for one in names["ports"]] == [(53, "UDP"), (53, "TCP")]


def test_without_a_controller_the_network_policy_allows_no_egress() -> None:
    (policy,) = enabled("networkPolicy", controller=False, **FILES)["NetworkPolicy"]
    assert policy["spec"]["egress"] == []


def test_our_calls_have_the_queue_of_the_systems_controllers() -> None:
    (schema,) = enabled("flowSchema")["FlowSchema"]
    assert schema["spec"]["priorityLevelConfiguration"] == {"name": "workload-high"}
    assert schema["spec"]["matchingPrecedence"] < 9000  # service-accounts
    (rule,) = schema["spec"]["rules"]
    (subject,) = rule["subjects"]
    assert subject["serviceAccount"] == {
        "name": rendered()["ServiceAccount"][0]["metadata"]["name"],
        "namespace": helm.NAMESPACE,
    }


def test_replicas_that_are_not_ready_are_scraped_too() -> None:
    kinds = enabled("serviceMonitor")
    (monitor,) = kinds["ServiceMonitor"]
    selected = monitor["spec"]["selector"]["matchLabels"].items()
    (service,) = [one for one in kinds["Service"] if selected <= one["metadata"]["labels"].items()]
    assert service["spec"]["publishNotReadyAddresses"] is True
    (endpoint,) = monitor["spec"]["endpoints"]
    (port,) = service["spec"]["ports"]
    assert (endpoint["port"], endpoint["path"]) == (port["name"], "/metrics")
    (container,) = kinds["Deployment"][0]["spec"]["template"]["spec"]["containers"]
    assert port["targetPort"] in [one["name"] for one in container["ports"]]


# P1 65
def test_cert_manager_issues_what_is_mounted_and_writes_the_bundle() -> None:
    kinds = rendered(MANAGED)
    (leaf,) = [one for one in kinds["Certificate"] if not one["spec"].get("isCA")]
    assert HOST in leaf["spec"]["dnsNames"]
    (volume,) = kinds["Deployment"][0]["spec"]["template"]["spec"]["volumes"]
    assert volume["secret"]["secretName"] == leaf["spec"]["secretName"]
    configuration = only(kinds, "MutatingWebhookConfiguration", "zz-modelcache")
    injected = configuration["metadata"]["annotations"]["cert-manager.io/inject-ca-from"]
    assert injected == f"{leaf['metadata']['namespace']}/{leaf['metadata']['name']}"
    assert not any("caBundle" in hook["clientConfig"] for hook in configuration["webhooks"])
    # The webhook may not write it.
    for rule in only(kinds, "ClusterRole", "modelcache-webhook")["rules"]:
        if rule["resources"] == ["mutatingwebhookconfigurations"]:
            assert "patch" not in rule["verbs"]


def test_a_leafs_authority_outlives_it_unless_the_issuer_is_yours() -> None:
    kinds = rendered(MANAGED)
    (authority,) = [one for one in kinds["Certificate"] if one["spec"].get("isCA")]
    signing = {one["metadata"]["name"]: one["spec"] for one in kinds["Issuer"]}
    (leaf,) = [one for one in kinds["Certificate"] if not one["spec"].get("isCA")]
    issuer = signing[leaf["spec"]["issuerRef"]["name"]]
    assert issuer == {"ca": {"secretName": authority["spec"]["secretName"]}}
    assert signing[authority["spec"]["issuerRef"]["name"]] == {"selfSigned": {}}
    # A renewed one verifies what was signed before.
    assert authority["spec"]["privateKey"]["rotationPolicy"] == "Never"
    issuer = {"name": "corporate", "kind": "ClusterIssuer"}
    kinds = rendered({"certificates": {"mode": "certManager", "issuerRef": issuer}})
    assert "Issuer" not in kinds
    assert [one["spec"]["issuerRef"] for one in kinds["Certificate"]] == [issuer]


def test_a_given_bundle_is_put_into_both_webhooks() -> None:
    pem = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
    kinds = rendered({"certificates": {"mode": "files", "caBundle": pem}})
    configuration = only(kinds, "MutatingWebhookConfiguration", "zz-modelcache")
    bundles = [hook["clientConfig"]["caBundle"] for hook in configuration["webhooks"]]
    assert [base64.b64decode(one).decode() for one in bundles] == [pem, pem]


def test_the_registration_has_your_annotations_next_to_those_of_cert_manager() -> None:
    yours = {"admissions.enforcer/disabled": "true"}
    for values, ours in (({}, set()), (MANAGED, {"cert-manager.io/inject-ca-from"})):
        kinds = rendered(values | {"registrationAnnotations": yours})
        configuration = only(kinds, "MutatingWebhookConfiguration", "zz-modelcache")
        annotations = configuration["metadata"]["annotations"]
        assert annotations.items() >= yours.items()
        assert set(annotations) == ours | set(yours)
