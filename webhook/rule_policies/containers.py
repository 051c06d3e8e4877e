"""What a container is, in CEL: the image of a server, and whether it requests an accelerator.

Each expression is about a container that is called c.
"""

from collections.abc import Sequence
from typing import Final

from webhook.admission.containers.accelerators import ACCELERATORS
from webhook.admission.containers.server import Server, image_pattern
from webhook.admission.containers.servers import not_servers
from webhook.objects import cel

_IMAGE: Final = "c.?image.orValue('').split('@')[0]"
_AMOUNTS: Final = "c.?resources.?{}.orValue({{}})"
_LIMITS: Final = _AMOUNTS.format("limits")
_REQUESTS: Final = _AMOUNTS.format("requests")
ACCELERATED: Final = (
    "size(c.?resources.?claims.orValue([])) > 0"
    f" || {_LIMITS}.exists(name, {cel.matches('name', ACCELERATORS.pattern)}"
    f" && string({_LIMITS}[name]) != '0')"
    f" || {_REQUESTS}.exists(name, !(name in {_LIMITS})"
    f" && {cel.matches('name', ACCELERATORS.pattern)} && string({_REQUESTS}[name]) != '0')"
)
"""CEL of requests_accelerator (admission/containers/accelerators.py)."""


def is_server(rows: Sequence[Server]) -> str:
    """Return CEL: whether the image is that of one of *rows* (servers/recognition.py)."""
    plain = tuple(end for row in rows if not row.other_images for end in row.images)
    found = [_are(plain, ())] if plain else []
    found += [_are(row.images, row.other_images) for row in rows if row.other_images]
    servers = " || ".join(found)
    return f"({servers}) && !({_are(not_servers.IMAGES, not_servers.OTHER_IMAGES)})"


def _are(those: tuple[str, ...], others: tuple[str, ...]) -> str:
    """Return CEL: whether an image matches one pattern, and not another (RE2 can't say both)."""
    found = cel.matches(_IMAGE, image_pattern(those))
    return f"{found} && !{cel.matches(_IMAGE, image_pattern(others))}" if others else found
