"""The objects that are created as dry runs: they pass Pod Security restricted, and run nowhere."""

from typing import Final

from webhook.objects.json import Json
from webhook.objects.restricted import USER, container_security, pod_security

ANNOTATION: Final = "modelcache.io/doctor"
"""A key that nobody knows, so that the webhook warns of it."""
_NAME: Final = "modelcache-doctor"


def pod(*, annotated: bool) -> Json:
    """Return a pod, which asks for no model."""
    annotations = {ANNOTATION: ""} if annotated else {}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"generateName": f"{_NAME}-", "annotations": annotations},
        "spec": _spec(),
    }


def deployment() -> Json:
    """Return a Deployment that bears the annotation itself."""
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
