"""Render the ServiceAccount of loaders, whose token no other container mounts."""

from collections.abc import Iterator
from typing import Final

from webhook.objects.json import Json
from webhook.rendering.noted import Noted

_RBAC: Final = "rbac.authorization.k8s.io"
_VOLUME: Final = "identity"
_SECONDS: Final = 3600
IDENTITY_MOUNT: Final[Json] = {
    "name": _VOLUME,
    "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount",
    "readOnly": True,
}


def field(name: str, path: str) -> Json:
    """Return a variable that holds a field of the pod."""
    return {"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}}


def account(metadata: Json) -> tuple[str, Json]:
    """Return heading and content of a ServiceAccount."""
    return (
        "Only the containers that are printed with it mount its token.",
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": metadata,
            "automountServiceAccountToken": False,
        },
    )


def role(
    account: Json, metadata: Json, rule: Json, why: str, scope: str = ""
) -> Iterator[tuple[str, Json]]:
    """Yield heading and content of a role with one *rule*, and of its binding.

    *account*: metadata of the ServiceAccount; *metadata*: of the others; *scope*: "Cluster" or "".
    """
    kind, name = f"{scope}Role", metadata["name"]
    yield (
        why,
        {"apiVersion": f"{_RBAC}/v1", "kind": kind, "metadata": metadata, "rules": [rule]},
    )
    subject = {key: account[key] for key in ("name", "namespace")}
    yield (
        "Gives the role to the ServiceAccount.",
        {
            "apiVersion": f"{_RBAC}/v1",
            "kind": f"{kind}Binding",
            "metadata": metadata,
            "roleRef": {"apiGroup": _RBAC, "kind": kind, "name": name},
            "subjects": [{"kind": "ServiceAccount", **subject}],
        },
    )


def identity() -> Json:
    """Return the volume with the ServiceAccount's token; only the loader mounts it."""
    sources: list[Json] = [
        {"serviceAccountToken": {"path": "token", "expirationSeconds": _SECONDS}},
        {
            "configMap": {
                "name": "kube-root-ca.crt",
                "items": [{"key": "ca.crt", "path": "ca.crt"}],
            }
        },
    ]
    mode = Noted(0o440, "0440: only the user and the fsGroup can read it.")
    return {"name": _VOLUME, "projected": {"defaultMode": mode, "sources": sources}}
