"""Registration and policies on the oldest version that an API server of the tests can emulate.

A server that emulates 1.31 compiles only expressions that 1.31 knows (apiserver
pkg/cel/environment/base.go, DefaultCompatibilityVersion), and drops later fields.
"""

from collections.abc import Iterator

import pytest

from tests.cluster.api_servers.admission_policy.test_admission_policy import (
    CLAIM,
    NOT_INJECTED,
    READ,
    create,
    pod,
)
from tests.cluster.api_servers.test_injection import pod as asking
from tests.kubernetes import binaries
from tests.kubernetes.control_plane import ControlPlane, Options
from tests.kubernetes.registration import configured, shipped
from tests.kubernetes.server import WebhookFactory


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    flags = ["--emulated-version=1.31"]
    options = Options(api_server=binaries.OLD_API_SERVER, controller_manager=False, flags=flags)
    found = ControlPlane(options)
    yield found
    found.stop()


def test_it_emulates_an_older_version(plane: ControlPlane) -> None:
    answer = plane.api.request("GET", "/version").expect().body
    assert answer["emulationMinor"] == "31"
    assert answer["minCompatibilityMinor"] == "31"


def test_the_policies_compile_and_refuse_what_was_missed(plane: ControlPlane) -> None:
    with configured(
        plane, shipped("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding")
    ):
        assert NOT_INJECTED in create(plane, pod()).message
        assert create(plane, pod(volumes=(CLAIM,), mounts=(READ,))).expect(201)


def test_the_match_conditions_compile_and_a_pod_gets_its_model(
    plane: ControlPlane, webhook_on: WebhookFactory
) -> None:
    webhook_on(plane, "1.31")
    spec = create(plane, asking()).expect(201).body["spec"]
    assert [one["name"] for one in spec["volumes"] if "persistentVolumeClaim" in one] == [
        "modelcache-model"
    ]
