"""Rule requireModel in CEL."""

from typing import Final

from webhook.admission.containers.servers import SERVERS
from webhook.admission.policy.rules.require_model import (
    FOUND,
    OFFLINE,
    ON,
    PATHS,
    VARIABLES,
    RequireModel,
)
from webhook.objects import cel
from webhook.rule_policies.containers import ACCELERATED, is_server
from webhook.rule_policies.judged import Found, InCel, default_of, holds

_DETECT: Final = (
    f"variables.rules.?requireModel.?detect.orValue({cel.text(default_of(RequireModel, 'detect'))})"
)


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
    " : (variables.spec.?containers.orValue([]) + variables.spec.?initContainers.orValue([])"
    ".filter(c, c.?restartPolicy.orValue('') == 'Always')).filter(c,"
    f" (variables.detect != 'accelerators' && {is_server(SERVERS)}"
    f" || variables.detect != 'servers' && ({ACCELERATED})) && !({_LOCAL})).map(c, c.name)"
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
