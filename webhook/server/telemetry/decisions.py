"""Count each decision, and log it as one line.

The values of labels are bounded: no text that a pod's author writes becomes one. A line holds names
and codes, never the value of an annotation, a variable or an argument.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from webhook.admission.decision import Decision, Deny, Mutate, Skip, SkipReason
from webhook.admission.problem import Finding
from webhook.server.telemetry.metrics import Metrics

_LONGEST: Final = 256
"""Characters of a name that are logged; callers may send megabytes."""
_OPERATIONS: Final = frozenset(("CREATE", "UPDATE", "DELETE", "CONNECT"))
_NONE: Final[Mapping[str, tuple[str, ...]]] = {}
_NOTHING_NEW: Final = (SkipReason.ALREADY_INJECTED, SkipReason.NOTHING_TO_COPY)


class RuleFinding(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What one rule of one policy found."""

    rule: str
    code: str
    mode: str
    policy: str


class DecisionLine(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """The line of one decision; its fields are logged in this order."""

    uid: str
    namespace: str
    name: str
    owner: str
    operation: str
    result: str
    reason: str
    codes: list[str]
    operations: int
    models: Mapping[str, tuple[str, ...]]
    """Container → how it reads each model."""
    findings: list[RuleFinding]
    """What rules of CachePolicies found."""
    dry_run: bool
    ms: float
    event: str = "decision"
    time: datetime


class Telemetry(Metrics):
    """The metrics of the process, and its log of decisions."""

    def __init__(self, log: Callable[[DecisionLine], Any]) -> None:
        super().__init__()
        self._log = log

    def answered(self, code: int) -> None:
        """Count an answer of the admission port."""
        self.http.count(code)

    def decided(  # noqa: PLR0913  # the fields of one line; an object for them costs time
        self,
        decision: Decision,
        *,
        uid: str,
        namespace: str,
        name: str,
        owner: str,
        operation: str,
        dry_run: bool,
        workload: bool,
        seconds: float,
        size: int,
    ) -> None:
        """Count and log one decision; *size* is the review's in bytes."""
        result, reason, operations = _outcome(decision)
        operation = operation if operation in _OPERATIONS else "OTHER"
        self.requests.count(operation, result, reason, "true" if dry_run else "false")
        self.duration.observe(seconds)
        self.request_bytes.observe(size)
        if operations:
            self.patch_operations.observe(operations)
        models = decision.models if isinstance(decision, Mutate) else _NONE
        for outcomes in models.values():
            for outcome in outcomes:
                self.models.count(outcome)
        findings: list[RuleFinding] = []
        if decision.findings:
            findings = self._found(decision.findings, workload=workload, dry_run=dry_run)
        problems = decision.problems if isinstance(decision, Deny) else decision.warnings
        self._log(
            DecisionLine(
                uid=uid,
                namespace=namespace[:_LONGEST],
                name=name[:_LONGEST],
                owner=owner[:_LONGEST],
                operation=operation,
                result=result,
                reason=reason,
                codes=[problem.code for problem in problems],
                operations=operations,
                models={name[:_LONGEST]: found for name, found in models.items()},
                findings=findings,
                dry_run=dry_run,
                ms=round(seconds * 1000, 3),
                time=datetime.now(UTC),
            )
        )

    def _found(
        self, findings: Iterable[Finding], *, workload: bool, dry_run: bool
    ) -> list[RuleFinding]:
        """Count findings, and return what is logged of them."""
        subject = "workload" if workload else "pod"
        for found in findings:
            self.rule_findings.count(
                found.rule, found.mode, subject, "true" if dry_run else "false"
            )
        return [
            RuleFinding(rule=f.rule, code=f.problem.code, mode=f.mode, policy=f.policy)
            for f in findings
        ]


def _outcome(decision: Decision) -> tuple[str, str, int]:
    """Return the result, the reason and the number of operations."""
    match decision:
        case Mutate():
            return "injected", decision.strategy or "copied", len(decision.operations)
        case Deny():
            return "denied", "forbidden" if decision.forbidden else "invalid", 0
        case Skip():
            noop = decision.reason in _NOTHING_NEW
            return "noop" if noop else "skipped", decision.reason.value, 0
