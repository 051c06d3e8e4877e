"""Reviews of a small pod, for the tests of the server."""

import base64
import json
from typing import Any

import jsonpatch

from webhook.admission.policy.documents import Policy
from webhook.objects.facts import Facts

Json = dict[str, Any]
MODEL = {"modelcache.io/model": "org/name"}
OPT_IN = {**MODEL, "modelcache.io/strategy": "pvc"}


class Same:
    """Knows the same of every namespace, and costs one frame."""

    changes = False
    policy = Policy()
    facts = Facts(namespace="inference", kube_version=(1, 37))

    def of(self, _: str) -> Facts:
        """Return the facts of any namespace."""
        return self.facts

    async def settled(self, namespace: str, claim: str) -> None:
        """Wait for nothing."""


def pod(annotations: dict[str, str] | None = None, **metadata: Any) -> Json:
    """Return a pod of one vLLM container."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "generateName": "llm-7d9c5b-",
            "namespace": "inference",
            "annotations": dict(OPT_IN if annotations is None else annotations),
            "ownerReferences": [
                {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "llm-7d9c5b", "uid": "1"}
            ],
            **metadata,
        },
        "spec": {
            "containers": [
                {
                    "name": "vllm",
                    "image": "vllm/vllm-openai:v0.11.0",
                    "args": ["--model", "org/name"],
                    "resources": {"limits": {"memory": "16Gi", "nvidia.com/gpu": "1"}},
                }
            ]
        },
    }


def review(obj: Any = None, **request: Any) -> Json:
    """Return a review of the creation of *obj*; None: of an annotated pod."""
    return {
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
            "kind": {"group": "", "version": "v1", "kind": "Pod"},
            "resource": {"group": "", "version": "v1", "resource": "pods"},
            "namespace": "inference",
            "operation": "CREATE",
            "userInfo": {"username": "admin"},
            "object": pod() if obj is None else obj,
            "oldObject": None,
            "dryRun": False,
            **request,
        },
    }


def body(obj: Any = None, **request: Any) -> bytes:
    """Return review() as bytes."""
    return json.dumps(review(obj, **request)).encode()


def inside(text: bytes) -> bytes:
    """Return a review whose pod has *text*, any JSON, in a field that is not read."""
    sent = pod()
    sent["spec"]["unread"] = "HERE"
    return body(sent).replace(b'"HERE"', text)


def patch(response: Json) -> list[Json]:
    """Return the operations of an answer's patch."""
    found: list[Json] = json.loads(base64.b64decode(response["patch"], validate=True))
    return found


def patched(response: Json, obj: Json) -> Json:
    """Return *obj* with the patch of an answer applied."""
    result: Json = jsonpatch.apply_patch(obj, patch(response))
    return result
