"""The chart in real API servers: every field is known, and Pod Security accepts the pods."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.cluster.api_servers.chart.rendering import FILES, MANAGED, MODES, POLICY, named, pod
from tests.kubernetes import helm
from tests.kubernetes.api import CLUSTER_SCOPED, Object
from tests.kubernetes.control_plane import ControlPlane
from tests.kubernetes.custom_resources import CERT_MANAGER, PROMETHEUS_OPERATOR, served
from tests.kubernetes.registration import NamespaceFactory

ALL: dict[str, Any] = {
    "policy": POLICY,
    "networkPolicy": {"enabled": True},
    "flowSchema": {"enabled": True},
    "serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}},
    "prometheusRule": {"enabled": True, "labels": {"release": "prometheus"}},
    "dashboard": {"enabled": True},
    "podLabels": {"a": "1"},
    "podAnnotations": {"b": "2"},
    "nodeSelector": {"pool": "system"},
    "tolerations": [{"key": "dedicated", "operator": "Exists", "effect": "NoSchedule"}],
    "image": {"pullSecrets": ["registry"]},
    "fixedUser": False,
    "port": 10250,
    "registrationAnnotations": {"admissions.enforcer/disabled": "true"},
}
VARIANTS: dict[str, dict[str, Any]] = {
    "default": {},
    "everything": ALL,
    "everything, cert-manager": ALL | MANAGED,
    "Fail": {"failurePolicy": "Fail"},
    "files": FILES,
    "no controller": FILES | {"controller": False, "networkPolicy": {"enabled": True}},
    "one replica": {"replicas": 1},
    "hostNetwork": {"hostNetwork": True, "port": 9443},
}
RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}


@pytest.fixture(scope="module")
def plane(cluster: ControlPlane) -> Iterator[ControlPlane]:
    """The current server, with the resources of cert-manager and of the Prometheus operator."""
    definitions = [
        CERT_MANAGER.definition("cert-manager.io_certificates"),
        CERT_MANAGER.definition("cert-manager.io_issuers"),
        PROMETHEUS_OPERATOR.definition("monitoring.coreos.com_servicemonitors"),
        PROMETHEUS_OPERATOR.definition("monitoring.coreos.com_prometheusrules"),
    ]
    with served(cluster, definitions):
        yield cluster


def refuse_nothing(plane: ControlPlane, objects: list[Object]) -> None:
    for obj in objects:
        answer = plane.api.create(obj, dry_run=True, fieldValidation="Strict")
        assert answer.code in (201, 409), f"{obj['kind']}: {answer.message}"
        assert not answer.warnings, obj["kind"]


def placed(values: dict[str, Any], where: str, *flags: str) -> list[Object]:
    """Return the objects, in a namespace that exists."""
    found = helm.objects(values, *flags, namespace=where)
    for obj in found:
        assert ("namespace" in obj["metadata"]) is (obj["kind"] not in CLUSTER_SCOPED), obj["kind"]
    return found


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_namespace_of_the_release_is_the_only_one_named(variant: str) -> None:
    text = helm.template(VARIANTS[variant], namespace="models")
    assert "models" in text
    assert helm.NAMESPACE not in text


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_current_server_knows_every_field_and_sends_no_warning(
    variant: str, plane: ControlPlane, namespace: NamespaceFactory
) -> None:
    refuse_nothing(plane, placed(VARIANTS[variant], namespace()))


def test_an_older_server_admits_them_too(
    old_cluster: ControlPlane, namespace: NamespaceFactory
) -> None:
    values = {"flowSchema": {"enabled": True}, "networkPolicy": {"enabled": True}}
    where = namespace(on=old_cluster)
    refuse_nothing(old_cluster, placed(values, where, "--no-hooks", "--kube-version", "1.34"))


# P1 89
@pytest.mark.parametrize("values", MODES, ids=named)
def test_pod_security_restricted_admits_the_pods(
    values: dict[str, Any], cluster: ControlPlane, namespace: NamespaceFactory
) -> None:
    answer = created(cluster, namespace(RESTRICTED), values | {"policy": POLICY})
    assert answer["spec"]["priority"] == 2_000_000_000  # of system-cluster-critical


def test_pod_security_restricted_does_not_admit_the_nodes_network(
    cluster: ControlPlane, namespace: NamespaceFactory
) -> None:
    with pytest.raises(AssertionError, match="violates PodSecurity"):
        created(cluster, namespace(RESTRICTED), {"hostNetwork": True})


def created(plane: ControlPlane, where: str, values: dict[str, Any]) -> Object:
    """Return the pod of the Deployment as the API server would admit it."""
    account: Object = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": "modelcache-webhook", "namespace": where},
    }
    plane.api.create(account).expect(201)
    metadata = {"generateName": "modelcache-", "namespace": where}
    one: Object = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": pod(values)}
    return plane.api.create(one, dry_run=True, fieldValidation="Strict").expect(201).body
