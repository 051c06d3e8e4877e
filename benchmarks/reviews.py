"""AdmissionReviews as an API server sends them for the pods of one vLLM Deployment."""

import json
import random
from typing import Final

from benchmarks.pods import Json, pass_built_in_plugins, pod

SIZES: Final = ("5 KB", "14 KB")
BODIES: Final = 64

_MERGE_KEYS: Final = {
    "containers": ("name",),
    "env": ("name",),
    "initContainers": ("name",),
    "ownerReferences": ("uid",),
    "ports": ("containerPort", "protocol"),
    "volumeMounts": ("mountPath",),
    "volumes": ("name",),
}
_POD: Final = {"group": "", "version": "v1", "kind": "Pod"}
_PODS: Final = {"group": "", "version": "v1", "resource": "pods"}


def bodies(size: str) -> list[bytes]:
    """Different reviews of one size. They differ as replicas of one Deployment do."""
    source = random.Random(size)
    return [_compact(_review(size == "14 KB", source)) for _ in range(BODIES)]


def _review(large: bool, source: random.Random) -> Json:
    user = {
        "username": "system:serviceaccount:kube-system:replicaset-controller",
        "uid": "a5a3b0a0-5c3e-4a0a-9c9e-3f0d5a0f4c11",
        "groups": [
            "system:serviceaccounts",
            "system:serviceaccounts:kube-system",
            "system:authenticated",
        ],
        "extra": {"authentication.kubernetes.io/credential-id": [f"JTI={_uuid(source)}"]},
    }
    created = pod(large=large)
    created["metadata"]["managedFields"] = [_managed(created, source)]
    suffix = "".join(source.choices("bcdfghjklmnpqrstvwxz2456789", k=5))
    pass_built_in_plugins(created["spec"], suffix)
    request = {
        "uid": _uuid(source),
        "kind": _POD,
        "resource": _PODS,
        "requestKind": _POD,
        "requestResource": _PODS,
        "namespace": "inference",
        "operation": "CREATE",
        "userInfo": user,
        "object": created,
        "oldObject": None,
        "dryRun": False,
        "options": {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1"},
    }
    return {"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": request}


def _managed(created: Json, source: random.Random) -> Json:
    unowned = ("namespace", "creationTimestamp")
    metadata = {k: v for k, v in created["metadata"].items() if k not in unowned}
    return {
        "manager": "kube-controller-manager",
        "operation": "Update",
        "apiVersion": "v1",
        "time": f"2026-03-14T09:{source.randrange(60):02}:{source.randrange(60):02}Z",
        "fieldsType": "FieldsV1",
        "fieldsV1": {
            "f:metadata": _fields(metadata, top=True),
            "f:spec": _fields(created["spec"], top=True),
        },
    }


def _fields(value: object, merge: tuple[str, ...] | None = None, *, top: bool = False) -> Json:
    """Return the FieldsV1 of a value: who owns which path."""
    if isinstance(value, dict):
        inner = {f"f:{k}": _fields(v, _MERGE_KEYS.get(k)) for k, v in sorted(value.items())}
        return inner if top else {".": {}, **inner}
    if isinstance(value, list) and merge:
        return {
            f"k:{_compact({k: item[k] for k in merge}).decode()}": _fields(item) for item in value
        }
    return {}


def _uuid(source: random.Random) -> str:
    digits = f"{source.getrandbits(128):032x}"
    return "-".join(
        (digits[:8], digits[8:12], "4" + digits[13:16], "a" + digits[17:20], digits[20:])
    )


def _compact(value: Json) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
