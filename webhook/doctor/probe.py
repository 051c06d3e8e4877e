"""The objects that are created as dry runs. They pass Pod Security `restricted`."""

from typing import Final

from webhook.objects.json import Json
from webhook.objects.restricted import USER, container_security, pod_security

ANNOTATION: Final = "modelcache.io/doctor"
"""An annotation that does not exist, so that the webhook warns about it."""
_NAME: Final = "modelcache-doctor"


def pod(*, annotated: bool) -> Json:
    """Return a pod that requests no model; *annotated*: with ANNOTATION."""
    annotations = {ANNOTATION: ""} if annotated else {}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"generateName": f"{_NAME}-", "annotations": annotations},
        "spec": _spec(),
    }


def deployment() -> Json:
    """Return a Deployment that has ANNOTATION itself."""
    labels = {"app.kubernetes.io/name": _NAME}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"generateName": f"{_NAME}-", "annotations": {ANNOTATION: ""}},
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": _spec()},
        },
    }


def _spec() -> Json:
    amounts = {"cpu": "1m", "memory": "1Mi"}
    return {
        "automountServiceAccountToken": False,
        "securityContext": pod_security(runAsUser=USER),
        "containers": [
            {
                "name": _NAME,
                "image": _NAME,
                "resources": {"requests": amounts, "limits": amounts},
                "securityContext": container_security(),
            }
        ],
    }
