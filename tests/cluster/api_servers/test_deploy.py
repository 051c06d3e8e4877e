"""The files of deploy/ are complete, valid, and match the program and its image."""

import re
from pathlib import Path

from tests.kubernetes.api import CLUSTER_SCOPED, Object
from tests.kubernetes.control_plane import ControlPlane
from tests.kubernetes.installed import HOST, NAMESPACE, manifests, shipped_image
from tests.kubernetes.registration import NamespaceFactory, shipped
from webhook.objects.names import DEFAULT_LOADER_IMAGE
from webhook.server.settings import Settings

ROOT = Path(__file__).parents[3]


def only(kind: str) -> Object:
    (found,) = [obj for obj in manifests() if obj["kind"] == kind]
    return found


def test_the_api_server_knows_every_field(
    cluster: ControlPlane, namespace: NamespaceFactory
) -> None:
    where = namespace(only("Namespace")["metadata"]["labels"])  # Pod Security's among them
    for obj in manifests():
        if obj["kind"] not in CLUSTER_SCOPED:
            obj["metadata"]["namespace"] = where
        answer = cluster.api.create(obj, dry_run=True, fieldValidation="Strict")
        assert answer.code in (201, 409), answer.message
        assert not answer.warnings


def test_everything_is_in_the_namespace_that_is_never_injected() -> None:
    assert Settings().controller.namespace == NAMESPACE == only("Namespace")["metadata"]["name"]
    for obj in manifests():
        if obj["kind"] not in CLUSTER_SCOPED:
            assert obj["metadata"]["namespace"] == NAMESPACE


def test_the_service_called_leads_to_the_port_served() -> None:
    service = only("Service")
    (port,) = service["spec"]["ports"]
    for hook in shipped("MutatingWebhookConfiguration")[0]["webhooks"]:
        called = hook["clientConfig"]["service"]
        assert f"{called['name']}.{called['namespace']}.svc" == HOST
        assert (called["name"], called["port"]) == (service["metadata"]["name"], port["port"])
    template = only("Deployment")["spec"]["template"]
    assert service["spec"]["selector"].items() <= template["metadata"]["labels"].items()
    ports = {
        one["name"]: one["containerPort"] for one in template["spec"]["containers"][0]["ports"]
    }
    assert ports[port["targetPort"]] == Settings().port
    assert ports["health"] == Settings().health_port


def test_the_image_is_the_one_its_loader_comes_from_by_default() -> None:
    pod = only("Deployment")["spec"]["template"]["spec"]
    assert shipped_image() == DEFAULT_LOADER_IMAGE
    (user,) = re.findall(r"^USER \d+:(\d+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert pod["securityContext"]["fsGroup"] == int(user)


def test_there_is_time_to_finish_before_the_kill() -> None:
    pod = only("Deployment")["spec"]["template"]["spec"]
    sleep = pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    needed = sleep + Settings().shutdown_delay + Settings().drain
    assert needed + 5 <= pod["terminationGracePeriodSeconds"]
