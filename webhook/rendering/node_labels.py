"""What permits loaders to label nodes: their own node, and nothing of it but our labels."""

from collections.abc import Iterator
from typing import Final

from webhook.objects.json import Json
from webhook.rendering.identity import field, permitted
from webhook.rendering.options import Options
from webhook.rendering.pod import labels

ACCOUNT: Final = "modelcache-node-cache"
_ADMISSION: Final = "admissionregistration.k8s.io/v1"
NODE_NAME: Final[Json] = field("NODE_NAME", "spec.nodeName")
_NODE: Final = "authentication.kubernetes.io/node-name"
"""What tokens that are bound to a pod say of its node (KEP-4193)."""
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
    """Yield heading and content of each object; they are of the namespace, not of a model."""
    marks = labels("node-cache")
    space = str(options.namespace)
    name = f"modelcache-node-labels-{space}"
    meta = {"name": name, "labels": marks}
    account = {"name": ACCOUNT, "namespace": space, "labels": marks}
    why = "To set a label is to patch the node. The policy below permits nothing else."
    rule = {"apiGroups": [""], "resources": ["nodes"], "verbs": ["patch"]}
    yield from permitted(account, meta, rule, why, "Cluster")
    yield (
        "A loader may change our labels of its own node, nothing else. Needs Kubernetes 1.30.",
        {
            "apiVersion": _ADMISSION,
            "kind": "ValidatingAdmissionPolicy",
            "metadata": meta,
            "spec": _policy(f"system:serviceaccount:{space}:{ACCOUNT}"),
        },
    )
    yield (
        "Lets the policy refuse.",
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
        "a loader labels the node that it runs on, no other": own,
        "a loader sets labels below modelcache.io/, no others": " ".join(_LABELS.split("\n")),
        "a loader takes away labels below modelcache.io/, no others": " ".join(
            _LABELS_BEFORE.split("\n")
        ),
        "a loader changes labels of the node, nothing else": f"{others} && "
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
