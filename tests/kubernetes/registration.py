"""Owns what is registered with an API server, and waits until it is in force.

The API does not report when it has taken up a configuration. So every change is followed by a marker
of the same kind, which the API server takes up later. Once the marker acts, so does everything
before it.
"""

import base64
import contextlib
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

import yaml

from tests.kubernetes.api import Answer, Api, Object
from tests.kubernetes.control_plane import ControlPlane

DEPLOY: Final = Path(__file__).parents[2] / "deploy"
GROUP: Final = "admissionregistration.k8s.io/v1"
POLICIES_SINCE: Final = 30
"""The minor version of Kubernetes that has ValidatingAdmissionPolicy of v1."""
REQUIRED: Final = "modelcache-required"
"""The object without which the policies require nothing."""
RULES: Final = "modelcache-rules-"
"""What the names of the policies for rules begin with. Their bindings stay as they are."""
NOWHERE: Final = "https://127.0.0.1:1/"
PLUGINS: Final = {
    "MutatingWebhookConfiguration": "mutating",
    "ValidatingWebhookConfiguration": "validating",
    "ValidatingAdmissionPolicy": "policy",
    "ValidatingAdmissionPolicyBinding": "policy",
    "MutatingAdmissionPolicy": "mutating policy",
    "MutatingAdmissionPolicyBinding": "mutating policy",
}


def wait_until(probe: Callable[[], bool], what: str, seconds: float = 20) -> None:
    """Return once *probe* holds.

    It is tried after 10 ms, then less and less often, at last every 200 ms. A probe is mostly a
    request, and a hundred a second would slow down what the test waits for.
    """
    deadline = time.monotonic() + seconds
    pause = 0.01
    while not probe():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:g} s: {what}")
        time.sleep(pause)
        pause = min(pause * 1.2, 0.2)


def configure(plane: ControlPlane, objects: Sequence[Object]) -> None:
    """Apply *objects*, and return once they are in force."""
    for obj in objects:
        plane.api.apply(obj).expect()
    settle(plane, {obj["kind"] for obj in objects})


def withdraw(plane: ControlPlane, objects: Sequence[Object]) -> None:
    """Delete *objects*, and return once they no longer act."""
    for obj in reversed(objects):
        plane.api.delete(obj).expect(200, 404)
    settle(plane, {obj["kind"] for obj in objects})


@contextlib.contextmanager
def configured(plane: ControlPlane, objects: Sequence[Object]) -> Iterator[None]:
    """Keep *objects* in force for the time of a `with` block."""
    try:
        configure(plane, objects)
        yield
    finally:
        withdraw(plane, objects)


def settle(plane: ControlPlane, kinds: Iterable[str]) -> None:
    """Return once every earlier change to objects of *kinds* is in force."""
    for plugin in sorted({PLUGINS[kind] for kind in kinds if kind in PLUGINS}):
        name = f"marker-{secrets.token_hex(4)}"
        marked: Object = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}
        markers = _markers(plugin, name)
        try:
            for marker in markers:
                plane.api.create(marker).expect(201)
            wait_until(
                lambda obj=marked: not plane.api.create(obj, dry_run=True).ok,  # type: ignore[misc]
                f"{plugin} configurations in force",
            )
        finally:
            for marker in markers:
                plane.api.delete(marker)


def _markers(plugin: str, name: str) -> list[Object]:
    mine = f"object.metadata.name == '{name}'"
    match: Object = {
        "rules": [
            {
                "apiGroups": [""],
                "apiVersions": ["v1"],
                "operations": ["CREATE"],
                "resources": ["configmaps"],
            }
        ],
        "matchConditions": [{"name": "marker", "expression": mine}],
    }
    if plugin.endswith("policy"):
        match["resourceRules"] = match.pop("rules")
        conditions = match.pop("matchConditions")
        spec = {"matchConstraints": match, "matchConditions": conditions}
        if plugin == "policy":
            spec["validations"] = [{"expression": "false"}]
            kind, bound = "ValidatingAdmissionPolicy", {"validationActions": ["Deny"]}
        else:  # a patch that fails is a refusal
            fails = "[JSONPatch{op: 'remove', path: '/data/absent'}]"
            spec["mutations"] = [{"patchType": "JSONPatch", "jsonPatch": {"expression": fails}}]
            spec |= {"reinvocationPolicy": "Never", "failurePolicy": "Fail"}
            kind, bound = "MutatingAdmissionPolicy", {}
        return [
            _object(kind, name, spec=spec),
            _object(f"{kind}Binding", name, spec={"policyName": name, **bound}),
        ]
    hook = webhook(f"{name}.example.com", {"url": NOWHERE}, **match)
    return [_object(f"{plugin.capitalize()}WebhookConfiguration", name, webhooks=[hook])]


def _object(kind: str, name: str, **fields: Any) -> Object:
    return {"apiVersion": GROUP, "kind": kind, "metadata": {"name": name}, **fields}


def webhook(name: str, client_config: Object, **fields: Any) -> Object:
    """Return one webhook. It is called when pods are created, unless *fields* say otherwise."""
    pods = {
        "apiGroups": [""],
        "apiVersions": ["v1"],
        "operations": ["CREATE"],
        "resources": ["pods"],
    }
    return {
        "name": name,
        "clientConfig": client_config,
        "rules": [pods],
        "failurePolicy": "Fail",
        "sideEffects": "None",
        "timeoutSeconds": 5,
        "admissionReviewVersions": ["v1"],
        **fields,
    }


def mutating(name: str, *webhooks: Object) -> Object:
    """Return a MutatingWebhookConfiguration."""
    return _object("MutatingWebhookConfiguration", name, webhooks=list(webhooks))


def shipped(*kinds: str) -> list[Object]:
    """Return the objects of deploy/ that concern admission, of *kinds* or all.

    They are as the webhook leaves them once it serves, so missed pods are refused. The objects that
    the bindings refer to are included.
    """
    wanted = kinds or tuple(PLUGINS)
    documents = [yaml.safe_load_all(path.read_text()) for path in sorted(DEPLOY.glob("*.yaml"))]
    return strict(obj for document in documents for obj in document if _part_of(obj) in wanted)


def _part_of(obj: Object) -> str:
    required = obj["metadata"].get("name") == REQUIRED if "metadata" in obj else False
    return "ValidatingAdmissionPolicyBinding" if required else str(obj["kind"])


def strict(objects: Iterable[Object]) -> list[Object]:
    """Return *objects* with bindings that deny, if the webhook makes them deny."""
    found = list(objects)
    for obj in found:
        rules = obj["metadata"]["name"].startswith(RULES) if "metadata" in obj else False
        if obj["kind"] == "ValidatingAdmissionPolicyBinding" and not rules:
            obj["spec"]["validationActions"] = ["Audit", "Deny"]
    return found


def pointed(objects: Sequence[Object], url: str, ca: bytes) -> list[Object]:
    """Return *objects* with every Service replaced by *url*, its path kept."""
    for hook in [hook for obj in objects for hook in obj.get("webhooks", [])]:
        path = hook["clientConfig"]["service"]["path"]
        hook["clientConfig"] = {"url": url + path, "caBundle": base64.b64encode(ca).decode()}
    return list(objects)


def register(plane: ControlPlane, url: str, ca_pem: bytes) -> list[Object]:
    """Put the files of deploy/ in force, with *url* instead of the Service; return their objects.

    Kubernetes 1.29 has no policies of v1.
    """
    minor = int(plane.version().split(".")[1])
    kinds = () if minor >= POLICIES_SINCE else ("MutatingWebhookConfiguration",)
    objects = pointed(shipped(*kinds), url, ca_pem)
    configure(plane, objects)
    return objects


def refused(answer: Answer, text: str) -> bool:
    """Whether *answer* is a refusal whose message contains *text*."""
    return not answer.ok and text in answer.message


class NamespaceFactory(Protocol):
    """Creates a namespace with a new name and *labels*, in *on* or else in the folder's cluster."""

    def __call__(
        self, labels: dict[str, str] | None = None, *, on: ControlPlane | None = None
    ) -> str: ...


def create_namespace(plane: ControlPlane, name: str, labels: dict[str, str] | None = None) -> str:
    """Create a namespace in which pods can be created at once."""
    api: Api = plane.api
    metadata: Object = {"name": name, "labels": labels or {}}
    api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}).expect(201)
    plane.ensure_service_account(name)
    return name
