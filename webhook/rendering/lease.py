"""Render the Lease that loaders of one model into one claim take in turn, and its permissions."""

from collections.abc import Iterator
from typing import Final

from webhook.objects.json import Json
from webhook.rendering.identity import account, field, role
from webhook.rendering.options import Options
from webhook.rendering.pod import labels, metadata
from webhook.rendering.wanted import Wanted

POD_NAME: Final[Json] = field("POD_NAME", "metadata.name")
_COORDINATION: Final = "coordination.k8s.io"


def lease_name(model: Wanted, options: Options) -> str:
    """Return the name of the Lease and its permissions; one for all revisions of a model."""
    return model.named("write", options.claim, of_revision=False)


def lease(model: Wanted, options: Options) -> Iterator[tuple[str, Json]]:
    """Yield heading and content of each object."""
    name = lease_name(model, options)
    meta = metadata(name, options, labels("loader", model))
    rule = {
        "apiGroups": [_COORDINATION],
        "resources": ["leases"],
        "resourceNames": [name],
        "verbs": ["get", "update"],
    }
    yield (
        f"The loader of {model.source.uri} that writes holds it; the others wait.",
        {"apiVersion": f"{_COORDINATION}/v1", "kind": "Lease", "metadata": meta, "spec": {}},
    )
    why = "Permits only to read the Lease, take it and keep it."
    yield account(meta)
    yield from role(meta, meta, rule, why)
