"""The Service that the API server calls, and the Deployment behind it."""

from collections.abc import Callable

import pytest

from tests.cluster.api_servers.doctor.asking import (
    ERROR,
    OK,
    WARNING,
    check,
    found,
    physician,
    shown,
)
from tests.kubernetes.api import Object
from tests.kubernetes.control_plane import ControlPlane
from tests.kubernetes.registration import NamespaceFactory, wait_until
from webhook.api_server.client import Api
from webhook.doctor.check import Check
from webhook.doctor.diagnosis import CHECKS, diagnosis
from webhook.doctor.finding import Level
from webhook.doctor.installation import Installation, Names

NAME = "modelcache-webhook"
LABELS = {"app": NAME}
APPLY = "kubectl apply -k deploy"
NOWHERE = {"configuration": "zz-nowhere"}  # so that the Service is the one of the namespace


def service(namespace: str, *, port: int = 443) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": NAME, "namespace": namespace},
        "spec": {"selector": LABELS, "ports": [{"port": port}]},
    }


def addresses(namespace: str, *ready: bool | None) -> Object:
    """Return a slice with an endpoint for each of *ready*."""
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": f"{NAME}-by-hand",
            "namespace": namespace,
            "labels": {"kubernetes.io/service-name": NAME},
        },
        "addressType": "IPv4",
        "ports": [{"port": 8443}],
        "endpoints": [
            {"addresses": [f"10.9.8.{number}"], "conditions": {"ready": is_ready}}
            for number, is_ready in enumerate(ready, start=1)
        ],
    }


def create(plane: ControlPlane, obj: Object) -> None:
    path = {"EndpointSlice": "endpointslices", "Service": "services", "Deployment": "deployments"}
    version = "api/v1" if obj["kind"] == "Service" else f"apis/{obj['apiVersion']}"
    where = f"/{version}/namespaces/{obj['metadata']['namespace']}/{path[obj['kind']]}"
    plane.api.request("POST", where, obj).expect(201)


def test_a_service_that_does_not_exist_is_to_be_applied(
    cluster: ControlPlane, namespace: NamespaceFactory
) -> None:
    findings = found(cluster, "service", namespace=namespace(), **NOWHERE)
    shown(findings, ERROR, f"/{NAME} does not exist", APPLY)


@pytest.mark.parametrize(
    ("port", "ready", "level", "seen"),
    [
        pytest.param(443, (True, True, False), OK, "leads to 2 ready addresses", id="ready"),
        pytest.param(443, (None,), OK, "leads to 1 ready address", id="unknown is ready"),
        pytest.param(443, (False,), ERROR, "no ready address: 1 are not ready", id="not ready"),
        pytest.param(443, (), ERROR, "has no address: no pod", id="nobody"),
        pytest.param(80, (True,), ERROR, "has no port 443", id="another port"),
    ],
)
def test_findings_about_a_service_follow_from_its_port_and_addresses(
    cluster: ControlPlane,
    namespace: NamespaceFactory,
    port: int,
    ready: tuple[bool | None, ...],
    level: Level,
    seen: str,
) -> None:
    where = namespace()
    create(cluster, service(where, port=port))
    create(cluster, addresses(where, *ready))
    fix = {
        OK: "",
        ERROR: APPLY if port == 80 else f"kubectl describe pods -n {where} -l app={NAME}",
    }
    shown(found(cluster, "service", namespace=where, **NOWHERE), level, seen, fix[level])


def deployment(namespace: str, replicas: int, *arguments: str) -> Object:
    container = {
        "name": "webhook",
        "image": "registry.example.com/modelcache:0",
        "args": ["serve", *arguments],
        "ports": [{"name": "https", "containerPort": 8443}],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": NAME, "namespace": namespace},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": LABELS},
            "template": {"metadata": {"labels": LABELS}, "spec": {"containers": [container]}},
        },
    }


Deployed = Callable[..., str]


@pytest.fixture
def deployed(cluster: ControlPlane, namespace: NamespaceFactory) -> Deployed:
    """Creates a Deployment with ready pods next to a Service; returns the namespace."""

    def make(replicas: int, *arguments: str, ready: int = 0) -> str:
        where = namespace()
        create(cluster, service(where))
        create(cluster, deployment(where, replicas, *arguments))
        wait_until(lambda: len(pods(cluster, where)) == replicas, "its pods are there")
        for pod in pods(cluster, where)[:ready]:
            status(cluster, pod, conditions=[{"type": "Ready", "status": "True"}])
        wait_until(lambda: available(cluster, where) == ready, "its replicas are available")
        return where

    return make


def pods(plane: ControlPlane, where: str) -> list[Object]:
    return plane.api.list("v1", "Pod", where)


def status(plane: ControlPlane, pod: Object, **fields: object) -> None:
    """Write the status of *pod*, as its kubelet would."""
    meta = pod["metadata"]
    path = f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}/status"
    kind = "application/merge-patch+json"
    plane.api.request("PATCH", path, {"status": fields}, media_type=kind).expect()


def available(plane: ControlPlane, where: str) -> int:
    obj = plane.api.get("apps/v1", "Deployment", NAME, where).expect().body
    return int(obj.get("status", {}).get("availableReplicas", 0))


def asked(plane: ControlPlane, where: str, name: str = "deployment") -> list:  # type: ignore[type-arg]
    return found(plane, name, namespace=where, **NOWHERE)


def test_a_deployment_that_does_not_exist_is_to_be_applied(
    cluster: ControlPlane, namespace: NamespaceFactory
) -> None:
    where = namespace()
    shown(asked(cluster, where), ERROR, f"no Deployment in {where}", APPLY)
    create(cluster, service(where))
    shown(asked(cluster, where), ERROR, f"no Deployment in {where}", APPLY)


def test_replicas_that_are_all_available_are_no_finding(
    cluster: ControlPlane, deployed: Deployed
) -> None:
    where = deployed(2, "--kube-version=1.37", ready=2)
    (one,) = asked(cluster, where)
    shown([one], OK, f"2 of 2 replicas of Deployment {where}/{NAME} are available")


@pytest.mark.parametrize(
    ("replicas", "ready", "level", "seen", "fix"),
    [
        pytest.param(0, 0, ERROR, "is scaled to 0", "kubectl scale", id="scaled to nothing"),
        pytest.param(
            1, 1, WARNING, "nobody answers while that one is moved", "--replicas=2", id="alone"
        ),
        pytest.param(2, 0, ERROR, "0 of 2 replicas", "kubectl describe", id="none is ready"),
        pytest.param(2, 1, WARNING, "1 of 2 replicas", "kubectl describe", id="one is ready"),
    ],
)
def test_replicas_that_are_missing_are_counted(
    cluster: ControlPlane,
    deployed: Deployed,
    replicas: int,
    ready: int,
    level: Level,
    seen: str,
    fix: str,
) -> None:
    where = deployed(replicas, ready=ready)
    shown(asked(cluster, where), level, seen, fix)


def test_why_a_replica_does_not_run_is_shown(cluster: ControlPlane, deployed: Deployed) -> None:
    where = deployed(2)
    first, second = pods(cluster, where)
    waiting = {"name": "webhook", "image": "i", "imageID": "", "ready": False, "restartCount": 0}
    waiting["state"] = {"waiting": {"reason": "ImagePullBackOff"}}
    status(cluster, first, containerStatuses=[waiting])
    unscheduled = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
    status(cluster, second, conditions=[unscheduled])
    shown(asked(cluster, where), ERROR, "are available: ImagePullBackOff, Unschedulable")


def test_a_version_that_is_not_the_servers_is_shown(
    cluster: ControlPlane, deployed: Deployed
) -> None:
    where = deployed(2, "--kube-version=1.34", ready=2)
    seen = "serve has --kube-version=1.34, but the API server is 1.37"
    shown(asked(cluster, where), WARNING, seen, "write --kube-version=1.37")


def test_replicas_that_can_not_be_queried_are_shown(
    cluster: ControlPlane, deployed: Deployed
) -> None:
    where = deployed(1)
    for name in ("replicas", "certificate"):
        shown(asked(cluster, where, name), WARNING, "no replica is running", "fix what")
    (pod,) = pods(cluster, where)
    status(cluster, pod, phase="Running")  # where no kubelet knows of it
    seen = f"{pod['metadata']['name']} does not have a host assigned"
    for name in ("replicas", "certificate"):
        (one,) = asked(cluster, where, name)
        shown([one], WARNING, seen, f"kubectl logs -n {where}")


ASKING = [one for one in CHECKS if one.name not in ("server", "clock")]


@pytest.mark.parametrize("asked", ASKING, ids=lambda one: one.name)
def test_what_a_check_says_that_it_needs_is_enough_for_it(
    cluster: ControlPlane, deployed: Deployed, asked: Check
) -> None:
    where = deployed(1)
    status(cluster, pods(cluster, where)[0], phase="Running")
    api = Api(physician(cluster, f"who-asks-{asked.name}", [asked]))
    names = Names(namespace=where, **NOWHERE)
    findings = list(diagnosis(Installation(api, names), lambda _: None))
    refused = {one.check: one.finding for one in findings if "not looked at" in one.finding.seen}
    assert asked.name not in refused
    for name, finding in refused.items():  # and not enough for others
        assert finding.level is WARNING
        assert "cannot" in finding.seen
        assert all(may in finding.fix for may in check(name).may)
    if asked.name in ("namespaces", "order"):
        assert {"replicas", "certificate", "reachability"} <= refused.keys()
