"""The ValidatingAdmissionPolicy for workloads judges custom resources too."""

import re
from collections.abc import Iterator

import pytest

from tests.cluster.api_servers.custom_objects import (
    ASKED,
    ROWS,
    custom,
    definitions,
    judged,
    put,
)
from tests.kubernetes.control_plane import ControlPlane
from tests.kubernetes.custom_resources import served
from tests.kubernetes.registration import NamespaceFactory, configured, shipped
from tests.kubernetes.server import standing_aside
from webhook.objects.workload import steps

KINDS = ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding")


@pytest.fixture(scope="module", autouse=True)
def missed(cluster: ControlPlane) -> Iterator[None]:
    """No webhook sees requests, and the policies are in force."""
    with (
        standing_aside(cluster),
        served(cluster, definitions()),
        configured(cluster, shipped(*KINDS)),
    ):
        yield


@pytest.mark.parametrize("name", ROWS)
def test_the_policy_refuses_what_was_not_copied(
    cluster: ControlPlane, namespace: NamespaceFactory, name: str
) -> None:
    row, where = ROWS[name], namespace()
    obj = custom(row, where, ASKED)
    refused = cluster.api.create(obj, dry_run=True).expect(422)
    [missing] = re.findall("did not copy (.*) into the pod template", refused.message)
    assert {*missing.split(", ")} == {*ASKED}
    for place in judged(row):
        put(obj, steps(place.at + place.annotations), ASKED)
    cluster.api.create(obj, dry_run=True).expect(201)
    cluster.api.create(custom(row, where, {"team": "a"}), dry_run=True).expect(201)
