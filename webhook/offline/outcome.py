"""The outcome for one object of a file."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from webhook.admission import codes
from webhook.admission.decision import Decision, Deny
from webhook.admission.plan import Plan
from webhook.admission.problem import Finding, Problem
from webhook.objects.json import Json
from webhook.values.shape import Fault


class Misshapen(Exception):
    """The object can't be decoded; *faults* are all values of the wrong type."""

    def __init__(self, name: str, found: Sequence[Fault]) -> None:
        self.name = name
        self.faults = tuple(found)
        super().__init__(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The decision about one sort of pods of an object; a pod has one part."""

    name: str
    decision: Decision | None
    """None: the controller of the object composes these pods, so they are not known here."""
    plan: Plan | None = None
    subject: str = ""
    """namespace/name, as rules read it."""
    findings: tuple[Finding, ...] = ()
    """What rules find, in every mode."""

    @property
    def waits(self) -> tuple[Problem, ...]:
        """What the pods will wait for before they start."""
        found = self.plan.warnings if self.plan else ()
        return tuple(problem for problem in found if problem.code in codes.AWAITED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The decisions about one object, with the object before and after."""

    name: str
    is_pod: bool
    before: Any
    after: Any
    parts: tuple[Part, ...]
    operations: tuple[Json, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What rules find, in every mode."""
        return tuple(finding for part in self.parts for finding in part.findings)

    @property
    def refused(self) -> bool:
        """Whether the object, or pods that are created from it, are refused."""
        return any(isinstance(part.decision, Deny) for part in self.parts)

    @property
    def waits(self) -> bool:
        """Whether pods will wait for something before they start."""
        return any(part.waits for part in self.parts)
