"""How kube-apiserver applies a patch: where its library is lenient, and what validation misses.

These tests are about Kubernetes, not about the product: they are the facts on which the product's patches rest.
"""

from typing import Any

import pytest

from tests.kubernetes.api import Answer, Object
from tests.kubernetes.asking import Asked, pod
from tests.kubernetes.control_plane import ControlPlane
from tests.kubernetes.scripted_hook import add, patch

MORE: Object = {"name": "more", "image": "i"}
REFERENCE = "registry.example.com/m@sha256:" + "0" * 64


def containers(answer: Answer) -> list[str]:
    return [container["name"] for container in answer.expect(201).body["spec"]["containers"]]


@pytest.mark.parametrize(
    ("path", "order"),
    [("-", ["c", "more"]), ("1", ["c", "more"]), ("0", ["more", "c"]), ("-1", ["c", "more"])],
)
def test_a_container_is_added_at_index(asked: Asked, path: str, order: list[str]) -> None:
    """RFC 6902 has no negative index, but this library counts from the end."""
    assert containers(asked.about(patch(add(f"/spec/containers/{path}", MORE)))) == order


def test_a_replacement_of_what_is_absent_adds_it(asked: Asked) -> None:
    """It is an error in RFC 6902 and in Python's jsonpatch, so a check with that is stricter."""
    answer = asked.about(patch({"op": "replace", "path": "/metadata/labels", "value": {"a": "b"}}))
    assert answer.expect(201).body["metadata"]["labels"] == {"a": "b"}


def test_copy_and_move_are_carried_out(asked: Asked) -> None:
    copied = {"op": "copy", "from": "/spec/containers/0", "path": "/spec/containers/-"}
    renamed = add("/spec/containers/1/name", "copy")
    moved = {"op": "move", "from": "/spec/containers/1", "path": "/spec/containers/0"}
    assert containers(asked.about(patch(copied, renamed, moved))) == ["copy", "c"]


def test_a_tilde_and_a_slash_of_a_key_are_escaped(asked: Asked) -> None:
    keys = patch(add("/metadata/annotations", {}), add("/metadata/annotations/a.b~1c~0d", "x"))
    refused = asked.about(keys)
    assert (refused.code, '"a.b/c~d"' in refused.message) == (422, True), "~ is no legal key"
    slash = patch(add("/metadata/annotations", {}), add("/metadata/annotations/a.b~1c", "x"))
    assert asked.about(slash).expect(201).body["metadata"]["annotations"] == {"a.b/c": "x"}


def test_a_null_of_the_user_is_absent_for_a_patch(asked: Asked) -> None:
    nulls = pod(annotations=None)
    refused = asked.about(patch(add("/metadata/annotations/x", "y")), nulls)
    assert (refused.code, "doc is missing path" in refused.message) == (500, True)
    nulls = pod()
    nulls["spec"]["initContainers"] = None
    assert asked.about(patch(add("/spec/initContainers/-", MORE)), nulls).code == 500
    nulls["spec"]["initContainers"] = None
    assert asked.about(patch(add("/spec/initContainers", [MORE])), nulls).code == 201


def test_an_unknown_field_is_silently_dropped(asked: Asked) -> None:
    answer = asked.about(patch(add("/spec/cache", "llama"), add("/spec/containers/0/cache", "x")))
    assert "cache" not in str(answer.expect(201).body["spec"])
    assert answer.warnings == ()


def test_a_patch_may_rename_a_pod(asked: Asked) -> None:
    renamed = asked.about(patch(add("/metadata/name", "other")), pod("mine"))
    assert renamed.expect(201).body["metadata"]["name"] == "other"
    named = asked.about(patch(add("/metadata/name", "other")), pod())
    assert named.expect(201).body["metadata"]["name"] == "other"


def with_volumes(*volumes: Object, mounts: list[Object] | None = None, **container: Any) -> Object:
    """Return the patch that gives the pod *volumes* and its container *mounts*."""
    mounts = mounts or [{"name": v["name"], "mountPath": f"/{v['name']}"} for v in volumes]
    return patch(
        *(add("/spec/volumes/-", volume) for volume in volumes),
        *(add("/spec/containers/0/volumeMounts/-", mount) for mount in mounts),
        *(add(f"/spec/containers/0/{field}", value) for field, value in container.items()),
    )


EMPTY = {"name": "v", "emptyDir": {}}
ACCEPTED: dict[str, Object] = {
    "a mount path and the same with a slash": with_volumes(
        EMPTY, mounts=[{"name": "v", "mountPath": "/a"}, {"name": "v", "mountPath": "/a/"}]
    ),
    "a mount path inside another": with_volumes(
        EMPTY, mounts=[{"name": "v", "mountPath": "/a"}, {"name": "v", "mountPath": "/a/b"}]
    ),
    "a colon in a mount path": with_volumes(EMPTY, mounts=[{"name": "v", "mountPath": "/a:b"}]),
    "a relative hostPath": with_volumes({"name": "v", "hostPath": {"path": "models"}}),
    "a memory volume of size 0": with_volumes(
        {"name": "v", "emptyDir": {"medium": "Memory", "sizeLimit": "0"}}
    ),
    "a writable mount of an image": with_volumes(
        {"name": "v", "image": {"reference": REFERENCE}},
        mounts=[{"name": "v", "mountPath": "/a", "readOnly": False}],
    ),
    "a volume that nobody mounts": patch(add("/spec/volumes/-", EMPTY)),
}
REFUSED: dict[str, tuple[Object, str]] = {
    "two volumes of one name": (
        patch(add("/spec/volumes/-", EMPTY), add("/spec/volumes/-", EMPTY)),
        "spec.volumes[2].name: Duplicate value",
    ),
    "two mounts at one path": (
        with_volumes(EMPTY, mounts=[{"name": "v", "mountPath": "/a"}] * 2),
        "must be unique",
    ),
    "a hostPath that climbs": (
        with_volumes({"name": "v", "hostPath": {"path": "/models/../etc"}}),
        "must not contain '..'",
    ),
    "a volume of two sources": (
        with_volumes({**EMPTY, "hostPath": {"path": "/models"}}),
        "may not specify more than 1 volume type",
    ),
    "a limit below the request": (
        patch(
            add(
                "/spec/containers/0/resources",
                {"requests": {"memory": "2Gi"}, "limits": {"memory": "1Gi"}},
            )
        ),
        "must be less than or equal to memory limit",
    ),
    "a mount of a missing volume": (
        with_volumes(mounts=[{"name": "v", "mountPath": "/a"}]),
        'volumeMounts[1].name: Not found: "v"',
    ),
}


@pytest.mark.parametrize("answer", ACCEPTED.values(), ids=list(ACCEPTED))
def test_api_validation_accepts(asked: Asked, answer: Object) -> None:
    assert asked.about(answer).expect(201)


@pytest.mark.parametrize(("answer", "text"), REFUSED.values(), ids=list(REFUSED))
def test_api_validation_refuses(asked: Asked, answer: Object, text: str) -> None:
    refused = asked.about(answer)
    assert (refused.code, text in refused.message) == (422, True), refused.message


def volumes(answer: Answer) -> tuple[list[Object], list[str], tuple[str, ...]]:
    """Return the volumes without the token's, the mounts likewise, and the warnings."""
    spec = answer.expect(201).body["spec"]
    found = [v for v in spec["volumes"] if not v["name"].startswith("kube-api-access")]
    mounts = [m["name"] for m in spec["containers"][0]["volumeMounts"]]
    return found, [m for m in mounts if not m.startswith("kube-api-access")], answer.warnings


def mounting(source: Object) -> Object:
    wanted = pod()
    wanted["spec"]["volumes"] = [{"name": "v", **source}]
    wanted["spec"]["containers"][0]["volumeMounts"] = [{"name": "v", "mountPath": "/v"}]
    return wanted


IMAGE = {"image": {"reference": REFERENCE, "pullPolicy": "IfNotPresent"}}


def test_an_image_volume_is_kept_by_1_37(cluster: ControlPlane) -> None:
    answer = cluster.api.create(mounting(IMAGE), dry_run=True)
    assert volumes(answer) == ([{"name": "v", **IMAGE}], ["v"], ())


def test_1_34_silently_drops_an_image_volume_with_its_mounts(
    old_cluster: ControlPlane,
) -> None:
    assert volumes(old_cluster.api.create(mounting(IMAGE), dry_run=True)) == ([], [], ())


def test_an_image_volume_added_by_a_patch_is_kept_by_1_37(asked: Asked) -> None:
    answer = asked.about(with_volumes({"name": "v", **IMAGE}))
    assert volumes(answer) == ([{"name": "v", **IMAGE}], ["v"], ())


def test_a_volume_of_an_unknown_source_becomes_an_empty_directory(
    cluster: ControlPlane, old_cluster: ControlPlane
) -> None:
    """A user's client is warned of the unknown field; see below for a patch."""
    for plane in (cluster, old_cluster):
        answer = plane.api.create(mounting({"future": {"x": "y"}}), dry_run=True)
        found, mounts, warnings = volumes(answer)
        assert (found, mounts) == ([{"name": "v", "emptyDir": {}}], ["v"])
        assert warnings == ('unknown field "spec.volumes[0].future"',)


def test_a_patched_volume_of_an_unknown_source_silently_becomes_an_empty_directory(
    asked: Asked,
) -> None:
    answer = asked.about(with_volumes({"name": "v", "future": {"x": "y"}}))
    assert volumes(answer) == ([{"name": "v", "emptyDir": {}}], ["v"], ())
