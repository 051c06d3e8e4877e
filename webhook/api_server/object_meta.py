"""What is read of the metadata of an object, and how a patch says which version it is for."""

from typing import Any

import msgspec


class ObjectMeta(msgspec.Struct):
    """Name, labels and version: a write says which version it replaces."""

    name: str = ""
    resourceVersion: str = ""  # noqa: N815  # the API's name
    labels: dict[str, str] = {}


def unchanged(version: str) -> dict[str, Any]:
    """Return the operation (RFC 6902) that fails if anybody has written since *version*."""
    return {"op": "test", "path": "/metadata/resourceVersion", "value": version}
