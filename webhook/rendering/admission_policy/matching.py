"""Write which objects the policies concern: those that the webhook would be asked about."""

from collections.abc import Iterable, Sequence
from typing import Final

from webhook.admission.admit import EXCLUDED, MIRROR
from webhook.admission.request.annotations import PREFIX
from webhook.objects.json import Json
from webhook.objects.workload_kinds import WorkloadKind

_MODEL: Final = (
    "asks-for-a-model",
    f"'{PREFIX}model' in object.metadata.?annotations.orValue({{}})",
)
OPTED_IN: Final = (
    "not-opted-out",
    f"object.metadata.?annotations['{PREFIX}inject'].orValue('').trim() != 'false'",
)
NOT_MIRROR: Final = (
    "not-mirror-pod",
    f"!('{MIRROR}' in object.metadata.?annotations.orValue({{}}))",
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


def conditions(rows: Iterable[tuple[str, str]]) -> list[Json]:
    """Return match conditions of names and expressions."""
    return [{"name": name, "expression": expression} for name, expression in rows]


def rule(
    group: str, resources: Iterable[str], operations: Iterable[str], versions: Iterable[str]
) -> Json:
    """Return one resource rule."""
    return {
        "apiGroups": [group],
        "apiVersions": list(versions),
        "operations": list(operations),
        "resources": list(resources),
        "scope": "Namespaced",
    }


PODS: Final = rule("", ["pods"], ["CREATE"], ["v1"])


def workload_rules(rows: Iterable[WorkloadKind], versions: Sequence[str]) -> list[Json]:
    """Return resource rules for kinds; *versions*: those of a kind whose row names none."""
    found: dict[tuple[str, Sequence[str]], list[str]] = {}
    for row in rows:
        found.setdefault((row.group, row.versions or tuple(versions)), []).append(row.resource)
    return [
        rule(group, resources, ("CREATE", "UPDATE"), of) for (group, of), resources in found.items()
    ]


def constraints(rules: Sequence[Json]) -> Json:
    """Return match constraints: *rules*, in the namespaces that the webhook sees."""
    return {
        "matchPolicy": "Equivalent",
        "namespaceSelector": {
            "matchExpressions": [
                {
                    "key": "kubernetes.io/metadata.name",
                    "operator": "NotIn",
                    "values": sorted(EXCLUDED),
                },
                {"key": f"{PREFIX}admission", "operator": "NotIn", "values": ["disabled"]},
            ]
        },
        "resourceRules": list(rules),
    }
