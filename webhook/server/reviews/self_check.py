"""Apply a patch to the object of its review before the answer is sent.

If a patch decodes but does not apply, the API server answers the user with a 500, whatever the
failurePolicy (apiserver mutating/dispatcher.go). So such a patch must never be sent.
"""

from collections.abc import Iterable
from typing import Final

import msgspec

from webhook.objects.json import Json
from webhook.objects.json_patch import BrokenPatch, applied

ROOTS: Final = (
    "/metadata/annotations", "/spec/volumes", "/spec/containers/", "/spec/initContainers",
    "/spec/affinity", "/spec/imagePullSecrets", "/spec/securityContext/fsGroupChangePolicy",
    "/spec/resources/",
)  # fmt: skip
"""The only paths that a patch of a pod may touch."""


class Unreadable(Exception):
    """Python can't decode the object: it holds an integer of thousands of digits."""


def check(body: bytes, operations: Iterable[Json], roots: tuple[str, ...]) -> None:
    """Apply *operations* to the object of the review *body*; BrokenPatch if they fail.

    *roots*: the only paths that they may touch.
    """
    patch = list(operations)
    for operation in patch:
        name, path = operation["op"], operation["path"]
        if name not in ("add", "replace", "remove") or not path.startswith(roots):
            raise BrokenPatch(f"{name} {path} is not allowed")
    try:
        document = msgspec.json.decode(body)
    except ValueError as error:
        raise Unreadable from error
    applied(document["request"]["object"], patch)
