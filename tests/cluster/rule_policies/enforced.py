"""Owns a cluster that has our kinds and the policies for rules, and waits for CachePolicies."""

import itertools
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from tests.admission.rules import NAMESPACES
from tests.kubernetes.api import Answer, Object
from tests.kubernetes.control_plane import ControlPlane
from tests.kubernetes.custom_resources import served
from tests.kubernetes.registration import configured, create_namespace, wait_until
from webhook.admission.policy.documents import API_VERSION, NAME_LABEL
from webhook.custom_resources.definitions import definitions
from webhook.objects.json import Json
from webhook.rule_policies.policies import rule_policies

LOADER: Final = "modelcache-loader"
EXCLUDED: Final = ["kube-system"]
DENIED: Final = (
    "ValidatingAdmissionPolicy 'modelcache-rules-enforce' with binding 'modelcache-rules-enforce' "
    "denied request: "
)
WARNED: Final = (
    "Validation failed for ValidatingAdmissionPolicy 'modelcache-rules-warn' with binding "
    "'modelcache-rules-warn': "
)
FAILED: Final = "validation.policy.admission.k8s.io/validation_failure"
"""The audit annotation of a policy."""
_MARKED: Final = "marked"
"""The namespace of the marker, which no other CachePolicy selects."""
_numbers = itertools.count(1)


@contextmanager
def enforcing(plane: ControlPlane) -> Iterator["Enforced"]:
    """Have the policies in force for the time of a `with` block."""
    for name in (*NAMESPACES, _MARKED):
        if name != "kube-system":
            create_namespace(plane, name, NAMESPACES.get(name))
        account = {"name": LOADER, "namespace": name}
        plane.api.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account})
    plane.ensure_service_account("kube-system")
    with served(plane, definitions()), configured(plane, rule_policies(EXCLUDED)):
        yield Enforced(plane)


class Enforced:
    """A cluster with the policies, and the CachePolicies that a test wants."""

    def __init__(self, plane: ControlPlane) -> None:
        self.plane, self._documents = plane, list[Json]()

    def policies(self, documents: Iterable[Json] = ()) -> None:
        """Have exactly these CachePolicies, and return once they are in force."""
        wanted = list(documents)
        if wanted and wanted == self._documents:
            return
        for obj in self.plane.api.list(API_VERSION, "CachePolicy"):
            name = obj["metadata"]["name"]
            if name not in {one["metadata"]["name"] for one in wanted}:
                self._delete(name)
        for obj in wanted:
            self.plane.api.apply(obj).expect()
        self._documents = wanted
        self.settle()

    def settle(self) -> None:
        """Return once every earlier change of a CachePolicy is in force.

        An API server sees changes of one kind in their order. So a last policy marks the end: it
        refuses a pod, and its number is in the refusal.
        """
        root = f"/marker/{next(_numbers)}"
        rule = {"mode": "enforce", "roots": [root]}
        here = {"matchLabels": {NAME_LABEL: _MARKED}}
        spec = {"namespaceSelector": here, "rules": {"hostPathRoots": rule}}
        marker = cache_policy("zz-marker", spec)
        self.plane.api.apply(marker).expect()
        probe = pod(_MARKED, volumes=[{"name": "h", "hostPath": {"path": "/marker"}}])
        wait_until(
            lambda: f"the node cache {root}:" in self.dry_run(probe).message,
            "the CachePolicies are in force",
        )
        self._delete("zz-marker")

    def _delete(self, name: str) -> None:
        self.plane.api.delete(cache_policy(name, {})).expect(200, 404)

    def dry_run(self, obj: Object, **params: str) -> Answer:
        """Create *obj* as a dry run."""
        return self.plane.api.create(obj, dry_run=True, **params)


def cache_policy(name: str, spec: Json) -> Object:
    metadata = {"name": name}
    return {"apiVersion": API_VERSION, "kind": "CachePolicy", "metadata": metadata, "spec": spec}


def pod(namespace: str, name: str = "app", **spec: object) -> Object:
    spec = {"containers": [{"name": "app", "image": "busybox"}], **spec}
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def said(answer: Answer) -> tuple[str, str]:
    """Return what the policies say in a refusal, and in a warning; empty if nothing."""
    refusal = answer.message.partition(DENIED)[2]
    warnings = [w.removeprefix(WARNED) for w in answer.warnings if w.startswith(WARNED)]
    assert len(warnings) < 2, warnings
    return refusal, "".join(warnings)
