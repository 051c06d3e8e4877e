"""The condition Accepted, which replicas write into CachedModels and CachePolicies."""

import contextlib
from typing import Any

import pytest

from tests.cluster.controllers.place import Place
from tests.cluster.custom_resources.applied import Applied
from tests.kubernetes.api import Object, url_of
from tests.kubernetes.control_plane import ControlPlane
from tests.kubernetes.controllers import Controller
from tests.kubernetes.custom_resources import define
from tests.kubernetes.registration import wait_until
from webhook.controller.acceptance import without_acceptance

JSON_PATCH = "application/json-patch+json"


@pytest.fixture(scope="module", autouse=True)
def _defined(cluster: ControlPlane) -> None:
    define(cluster)


def accepted(plane: ControlPlane, obj: Object) -> Object:
    """Return the condition Accepted of an object; empty if it has none."""
    now = plane.api.get(obj["apiVersion"], obj["kind"], obj["metadata"]["name"]).expect().body
    conditions = (now.get("status") or {}).get("conditions") or []
    return next((one for one in conditions if one["type"] == "Accepted"), {})


def wait_for(plane: ControlPlane, obj: Object, **wanted: Any) -> Object:
    wait_until(
        lambda: wanted.items() <= accepted(plane, obj).items(), f"the condition is {wanted}", 30
    )
    return accepted(plane, obj)


def writes(plane: ControlPlane, obj: Object) -> list[int]:
    """Return the codes of the answers to writes of an object's status."""
    path = f"{url_of(obj)}/status"
    return [
        event["responseStatus"]["code"]
        for event in plane.audit_events()
        if event["stage"] == "ResponseComplete"
        and event["verb"] == "patch"
        and event["requestURI"].partition("?")[0] == path
    ]


def test_an_object_is_accepted_once_its_mistake_is_fixed(place: Place, applied: Applied) -> None:
    plane = place.plane
    with Controller(plane, place.options(facts=True)):
        obj = applied("CachedModel", "huge", source="acme/huge", size="2Pi")
        found = wait_for(plane, obj, status="False", reason="Invalid", observedGeneration=1)
        assert 'spec.size: "2Pi" is out of range' in found["message"]
        obj["spec"]["size"] = "2Gi"
        plane.api.apply(obj).expect()
        later = wait_for(plane, obj, status="True", reason="Accepted", observedGeneration=2)
        assert later["lastTransitionTime"] >= found["lastTransitionTime"]


def test_two_replicas_write_once_for_each_generation(place: Place, applied: Applied) -> None:
    plane = place.plane
    objects = [
        applied("CachePolicy", "plain", defaults={"claim": "models"}),
        applied("CachedModel", "plain", source="acme/plain", size="5Gi"),
    ]
    with contextlib.ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(Controller(plane, place.options(facts=True)))
        for obj in objects:
            wait_for(plane, obj, status="True", observedGeneration=1)
        objects[1]["spec"]["size"] = "6Gi"
        plane.api.apply(objects[1]).expect()
        wait_for(plane, objects[1], status="True", observedGeneration=2)
    # Both may try at the same moment: then the API server takes one, and the other sees that.
    assert writes(plane, objects[0]).count(200) == 1
    assert writes(plane, objects[1]).count(200) == 2
    with Controller(plane, place.options(facts=True)):
        other = applied("CachePolicy", "other", defaults={"claim": "models"})
        wait_for(plane, other, status="True")
    assert writes(plane, objects[0]).count(200) == 1, "what is there is not written again"


def test_another_version_s_verdict_on_the_same_generation_stays(
    place: Place, applied: Applied
) -> None:
    plane = place.plane
    obj = applied("CachePolicy", "judged", defaults={"claim": "models"})
    with Controller(plane, place.options(facts=True)):
        said = wait_for(plane, obj, status="True")
        condition = {**said, "status": "False", "reason": "Invalid", "message": "not by another"}
        patch = [{"op": "replace", "path": "/status/conditions", "value": [condition]}]
        path = f"{url_of(obj)}/status"
        plane.api.request("PATCH", path, patch, media_type=JSON_PATCH).expect()
        later = applied("CachePolicy", "later", defaults={"claim": "models"})
        wait_for(plane, later, status="True")
        assert accepted(plane, obj) == condition
    with Controller(plane, place.options(facts=True)):
        wait_for(plane, obj, status="True", reason="Accepted")


def test_other_conditions_stay(place: Place, applied: Applied) -> None:
    plane = place.plane
    obj = applied("CachedModel", "ready", source="acme/ready", size="5Gi")
    ready = {
        "type": "Ready", "status": "True", "reason": "Loaded", "message": "two stores",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }  # fmt: skip
    patch = [{"op": "add", "path": "/status", "value": {"conditions": [ready], "bytes": 5}}]
    plane.api.request("PATCH", f"{url_of(obj)}/status", patch, media_type=JSON_PATCH).expect()
    with Controller(plane, place.options(facts=True)):
        wait_for(plane, obj, status="True")
    now = plane.api.get(obj["apiVersion"], obj["kind"], "ready").expect().body
    assert ready in now["status"]["conditions"]
    assert now["status"]["bytes"] == 5


@pytest.mark.parametrize(
    ("status", "kept"),
    [
        (None, None),
        ({"bytes": 5}, {"bytes": 5}),
        ({"conditions": [{"type": "Accepted"}]}, {}),
        ({"conditions": [{"type": "Ready"}, {"type": "Accepted"}]}, {"conditions": [{"type": "Ready"}]}),
        ({"conditions": "none"}, {"conditions": "none"}),
    ],
)  # fmt: skip
def test_the_condition_is_no_change_of_what_decides(status: Any, kept: Any) -> None:
    assert without_acceptance(status) == kept
