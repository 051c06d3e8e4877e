"""How a review ends: Skip, Mutate or Deny, each with warnings.

A Problem is written for the author of the pod: a stable code, the place, the fault and
its remedy.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, TypeAlias

from webhook.admission.problem import Finding, Problem
from webhook.objects.json import Json
from webhook.values.text import printable

WARNING_LENGTH: Final = 250
"""Characters of each of many warnings. The API server cuts at 256, if all of a request together
have more than 4096 (apiserver filters/warning.go)."""
_BUDGET: Final = 3750
"""Characters of all our warnings about an object. Other webhooks may warn too."""


class SkipReason(StrEnum):
    """Why an object is left as it is. The value is the label of the metric."""

    NOT_REQUESTED = "not_requested"
    OPTED_OUT = "opted_out"
    ALREADY_INJECTED = "already_injected"
    MIRROR_POD = "mirror_pod"
    WINDOWS = "windows"
    EXCLUDED_NAMESPACE = "excluded_namespace"
    NO_CONTAINERS = "no_containers"
    UNEXPECTED_RESOURCE = "unexpected_resource"
    NOTHING_TO_COPY = "nothing_to_copy"
    NO_TEMPLATE = "no_template"
    NOT_JUDGED = "not_judged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Skip:
    """The object is allowed as it is. *findings*: those of every mode, here and below."""

    reason: SkipReason
    warnings: tuple[Problem, ...] = ()
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutate:
    """The object is allowed with these operations (RFC 6902)."""

    operations: tuple[Json, ...]
    warnings: tuple[Problem, ...] = ()
    strategy: str = ""
    models: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Container → how it reads each model: path, cache, rewritten, downloads, unnamed."""
    missed: str = ""
    """The claim that was not there when auto chose the strategy; empty if there is none such."""
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Deny:
    """The object is refused: with 403 if *forbidden* by a policy, with 422 for a mistake."""

    problems: tuple[Problem, ...]
    forbidden: bool = False
    warnings: tuple[Problem, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def message(self) -> str:
        """Every problem, as text for the person who applied the pod."""
        return printable("; ".join(map(str, self.problems)))


Decision: TypeAlias = Skip | Mutate | Deny


_MOST_WARNINGS: Final = _BUDGET // WARNING_LENGTH


def warning_lines(warnings: tuple[Problem, ...]) -> list[str]:
    """Return warnings as the API server passes them on: one line each, whole if all of them fit."""
    lines = [printable(str(w), _BUDGET) for w in warnings[:_MOST_WARNINGS]]
    if sum(map(len, lines)) > _BUDGET:
        lines = [printable(line, WARNING_LENGTH) for line in lines]
    if len(warnings) > _MOST_WARNINGS:
        lines[-1] = f"and {len(warnings) - _MOST_WARNINGS + 1} more"
    return lines
