"""Security contexts that pass Pod Security `restricted`, and the user of our image.

The rules: https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
"""

from typing import Final

from webhook.objects.json import Json

USER: Final = 65532
"""User and group of our image (Dockerfile)."""


def pod_security(**user: int) -> Json:
    """Return what a pod must declare. *user*: runAsUser and runAsGroup, if they are needed."""
    return {"runAsNonRoot": True, **user, "seccompProfile": {"type": "RuntimeDefault"}}


def container_security() -> Json:
    """Return what a container must declare itself: the pod may declare the rest."""
    return {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
