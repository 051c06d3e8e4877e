"""Owns users with the rights that deploy/ grants, each on its own names."""

import base64
import itertools
from pathlib import Path

import msgspec

from tests.kubernetes import helm
from tests.kubernetes.api import Object
from tests.kubernetes.control_plane import ControlPlane
from tests.kubernetes.registration import GROUP, mutating, wait_until, webhook
from webhook.controller.options import Options

RBAC = "rbac.authorization.k8s.io/v1"
NAME = "inject.modelcache.io"
REQUIRED = {"modelcache.io/required": "true"}
_numbers = itertools.count(1)


class Bound:
    """A user with the rights of deploy/ on its own names, and the objects that these rights are for."""

    def __init__(self, plane: ControlPlane, namespace: str) -> None:
        self.plane = plane
        self.namespace = namespace
        self.name = f"rights-{next(_numbers)}"
        self.required = f"{self.name}-required"
        self.kubeconfig: Path = plane.write_kubeconfig(self.name, plane.authority.sign(self.name))
        self.options = Options(
            namespace=namespace,
            service="modelcache-webhook",
            secret="authorities",
            configuration=self.name,
            bindings=(self.name,),
            settle_seconds=0.5,
            enforce_after_seconds=1,
        )
        self.strict = msgspec.structs.replace(self.options, bindings=(), fail=True)
        """Options of a controller that enforces by failurePolicy alone."""
        self.names = {
            "zz-modelcache": self.name,
            "modelcache-injected": self.name,
            "modelcache-copied": self.name,
            "modelcache-resized": self.name,
            "modelcache-required": self.required,
            "modelcache-webhook-ca": "authorities",
        }
        subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": self.name}
        self.grants: list[Object] = []
        for kind in ("ClusterRole", "Role"):
            rules = self._rules(kind)
            meta: Object = {"name": self.name}
            if kind == "Role":
                meta["namespace"] = namespace
            ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": self.name}
            self.grants += [
                {"apiVersion": RBAC, "kind": kind, "metadata": meta, "rules": rules},
                {
                    "apiVersion": RBAC,
                    "kind": f"{kind}Binding",
                    "metadata": meta,
                    "roleRef": ref,
                    "subjects": [subject],
                },
            ]

    def _rules(self, kind: str) -> list[Object]:
        """Return the rules of the bound roles of deploy/, with this user's names instead of its own."""
        objects = helm.objects()
        bound = {obj["roleRef"]["name"] for obj in objects if "roleRef" in obj}
        roles = [o for o in objects if o["kind"] == kind and o["metadata"]["name"] in bound]
        rules: list[Object] = [rule for role in roles for rule in role["rules"]]
        for rule in rules:
            if "resourceNames" in rule:
                rule["resourceNames"] = [self.names[name] for name in rule["resourceNames"]]
        return rules

    def grant(self) -> None:
        for obj in self.grants:
            self.plane.api.create(obj).expect(201)

    def withdraw(self) -> None:
        for obj in reversed(self.grants):
            self.plane.api.delete(obj).expect()

    def register(self, *, failure_policy: str = "Ignore", timeout: int = 1) -> None:
        service: Object = {"name": "modelcache-webhook", "namespace": self.namespace}
        hook = webhook(
            NAME,
            {"service": service},
            failurePolicy=failure_policy,
            timeoutSeconds=timeout,
            objectSelector={"matchLabels": {"modelcache.io/tests": "none"}},
        )
        self.plane.api.create(mutating(self.name, hook)).expect(201)

    def trust(self, bundle: bytes) -> None:
        kind = "MutatingWebhookConfiguration"
        obj = self.plane.api.get(GROUP, kind, self.name).expect().body
        for hook in obj["webhooks"]:
            hook["clientConfig"]["caBundle"] = base64.b64encode(bundle).decode()
        self.plane.api.replace(obj).expect()

    def registered(self) -> Object:
        (hook,) = (
            self.plane.api.get(GROUP, "MutatingWebhookConfiguration", self.name)
            .expect()
            .body["webhooks"]
        )
        return dict(hook)

    def generation(self) -> int:
        kind = "MutatingWebhookConfiguration"
        found = self.plane.api.get(GROUP, kind, self.name).expect().body
        return int(found["metadata"]["generation"])

    def require(self, **labels: str) -> None:
        """Let the policies require *labels*, or nothing if there are none."""
        obj = mutating(self.required)
        obj["metadata"]["labels"] = labels
        self.plane.api.apply(obj).expect()

    def release(self) -> None:
        """Do what the manual says about emergencies."""
        self.plane.api.delete(mutating(self.required)).expect()

    def bind(self, *actions: str) -> None:
        """Install a policy that matches nothing, its parameter object and its binding."""
        self.require(**REQUIRED)
        self.plane.api.apply(self.policy).expect()
        self.plane.api.apply(self.binding(*actions)).expect()

    @property
    def policy(self) -> Object:
        """The policy of the binding."""
        never = {"apiGroups": ["tests.modelcache.io"], "apiVersions": ["*"], "operations": ["*"]}
        return {
            "apiVersion": GROUP,
            "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": self.name},
            "spec": {
                "paramKind": {"apiVersion": GROUP, "kind": "MutatingWebhookConfiguration"},
                "matchConstraints": {"resourceRules": [never | {"resources": ["*"]}]},
                "validations": [{"expression": "true"}],
            },
        }

    def binding(self, *actions: str) -> Object:
        return {
            "apiVersion": GROUP,
            "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": {"name": self.name},
            "spec": {
                "policyName": self.name,
                "paramRef": {"name": self.required, "parameterNotFoundAction": "Allow"},
                "validationActions": list(actions),
            },
        }

    def actions(self) -> set[str]:
        found = self.plane.api.get(GROUP, "ValidatingAdmissionPolicyBinding", self.name).expect()
        return set(found.body["spec"]["validationActions"])

    def endpoint(self, *, ready: bool) -> None:
        self.plane.api.apply(
            {
                "apiVersion": "discovery.k8s.io/v1",
                "kind": "EndpointSlice",
                "metadata": {
                    "name": "modelcache-webhook",
                    "namespace": self.namespace,
                    "labels": {"kubernetes.io/service-name": "modelcache-webhook"},
                },
                "addressType": "IPv4",
                "ports": [{"port": 8443}],
                "endpoints": [{"addresses": ["10.99.0.9"], "conditions": {"ready": ready}}],
            }
        ).expect()


def entitled(plane: ControlPlane, name: str, *rights: str) -> Path:
    """Return the kubeconfig of a user with *rights* in the whole cluster, and no others.

    Rights are written as for `kubectl auth can-i`, such as "list pods".
    """
    allowed = [right.split() for right in rights if "/version" not in right]
    rules = [_rule(verb, *resource.split(".", 1)) for verb, resource in allowed]
    group = "rbac.authorization.k8s.io"
    role = {"apiVersion": f"{group}/v1", "kind": "ClusterRole", "rules": rules}
    binding = {
        "apiVersion": f"{group}/v1",
        "kind": "ClusterRoleBinding",
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": name},
        "subjects": [{"apiGroup": group, "kind": "User", "name": name}],
    }
    for obj in (role, binding):
        plane.api.apply({**obj, "metadata": {"name": name}}).expect()
    spec = {"user": name, "resourceAttributes": _attributes(*allowed[-1])}
    review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec}
    path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
    wait_until(
        lambda: bool(plane.api.request("POST", path, review).body["status"]["allowed"]),
        "the role is in force",
    )
    return plane.write_kubeconfig(name, plane.authority.sign(name))


def _attributes(verb: str, resource: str) -> Object:
    name, _, group = resource.partition(".")
    resource, _, part = name.partition("/")
    return {"verb": verb, "resource": resource, "subresource": part, "group": group or "*"}


def _rule(verb: str, resource: str, group: str = "*") -> Object:
    return {"apiGroups": [group], "resources": [resource], "verbs": [verb]}
