"""The policy that keeps a resize in place above what the volumes in memory hold."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.kubernetes.api import Answer, Object
from tests.kubernetes.control_plane import ControlPlane
from tests.kubernetes.registration import (
    NamespaceFactory,
    configured,
    shipped,
    wait_until,
)
from tests.kubernetes.server import standing_aside

KINDS = ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding")
NAME = "modelcache-resized"
POD = "the memory limit of the pod would be less than what its volumes in memory hold"
CONTAINER = "the memory limit of container c would be less than its /dev/shm"


@pytest.fixture(scope="module", params=["1.37", "1.34"])
def plane(request: pytest.FixtureRequest) -> Iterator[ControlPlane]:
    """Each server in turn, with the policies in force and no webhook."""
    name = "old_cluster" if request.param == "1.34" else "cluster"
    found: ControlPlane = request.getfixturevalue(name)
    with standing_aside(found), configured(found, shipped(*KINDS)):
        yield found


def memory(name: str, size: str) -> Object:
    return {"name": name, "emptyDir": {"medium": "Memory", "sizeLimit": size}}


MODEL = memory("modelcache-model", "16Gi")
SHM = memory("modelcache-shm", "2Gi")


def container(name: str, limit: str | None, *, shm: bool = False, **fields: Any) -> Object:
    """Return a container that requests 1Gi."""
    resources: Object = {"requests": {"memory": "1Gi"}}
    if limit:
        resources["limits"] = {"memory": limit}
    mounts = [{"name": "modelcache-shm", "mountPath": "/dev/shm"}] if shm else []
    return {"name": name, "image": "i", "resources": resources, "volumeMounts": mounts, **fields}


def pod(namespace: str, *containers: Object, **spec: Any) -> Object:
    """Return a pod without annotations: what counts is what it mounts."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"generateName": "p-", "namespace": namespace},
        "spec": {"containers": list(containers), "volumes": [MODEL, SHM], **spec},
    }


def resized(plane: ControlPlane, obj: Object, limits: dict[str, str], level: str = "") -> Answer:
    """Create *obj*, and give its containers *limits*, and the pod the limit *level*."""
    meta = plane.api.create(obj).expect(201).body["metadata"]
    found = {
        kind: [
            {"name": name, "resources": {"limits": {"memory": limits[name]}}}
            for name in limits
            if name in [one["name"] for one in obj["spec"].get(kind, [])]
        ]
        for kind in ("containers", "initContainers")
    }
    patch: Object = {"spec": {kind: them for kind, them in found.items() if them}}
    if level:
        patch["spec"]["resources"] = {"limits": {"memory": level}}
    url = f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}/resize"
    media_type = "application/strategic-merge-patch+json"
    return plane.api.request("PATCH", url, patch, media_type=media_type)


def refuses(answer: Answer, text: str) -> bool:
    assert (answer.code, answer.reason) == (422, "Invalid"), answer.message
    assert f"ValidatingAdmissionPolicy '{NAME}'" in answer.message
    assert text in answer.message, answer.message
    return True


ONE = (container("c", "40Gi", shm=True),)
TWO = (container("c", "24Gi", shm=True), container("d", "2Gi"))
SIDECAR = [container("s", "8Gi", restartPolicy="Always"), container("i", "64Gi")]
CASES: list[tuple[tuple[Object, ...], Object, dict[str, str], str | None]] = [
    (ONE, {}, {"c": "20Gi"}, None),
    (ONE, {}, {"c": "18Gi"}, None),
    (ONE, {}, {"c": "17Gi"}, POD),
    (ONE, {}, {"c": "1536Mi"}, POD),
    (ONE, {}, {"c": "64Gi"}, None),
    (TWO, {}, {"c": "16Gi"}, None),
    (TWO, {}, {"c": "15Gi"}, POD),
    (TWO, {}, {"d": "1Gi"}, None),
    (ONE, {"initContainers": SIDECAR}, {"c": "10Gi"}, None),
    (ONE, {"initContainers": SIDECAR}, {"c": "9Gi"}, POD),
    (ONE, {"initContainers": SIDECAR}, {"s": "1Gi", "c": "17Gi"}, None),
    # The pod has no limit, but what the server writes to /dev/shm counts against its own.
    ((container("c", "20Gi", shm=True), container("d", None)), {}, {"c": "3Gi"}, None),
    ((container("c", "20Gi", shm=True), container("d", None)), {}, {"c": "1536Mi"}, CONTAINER),
    ((container("c", "20Gi"), container("d", None)), {}, {"c": "1536Mi"}, None),
    # It was too small before: more is better.
    ((container("c", "4Gi", shm=True),), {}, {"c": "8Gi"}, None),
    ((container("c", "4Gi", shm=True),), {}, {"c": "3Gi"}, POD),
    # Volumes of the author are theirs to judge.
    (ONE, {"volumes": [memory("modelcache-shm", "0"), memory("modelcache-models", "30Gi")]}, {"c": "2Gi"}, None),
    (ONE, {"volumes": [{"name": "modelcache-model", "emptyDir": {}}, memory("modelcache-shm", "1Gi")]}, {"c": "2Gi"}, None),
    (ONE, {"volumes": [MODEL, {**MODEL, "name": "modelcache-model-2"}, SHM]}, {"c": "33Gi"}, POD),
]  # fmt: skip


@pytest.mark.parametrize(("containers", "spec", "limits", "text"), CASES)
def test_a_resize_below_what_the_volumes_hold_is_refused(
    containers: tuple[Object, ...],
    spec: Object,
    limits: dict[str, str],
    text: str | None,
    plane: ControlPlane,
    namespace: NamespaceFactory,
) -> None:
    answer = resized(plane, pod(namespace(on=plane), *containers, **spec), limits)
    if text:
        assert refuses(answer, text)
    else:
        answer.expect(200)


def test_the_volumes_are_named_with_their_sizes(
    plane: ControlPlane, namespace: NamespaceFactory
) -> None:
    answer = resized(plane, pod(namespace(on=plane), *ONE), {"c": "4Gi"})
    assert refuses(answer, "(modelcache-model 16Gi, modelcache-shm 2Gi)")


def test_a_limit_of_the_pod_counts_and_not_that_of_its_containers(
    cluster: ControlPlane, namespace: NamespaceFactory
) -> None:
    with standing_aside(cluster), configured(cluster, shipped(*KINDS)):
        level = {"limits": {"memory": "40Gi"}, "requests": {"memory": "2Gi"}}
        where = namespace()
        small = pod(where, container("c", "4Gi", shm=True), resources=level)
        resized(cluster, small, {"c": "3Gi"}).expect(200)
        assert refuses(resized(cluster, small, {}, "17Gi"), POD)
        resized(cluster, small, {}, "18Gi").expect(200)


def test_its_expressions_compile_without_a_warning(cluster: ControlPlane) -> None:
    def status() -> Object:
        answer = cluster.api.get(
            "admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy", NAME
        )
        found: Object = answer.body.get("status", {})
        return found

    with standing_aside(cluster), configured(cluster, shipped(*KINDS)):
        wait_until(lambda: "typeChecking" in status(), "the controller has checked the types")
        assert status()["typeChecking"] == {}
