"""Render the permission of loaders to change our labels of their own node, and nothing else."""

from collections.abc import Iterator
from typing import Final

from webhook.objects.json import Json
from webhook.rendering.identity import account, field, role
from webhook.rendering.options import Options
from webhook.rendering.pod import labels

ACCOUNT: Final = "modelcache-node-cache"
_ADMISSION: Final = "admissionregistration.k8s.io/v1"
NODE_NAME: Final[Json] = field("NODE_NAME", "spec.nodeName")
_NODE: Final = "authentication.kubernetes.io/node-name"
"""The node of a pod, in tokens that are bound to that pod (KEP-4193)."""
_LABELS: Final = """\
!has(object.metadata.labels) || object.metadata.labels.all(key, key.startsWith("modelcache.io/") ||
(has(oldObject.metadata.labels) && key in oldObject.metadata.labels &&
oldObject.metadata.labels[key] == object.metadata.labels[key]))"""
_LABELS_BEFORE: Final = """\
!has(oldObject.metadata.labels) || oldObject.metadata.labels.all(key,
key.startsWith("modelcache.io/") || (has(object.metadata.labels) && key in object.metadata.labels))\
"""
_SAME: Final = ("annotations", "finalizers", "ownerReferences")


def node_labels(options: Options) -> Iterator[tuple[str, Json]]:
    """Yield heading and content of each object: one set for a namespace, whatever its models."""
    marks = labels("node-cache")
    space = str(options.namespace)
    name = f"modelcache-node-labels-{space}"
    meta = {"name": name, "labels": marks}
    own = {"name": ACCOUNT, "namespace": space, "labels": marks}
    why = "To set a label, a loader patches its node. The policy below refuses all other changes."
    rule = {"apiGroups": [""], "resources": ["nodes"], "verbs": ["patch"]}
    yield account(own)
    yield from role(own, meta, rule, why, "Cluster")
    yield (
        "A loader may change only our labels of its own node. Needs Kubernetes 1.30.",
        {
            "apiVersion": _ADMISSION,
            "kind": "ValidatingAdmissionPolicy",
            "metadata": meta,
            "spec": _policy(f"system:serviceaccount:{space}:{ACCOUNT}"),
        },
    )
    yield (
        "Makes the policy refuse.",
        {
            "apiVersion": _ADMISSION,
            "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": meta,
            "spec": {"policyName": name, "validationActions": ["Deny"]},
        },
    )


def _policy(user: str) -> Json:
    rule: Json = {
        "apiGroups": [""],
        "apiVersions": ["v1"],
        "operations": ["UPDATE"],
        "resources": ["nodes"],
    }
    own = f"request.userInfo.?extra[?{_NODE!r}].orValue([]) == [object.metadata.name]"
    others = " && ".join(
        f"object.metadata.?{field} == oldObject.metadata.?{field}" for field in _SAME
    )
    checks = {
        "a loader may label only the node that it runs on": own,
        "a loader may set only labels below modelcache.io/": " ".join(_LABELS.split("\n")),
        "a loader may remove only labels below modelcache.io/": " ".join(
            _LABELS_BEFORE.split("\n")
        ),
        "a loader may change only labels of the node": f"{others} && "
        "object.?spec == oldObject.?spec",
    }
    return {
        "failurePolicy": "Fail",
        "matchConstraints": {"resourceRules": [rule]},
        "matchConditions": [
            {"name": "loaders", "expression": f'request.userInfo.username == "{user}"'}
        ],
        "validations": [
            {"expression": check, "message": message} for message, check in checks.items()
        ],
    }
