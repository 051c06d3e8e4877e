"""Write which objects the policies concern: those that the webhook would be asked about."""

from collections.abc import Sequence
from typing import Final

from webhook.admission.admit import EXCLUDED
from webhook.admission.request.annotations import PREFIX
from webhook.objects.json import Json
from webhook.rule_policies.matching import NOT_MIRROR, constraints

_MODEL: Final = (
    "asks-for-a-model",
    f"'{PREFIX}model' in object.metadata.?annotations.orValue({{}})",
)
OPTED_IN: Final = (
    "not-opted-out",
    f"object.metadata.?annotations['{PREFIX}inject'].orValue('').trim() != 'false'",
)
NOT_WINDOWS: Final = (  # webhook/objects/windows.py has the same rule
    "not-windows",
    (
        "object.spec.?os.?name.orValue('') != 'windows'\n"
        "&& !['kubernetes.io/os', 'beta.kubernetes.io/os'].exists(label,\n"
        "object.spec.?nodeSelector[label].orValue('') == 'windows')\n"
        "&& !('node.kubernetes.io/windows-build' in object.spec.?nodeSelector.orValue({}))\n"
        "&& !object.spec.?affinity.?nodeAffinity.?requiredDuringSchedulingIgnoredDuringExecution\n"
        ".?nodeSelectorTerms.optMap(terms, size(terms) > 0 && terms.all(term,\n"
        "term.?matchExpressions.orValue([]).exists(one,\n"
        "one.key in ['kubernetes.io/os', 'beta.kubernetes.io/os']\n"
        "&& (one.operator == 'In' && one.?values.orValue([]).all(value, value == 'windows')\n"
        "|| one.operator == 'NotIn' && 'linux' in one.?values.orValue([]))\n"
        "|| one.key == 'node.kubernetes.io/windows-build' && one.operator in ['In', 'Exists'])))\n"
        ".orValue(false)"
    ),
)
POD: Final = (_MODEL, OPTED_IN, NOT_MIRROR, NOT_WINDOWS)
WORKLOAD: Final = (
    _MODEL,
    OPTED_IN,
    (
        "not-replicaset-of-a-controller",  # it has the annotations of its Deployment
        (
            "!(request.kind.kind == 'ReplicaSet' && object.metadata.?ownerReferences.orValue([])\n"
            ".exists(owner, owner.?controller.orValue(false)))"
        ),
    ),
    (
        "not-existing-job",  # its template can't be changed
        "!(request.operation == 'UPDATE' && request.kind.kind == 'Job')",
    ),
    (
        "not-being-deleted",  # otherwise its finalizers could not be removed
        "!has(object.metadata.deletionTimestamp)",
    ),
)


def seen(rules: Sequence[Json]) -> Json:
    """Return match constraints: *rules*, in the namespaces that the webhook sees."""
    return constraints(rules, sorted(EXCLUDED))
