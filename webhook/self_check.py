"""Our own patch, applied to our own input before an answer leaves.

A patch that decodes but does not apply costs the user a 500 whatever the
failurePolicy (apiserver mutating/dispatcher.go), so it must never leave.
"""

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from webhook.decision import Json

ROOTS: Final = (
    "/metadata/annotations", "/spec/volumes", "/spec/containers/", "/spec/initContainers",
    "/spec/affinity", "/spec/securityContext/fsGroupChangePolicy", "/spec/resources/",
    "/spec/template/metadata", "/spec/jobTemplate/spec/template/metadata",
)  # fmt: skip
"""Everything that a patch of ours may touch."""


class BrokenPatch(Exception):
    """Our patch does not apply, or touches what it must not."""


class Unreadable(Exception):
    """The object has what Python can't hold: an integer of thousands of digits."""


def applied(document: Any, operations: Iterable[Json]) -> Any:  # noqa: ANN401  # any JSON value
    """Return *document* with *operations* applied; BrokenPatch if they don't apply."""
    # Only a server with --self-check pays for the import.
    import jsonpatch  # noqa: PLC0415

    try:
        return jsonpatch.JsonPatch(list(operations)).apply(document)
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException) as error:
        raise BrokenPatch(type(error).__name__) from error


def check(body: bytes, operations: Iterable[Json]) -> None:
    """Apply *operations* to the object of the review *body*; BrokenPatch if they fail."""
    patch = list(operations)
    for operation in patch:
        name, path = operation["op"], operation["path"]
        if name not in ("add", "replace", "remove") or not path.startswith(ROOTS):
            raise BrokenPatch(f"{name} {path} is not allowed")
    try:
        document = msgspec.json.decode(body)
    except ValueError as error:
        raise Unreadable from error
    applied(document["request"]["object"], patch)
