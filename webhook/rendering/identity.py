"""Who a loader is to the API server: a ServiceAccount, whose token no other container has."""

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


def permitted(
    account: Json, metadata: Json, rule: Json, why: str, scope: str = ""
) -> Iterator[tuple[str, Json]]:
    """Yield heading and content of a ServiceAccount, of a role with one *rule*, of what binds both.

    *account*, *metadata*: of the account, and of the others; *scope*: "Cluster", or of a namespace.
    """
    kind, name = f"{scope}Role", metadata["name"]
    yield (
        "Whose token the loaders have; no other container mounts it.",
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": account,
            "automountServiceAccountToken": False,
        },
    )
    yield (
        why,
        {"apiVersion": f"{_RBAC}/v1", "kind": kind, "metadata": metadata, "rules": [rule]},
    )
    subject = {key: account[key] for key in ("name", "namespace")}
    yield (
        "Binds the two.",
        {
            "apiVersion": f"{_RBAC}/v1",
            "kind": f"{kind}Binding",
            "metadata": metadata,
            "roleRef": {"apiGroup": _RBAC, "kind": kind, "name": name},
            "subjects": [{"kind": "ServiceAccount", **subject}],
        },
    )


def identity() -> Json:
    """Return the volume that holds the ServiceAccount's token, for the loader alone."""
    sources: list[Json] = [
        {"serviceAccountToken": {"path": "token", "expirationSeconds": _SECONDS}},
        {
            "configMap": {
                "name": "kube-root-ca.crt",
                "items": [{"key": "ca.crt", "path": "ca.crt"}],
            }
        },
    ]
    mode = Noted(0o440, "0440: for the user and the fsGroup alone.")
    return {"name": _VOLUME, "projected": {"defaultMode": mode, "sources": sources}}
