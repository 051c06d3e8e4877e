"""Who a loader is to the API server: a ServiceAccount, whose token no other container has."""

from typing import Final

from webhook.decision import Json
from webhook.rendering.noted import Noted

_VOLUME: Final = "identity"
_SECONDS: Final = 3600
IDENTITY_MOUNT: Final[Json] = {
    "name": _VOLUME,
    "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount",
    "readOnly": True,
}


def service_account(metadata: Json) -> tuple[str, Json]:
    """Return heading and content of a ServiceAccount."""
    return (
        "Whose token the loaders have; no other container mounts it.",
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": metadata,
            "automountServiceAccountToken": False,
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
