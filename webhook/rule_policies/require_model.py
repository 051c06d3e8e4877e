"""Rule requireModel in CEL."""

from typing import Final

from webhook.admission.containers.accelerators import ACCELERATORS
from webhook.admission.containers.server import image_pattern
from webhook.admission.containers.servers import SERVERS, not_servers
from webhook.admission.policy.rules.require_model import (
    FOUND,
    OFFLINE,
    ON,
    PATHS,
    VARIABLES,
    RequireModel,
)
from webhook.objects import cel
from webhook.rule_policies.judged import Found, InCel, default_of, holds

_IMAGE: Final = "c.?image.orValue('').split('@')[0]"
_DETECT: Final = (
    f"variables.rules.?requireModel.?detect.orValue({cel.text(default_of(RequireModel, 'detect'))})"
)


def _are(those: tuple[str, ...], others: tuple[str, ...]) -> str:
    """Return CEL: whether an image matches one pattern, and not another (RE2 can't say both)."""
    found = cel.matches(_IMAGE, image_pattern(those))
    return f"{found} && !{cel.matches(_IMAGE, image_pattern(others))}" if others else found


def _serves() -> str:
    """Return CEL: whether the image of a container is that of a server (server_of_image)."""
    plain = tuple(end for row in SERVERS if not row.other_images for end in row.images)
    rows = [_are(row.images, row.other_images) for row in SERVERS if row.other_images]
    servers = " || ".join((_are(plain, ()), *rows))
    return f"({servers}) && !({_are(not_servers.IMAGES, not_servers.OTHER_IMAGES)})"


_AMOUNTS: Final = "c.?resources.?{}.orValue({{}})"
_LIMITS: Final = _AMOUNTS.format("limits")
_REQUESTS: Final = _AMOUNTS.format("requests")
_ACCELERATED: Final = (
    "size(c.?resources.?claims.orValue([])) > 0"
    f" || {_LIMITS}.exists(name, {cel.matches('name', ACCELERATORS.pattern)}"
    f" && string({_LIMITS}[name]) != '0')"
    f" || {_REQUESTS}.exists(name, !(name in {_LIMITS})"
    f" && {cel.matches('name', ACCELERATORS.pattern)} && string({_REQUESTS}[name]) != '0')"
)
"""CEL of requests_accelerator."""
_VALUE: Final = "one.?value.orValue('')"
_LOCAL: Final = (
    f"c.?env.orValue([]).exists(one, one.name in {cel.texts(OFFLINE)}"
    f" && {_VALUE} in {cel.texts(ON)} || one.name in {cel.texts(VARIABLES)}"
    f" && ({_VALUE}.startsWith('/') || {_VALUE}.startsWith('$')))"
    " || (' ' + (c.?command.orValue([]) + c.?args.orValue([])).join(' ') + ' ')"
    f".matches({cel.text(PATHS)})"
)
"""CEL of `local`: whether the container reads a model that is already there."""
_SERVING: Final = (
    f"!({holds(RequireModel)}) || variables.asks || variables.adds ? []"
    " : variables.spec.?containers.orValue([]).filter(c,"
    f" (variables.detect != 'accelerators' && {_serves()}"
    f" || variables.detect != 'servers' && ({_ACCELERATED})) && !({_LOCAL})).map(c, c.name)"
)
REQUIRE_MODEL: Final = InCel(
    rule=RequireModel,
    variables=(("detect", _DETECT), ("serving", _SERVING)),
    findings=(
        Found(
            when="size(variables.serving) > 0",
            text=FOUND,
            fields={"containers": "variables.serving.join(', ')"},
        ),
    ),
)
