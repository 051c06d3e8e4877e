"""What each rule in CEL declares, and the variables that all of them read."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from webhook.admission.policy.rules.rule import Rule
from webhook.admission.policy.rules.subject import DEFAULT_ACCOUNT, MOST_MOUNTS, MOST_VOLUMES
from webhook.admission.request.annotations import PREFIX
from webhook.objects import cel
from webhook.objects.workload import steps
from webhook.objects.workload_kinds import KINDS

IS_POD: Final = "request.kind.kind == 'Pod'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a rule can find."""

    when: str
    """CEL: whether it is found."""
    text: str
    """As the rule says it in Python."""
    fields: Mapping[str, str] = field(default_factory=dict)
    """The fields of that text, each as CEL of a text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InCel:
    """A rule that an API server judges by itself."""

    rule: type[Rule]
    variables: tuple[tuple[str, str], ...]
    """Names and CEL."""
    findings: tuple[Found, ...]


def default_of(rule: type[Rule], parameter: str) -> Any:  # noqa: ANN401  # of any type
    """Return the default of a parameter."""
    return next(f.default for f in msgspec.structs.fields(rule) if f.name == parameter)


def holds(rule: type[Rule]) -> str:
    """Return CEL: whether the CachePolicy has the rule, in the right mode, for this pod."""
    own = f"variables.rules.{rule.name}"
    excused = cel.fits("variables.subject", f"{own}.?except.orValue([])")
    return f"variables.selected && has({own}) && {own}.mode in variables.modes && !{excused}"


def is_writer(rule: type[Rule]) -> str:
    """Return CEL: whether the pod has one of the rule's ServiceAccounts that fill stores."""
    writers = cel.texts(default_of(rule, "writers"))
    return f"variables.account in variables.rules.{rule.name}.?writers.orValue({writers})"


def variables(modes: str) -> Iterator[tuple[str, str]]:
    """Yield names and CEL of what the rules read. *modes*: CEL of the modes that are judged."""
    yield "labels", "namespaceObject.metadata.?labels.orValue({})"
    yield "selected", _SELECTED
    yield "rules", "params.spec.?rules.orValue({})"
    yield "modes", modes
    # A pod's name begins with that of its workload.
    name = "object.metadata.?name.orValue('')"
    yield "subject", f"request.namespace + '/' + {name} + ({IS_POD} ? '' : '-')"
    yield "template", _template()
    yield "spec", "variables.template.?spec.orValue(dyn({}))"
    yield "annotations", "variables.template.?metadata.?annotations.orValue({})"
    opted_out = f"variables.annotations[?'{PREFIX}inject'].orValue('').trim() == 'false'"
    yield "asks", f"'{PREFIX}model' in variables.annotations && !({opted_out})"
    account = "variables.spec.?serviceAccountName.orValue('')"
    yield (
        "account",
        f"{account} == '' ? {cel.text(DEFAULT_ACCOUNT)} : variables.spec.serviceAccountName",
    )
    yield "volumes", "variables.spec.?volumes.orValue([])"
    # Containers that are added to a pod are judged alone: nobody can change the others.
    yield "adds", f"request.operation == 'UPDATE' && {IS_POD}"
    yield "containers", _CONTAINERS
    mounts = "variables.containers.map(c, size(c.?volumeMounts.orValue([]))).sum()"
    yield "tooLarge", f"size(variables.volumes) > {MOST_VOLUMES} || {mounts} > {MOST_MOUNTS}"


_SELECTED: Final = (
    "params.spec.?namespaceSelector.?matchLabels.orValue({}).all(key, key in variables.labels"
    " && variables.labels[key] == params.spec.namespaceSelector.matchLabels[key])"
    " && params.spec.?namespaceSelector.?matchExpressions.orValue([]).all(one,"
    " one.operator == 'Exists' ? one.key in variables.labels"
    " : one.operator == 'DoesNotExist' ? !(one.key in variables.labels)"
    " : (one.key in variables.labels && variables.labels[one.key] in one.values)"
    " == (one.operator == 'In'))"
)
"""CEL of Selector.holds (objects/label_selector.py); all labels are known here."""
_CONTAINERS: Final = (
    "variables.adds ? variables.spec.?ephemeralContainers.orValue([]).filter(added,"
    " !oldObject.spec.?ephemeralContainers.orValue([]).exists(before, before.name == added.name))"
    " : variables.spec.?containers.orValue([]) + variables.spec.?initContainers.orValue([])"
)


def _template() -> str:
    """Return CEL of the part of the object that describes pods; of a Pod, all of it."""
    found = f"{IS_POD} ? dyn(object)"
    paths: dict[str, list[str]] = {}
    for row in KINDS:
        if row.built_in:
            paths.setdefault(row.places[0].at, []).append(row.kind)
    for path, kinds in paths.items():
        part = "dyn(object)" + "".join(f".?{step}" for step in steps(path))
        found += f" : request.kind.kind in {cel.texts(kinds)} ? {part}.orValue(dyn({{}}))"
    return f"{found} : dyn({{}})"
