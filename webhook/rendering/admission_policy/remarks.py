"""Render the policy that warns: a MutatingAdmissionPolicy can't."""

from webhook.objects.json import Json
from webhook.rendering.admission_policy.matching import (
    NOT_MIRROR,
    NOT_WINDOWS,
    OPTED_IN,
    conditions,
    constraints,
)

_OURS = (
    "has-our-annotations",
    (
        "object.metadata.?annotations.orValue({}).exists(key, key.startsWith('modelcache.io/')\n"
        "&& !(key in ['modelcache.io/copied-keys', 'modelcache.io/inject']))"
    ),
)


def remarks() -> Json:
    """Return the spec of the policy."""
    ledger = "object.metadata.annotations[?'modelcache.io/injected'].orValue('')"
    return {
        "failurePolicy": "Ignore",
        "matchConstraints": constraints({"": ["pods"]}, "CREATE"),
        "matchConditions": conditions((_OURS, OPTED_IN, NOT_MIRROR)),
        "variables": [
            {
                "name": "asks",
                "expression": "'modelcache.io/model' in object.metadata.annotations",
            },
            {
                "name": "recorded",
                "expression": f'{ledger}.find(\'"limit":"[0-9A-Za-z.]+"\').split(\'"\')',
            },
            {
                "name": "target",
                "expression": f'{ledger}.find(\'"target":"[0-9a-z-]+"\').split(\'"\')',
            },
            {
                "name": "lowered",
                "expression": (
                    "size(variables.recorded) < 4 || size(variables.target) < 4\n"
                    "|| !isQuantity(variables.recorded[3]) ? []\n"
                    ": object.spec.containers.filter(c, c.name == variables.target[3]\n"
                    "&& c.?resources.?limits[?'memory'].hasValue()\n"
                    "&& quantity(string(c.resources.limits['memory']))\n"
                    ".isLessThan(quantity(variables.recorded[3])))"
                ),
            },
        ],
        "validations": [
            {
                "expression": (
                    "variables.asks || 'modelcache.io/injected' in object.metadata.annotations"
                ),
                "message": "modelcache.io/model is missing, so nothing is injected",
            },
            {
                "expression": f"!variables.asks\n|| {NOT_WINDOWS[1]}",
                "message": "modelcache.io/model: Windows pods are left as they are",
            },
            {
                "expression": "size(variables.lowered) == 0",
                "messageExpression": (
                    "'container ' + variables.lowered.map(c, c.name).join(', ')\n"
                    "+ ': its memory limit is less than the ' + variables.recorded[3]\n"
                    "+ ' that it had with /dev/shm: another webhook lowered it. Exempt these'\n"
                    "+ ' pods from it, or run the modelcache webhook, which raises it again'"
                ),
            },
        ],
    }
