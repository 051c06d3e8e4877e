"""Render the policy that warns: a MutatingAdmissionPolicy can't."""

from typing import Final

from webhook.objects import cel
from webhook.objects.json import Json
from webhook.objects.workload_kinds import registered
from webhook.rendering.admission_policy.matching import NOT_WINDOWS, OPTED_IN, seen
from webhook.rule_policies.matching import NOT_MIRROR, PODS, conditions, workload_rules

_OURS: Final = (
    "has-our-annotations",
    (
        "object.metadata.?annotations.orValue({}).exists(key, key.startsWith('modelcache.io/')\n"
        "&& !(key in ['modelcache.io/copied-keys', 'modelcache.io/inject']))"
    ),
)
_LEDGER: Final = "object.metadata.annotations[?'modelcache.io/injected'].orValue('')"
_LOWERED: Final = cel.lines(
    """
    request.kind.kind != 'Pod' || size(variables.recorded) < 4 || size(variables.target) < 4
    || !isQuantity(variables.recorded[3]) ? []
    : object.spec.containers.filter(c, c.name == variables.target[3]
    && c.?resources.?limits[?'memory'].hasValue()
    && quantity(string(c.resources.limits['memory'])).isLessThan(quantity(variables.recorded[3])))
    """
)
_VARIABLES: Final = (
    ("asks", "'modelcache.io/model' in object.metadata.annotations"),
    ("recorded", f'{_LEDGER}.find(\'"limit":"[0-9A-Za-z.]+"\').split(\'"\')'),
    ("target", f'{_LEDGER}.find(\'"target":"[0-9a-z-]+"\').split(\'"\')'),
    ("lowered", _LOWERED),
)
_NO_MODEL: Final[Json] = {
    "expression": "variables.asks || 'modelcache.io/injected' in object.metadata.annotations",
    "message": "modelcache.io/model is missing, so nothing is injected",
}
_WINDOWS: Final[Json] = {
    "expression": f"request.kind.kind != 'Pod' || !variables.asks\n|| {NOT_WINDOWS[1]}",
    "message": "modelcache.io/model: Windows pods are left as they are",
}
_CUSTOM: Final[Json] = {
    "expression": "request.kind.kind == 'Pod' || !variables.asks",
    "message": (
        "modelcache.io/model: admission policies copy no annotations to the pods of this kind: see "
        "that they are where it has the annotations of its pods, or run the modelcache webhook"
    ),
}
_MEMORY: Final[Json] = {
    "expression": "size(variables.lowered) == 0",
    "messageExpression": cel.lines(
        """
        'container ' + variables.lowered.map(c, c.name).join(', ')
        + ': its memory limit is less than the ' + variables.recorded[3]
        + ' that it had with /dev/shm: another webhook lowered it. Exempt these pods from it, or'
        + ' run the modelcache webhook, which raises it again'
        """
    ),
}


def remarks() -> Json:
    """Return the spec of the policy."""
    custom = [row for row in registered() if not row.built_in]
    return {
        "failurePolicy": "Ignore",
        "matchConstraints": seen([PODS, *workload_rules(custom, ("*",))]),
        "matchConditions": conditions((_OURS, OPTED_IN, NOT_MIRROR)),
        "variables": [{"name": name, "expression": text} for name, text in _VARIABLES],
        "validations": [_NO_MODEL, _WINDOWS, _CUSTOM, _MEMORY],
    }
