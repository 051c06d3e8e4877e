"""The oldest Kubernetes that the chart installs on: its real API server.

It has no ValidatingAdmissionPolicy of v1, so only `failurePolicy: Fail` refuses what was missed.
"""

from collections.abc import Iterator

import pytest
import yaml

from tests.cluster.api_servers.admission_policy.test_admission_policy import create
from tests.cluster.api_servers.doctor.asking import OK, WARNING, found, shown
from tests.cluster.api_servers.test_injection import pod as asking
from tests.kubernetes import binaries, helm
from tests.kubernetes.api import Object
from tests.kubernetes.control_plane import ControlPlane, Options
from tests.kubernetes.custom_resources import served
from tests.kubernetes.server import WebhookFactory
from webhook.custom_resources.definitions import definitions

MINOR = ".".join(binaries.OLDEST_KUBERNETES.removeprefix("v").split(".")[:2])
VALUES = {"failurePolicy": "Fail", "flowSchema": {"enabled": True}}


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    found = ControlPlane(Options(api_server=binaries.OLDEST_API_SERVER, controller_manager=False))
    yield found
    found.stop()


def test_it_is_the_version_that_the_chart_asks_for(plane: ControlPlane) -> None:
    assert plane.version() == binaries.OLDEST_KUBERNETES
    chart = yaml.safe_load((helm.CHART / "Chart.yaml").read_text())
    assert chart["kubeVersion"] == f">={MINOR}.0-0"


def test_it_admits_what_the_chart_prints_for_it(plane: ControlPlane) -> None:
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "models"}}
    plane.api.create(namespace).expect(201)
    for obj in helm.objects(VALUES, "--no-hooks", "--kube-version", MINOR, namespace="models"):
        answer = plane.api.create(obj, dry_run=True)
        assert answer.code == 201, f"{obj['kind']}: {answer.message}"
        assert not answer.warnings, obj["kind"]


def test_the_doctor_says_which_policies_it_can_not_enforce(plane: ControlPlane) -> None:
    with served(plane, definitions()):
        shown(
            found(plane, "rules"), OK, f"Kubernetes {MINOR} can't enforce rules by itself, and no"
        )
        strict: Object = {
            "apiVersion": "modelcache.io/v1alpha1",
            "kind": "CachePolicy",
            "metadata": {"name": "strict"},
            "spec": {"rules": {"requireModel": {"mode": "enforce"}}},
        }
        plane.api.create(strict).expect(201)
        text = "CachePolicy strict: rules that concern every pod hold only for what annotated pods"
        shown(found(plane, "rules"), WARNING, text, "upgrade the API server to 1.30")


def test_the_match_conditions_compile_and_a_pod_gets_its_model(
    plane: ControlPlane, webhook_on: WebhookFactory
) -> None:
    webhook_on(plane, MINOR)
    spec = create(plane, asking()).expect(201).body["spec"]
    assert [one["name"] for one in spec["volumes"] if "persistentVolumeClaim" in one] == [
        "modelcache-model"
    ]
    plain = asking()
    del plain["metadata"]["annotations"]
    assert "modelcache" not in str(create(plane, plain).expect(201).body["spec"])
