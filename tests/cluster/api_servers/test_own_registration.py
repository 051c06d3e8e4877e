"""The webhook may write only one or two fields of its registration, which RBAC can't express."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.kubernetes import helm
from tests.kubernetes.api import Answer, Object, url
from tests.kubernetes.control_plane import ControlPlane
from tests.kubernetes.registration import GROUP, configured
from tests.kubernetes.server import standing_aside

KIND = "MutatingWebhookConfiguration"
NAME = "zz-modelcache"
RBAC = ("ClusterRole", "ClusterRoleBinding")
ADMISSION = ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding", KIND)
US = f"system:serviceaccount:{helm.NAMESPACE}:modelcache-webhook"
BUNDLE = {"clientConfig": {"caBundle": "LS0t"}}
HOOKS: dict[str, Object] = {
    "service": {"clientConfig": {"service": {"name": "x", "namespace": "default"}}},
    "path": {"clientConfig": {"service": {"path": "/elsewhere"}}},
    "url": {"clientConfig": {"service": None, "url": "https://example.org"}},
    "name": {"name": "another.modelcache.io"},
    "rules": {"rules": [{"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*/*"]}]},
    "namespaceSelector": {"namespaceSelector": None},
    "objectSelector": {"objectSelector": {"matchLabels": {"a": "b"}}},
    "matchConditions": {"matchConditions": None},
    "matchPolicy": {"matchPolicy": "Exact"},
    "reinvocationPolicy": {"reinvocationPolicy": "Never"},
    "sideEffects": {"sideEffects": "NoneOnDryRun"},
    "timeoutSeconds": {"timeoutSeconds": 30},
    "admissionReviewVersions": {"admissionReviewVersions": ["v1", "v2"]},
}  # fmt: skip
OBJECTS: dict[str, Object] = {
    "no webhooks": {"webhooks": None},
    "labels": {"metadata": {"labels": {"a": "b"}}},
    "annotations": {"metadata": {"annotations": {"a": "b"}}},
    "finalizers": {"metadata": {"finalizers": ["example.org/never"]}},
    "ownerReferences": {
        "metadata": {
            "ownerReferences": [{"apiVersion": "v1", "kind": "Namespace", "name": "x", "uid": "y"}]
        }
    },
}


class Registration:
    """The registration, and the users who write it."""

    def __init__(self, plane: ControlPlane) -> None:
        self.plane = plane

    def write(self, change: Object, user: str = US) -> Answer:
        """Let *user* change it with a JSON merge patch, by dry run."""
        return self.plane.api.request(
            "PATCH", url(GROUP, KIND, name=NAME), change, dry_run=True, user=user,
            groups=["system:masters"] if user != US else [],
            media_type="application/merge-patch+json",
        )  # fmt: skip

    def change(self, change: Object) -> None:
        """Change its webhooks, as an administrator."""
        obj = {"apiVersion": GROUP, "kind": KIND, "metadata": {"name": NAME}}
        self.plane.api.merge(obj, self.hooks(change)).expect()

    def hooks(self, change: Object, only: int | None = None) -> Object:
        """Return a change of each of its webhooks, or of one."""
        found = self.plane.api.get(GROUP, KIND, NAME).expect().body["webhooks"]
        return {
            "webhooks": [
                merged(hook, change) if only in (None, number) else hook
                for number, hook in enumerate(found)
            ]
        }


def merged(value: Any, change: Any) -> Any:
    """Return *value* after a JSON merge patch, RFC 7396."""
    if not isinstance(change, dict):
        return change
    value = dict(value or {})
    for key, part in change.items():
        if part is None:
            value.pop(key, None)
        else:
            value[key] = merged(value.get(key), part)
    return value


def installed(
    plane: ControlPlane, values: dict[str, Any], called: Object | None = None
) -> Iterator[Registration]:
    objects = helm.objects(values)
    for obj in objects:
        for hook in obj.get("webhooks", []):
            hook["clientConfig"] = called or hook["clientConfig"]
    roles = [obj for obj in objects if obj["kind"] in RBAC]
    try:
        for obj in roles:
            plane.api.apply(obj).expect()
        admission = [obj for obj in objects if obj["kind"] in ADMISSION]
        with standing_aside(plane), configured(plane, admission):
            yield Registration(plane)
    finally:
        for obj in roles:
            plane.api.delete(obj).expect(200, 404)


@pytest.fixture(scope="module", params=["1.37", "1.34"])
def registration(request: pytest.FixtureRequest) -> Iterator[Registration]:
    """Installed as by default, on each API server."""
    name = "old_cluster" if request.param == "1.34" else "cluster"
    yield from installed(request.getfixturevalue(name), {})


@pytest.fixture(scope="module")
def failing(cluster: ControlPlane) -> Iterator[Registration]:
    """Installed with failurePolicy Fail; an administrator replaced the Service by a URL."""
    yield from installed(cluster, {"failurePolicy": "Fail"}, {"url": "https://modelcache.example"})


def test_the_webhook_may_write_the_bundle(registration: Registration) -> None:
    registration.write(registration.hooks(BUNDLE)).expect()
    registration.write(registration.hooks(BUNDLE, only=1)).expect()


def test_the_webhook_may_reset_the_failure_policy_of_an_earlier_profile(
    registration: Registration,
) -> None:
    registration.change({"failurePolicy": "Fail"})
    try:
        registration.write(registration.hooks({"failurePolicy": "Ignore"}, only=0)).expect()
        refused = registration.write(
            registration.hooks({"failurePolicy": "Ignore"} | HOOKS["rules"])
        )
        assert refused.code == 403
    finally:
        registration.change({"failurePolicy": "Ignore"})


@pytest.mark.parametrize("field", [*HOOKS, "failurePolicy"])
def test_the_webhook_may_write_no_other_field_of_a_webhook(
    registration: Registration, field: str
) -> None:
    change = (HOOKS | {"failurePolicy": {"failurePolicy": "Fail"}})[field]
    for only in (0, 1):
        wanted = registration.hooks(merged(change, BUNDLE), only)
        refused = registration.write(wanted)
        assert (refused.code, refused.reason) == (403, "Forbidden")
        assert (
            "the webhook may only write caBundle and failurePolicy Ignore in its" in refused.message
        )
        registration.write(wanted, user="somebody").expect()


@pytest.mark.parametrize("what", OBJECTS)
def test_the_webhook_may_write_nothing_else_of_the_registration(
    registration: Registration, what: str
) -> None:
    refused = registration.write(OBJECTS[what])
    assert (refused.code, refused.reason) == (403, "Forbidden")
    registration.write(OBJECTS[what], user="somebody").expect()


def test_the_webhook_may_not_add_or_double_a_webhook(registration: Registration) -> None:
    both = registration.hooks({})["webhooks"]
    added = {**both[0], "name": "another.modelcache.io"}
    for hooks in ([*both, added], [both[0], added], both[:1]):
        assert registration.write({"webhooks": hooks}).code == 403, json.dumps(hooks)


def test_with_fail_the_webhook_may_write_failure_policy_too(failing: Registration) -> None:
    failing.write(failing.hooks(BUNDLE)).expect()
    failing.write(failing.hooks({"failurePolicy": "Fail"}, only=0)).expect()
    for change in (HOOKS["rules"], {"clientConfig": {"url": "https://elsewhere.example"}}):
        refused = failing.write(failing.hooks(change))
        assert "caBundle and failurePolicy" in refused.message
