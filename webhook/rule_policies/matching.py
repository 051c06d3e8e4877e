"""What admission policies concern: resources, and the namespaces that the webhook sees."""

from collections.abc import Iterable, Sequence
from typing import Final

from webhook.admission.admit import MIRROR
from webhook.admission.policy.documents import NAME_LABEL
from webhook.objects.facts import ADMISSION_LABEL, DISABLED
from webhook.objects.json import Json
from webhook.objects.workload_kinds import WorkloadKind

NOT_MIRROR: Final = (
    "not-mirror-pod",
    f"!('{MIRROR}' in object.metadata.?annotations.orValue({{}}))",
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


def constraints(rules: Sequence[Json], excluded: Iterable[str]) -> Json:
    """Return match constraints: *rules*, in the namespaces that are neither *excluded* nor off."""
    return {
        "matchPolicy": "Equivalent",
        "namespaceSelector": {
            "matchExpressions": [
                {"key": NAME_LABEL, "operator": "NotIn", "values": [*excluded]},
                {"key": ADMISSION_LABEL, "operator": "NotIn", "values": [DISABLED]},
            ]
        },
        "resourceRules": list(rules),
    }
