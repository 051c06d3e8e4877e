"""Print warnings and refusals as kubectl does, and verdicts."""

from collections.abc import Iterable
from typing import Final

from webhook.admission.decision import Decision, Deny, Mutate, Skip
from webhook.admission.problem import Problem
from webhook.terminal.printing import line

WEBHOOK: Final = "inject.modelcache.io"


def warning(text: str) -> None:
    """Print a warning as kubectl does."""
    line(("Warning: ", "yellow"), text, stderr=True)


def refusal(name: str, decision: Deny, source: str, *, is_pod: bool) -> None:
    """Print a refusal as kubectl does; for a workload, its pods would be refused."""
    reason = "Forbidden" if decision.forbidden else "Invalid"
    what = (
        f'error when creating "{source}"'
        if is_pod
        else f'pods of {name} in "{source}" would be refused'
    )
    line(
        (f"Error from server ({reason}): ", "red"),
        f'{what}: admission webhook "{WEBHOOK}" denied the request: {decision.message}',
        stderr=True,
    )


def verdict(name: str, decision: Decision | None, source: str) -> None:
    """Print one line: whether *name* would be admitted or refused, and why."""
    where = f"{name} ({source})"
    match decision:
        case Mutate():
            line(("admitted ", "green"), f"{where}: injected, strategy {decision.strategy}")
        case Skip() | None:
            line(("admitted ", "green"), f"{where}: unchanged, {words(decision)}")
        case Deny():
            line(("refused  ", "red"), f"{where}: {decision.message}")


def waiting(name: str, waits: Iterable[Problem], source: str) -> None:
    """Print one line: what the pods of *name* will wait for."""
    line(("waits    ", "red"), f"{name} ({source}): {'; '.join(map(str, waits))}")


def audited(name: str, problem: Problem, source: str) -> None:
    """Print one line: what only the audit log would hold of *name*."""
    line(("audited  ", "yellow"), f"{name} ({source}): {problem}")


def words(decision: Skip | None) -> str:
    """Return the reason for a skip, in words; None: the pods are not known here."""
    if decision is None:
        return "its controller composes the pods, which get the annotations"
    return decision.reason.value.replace("_", " ")
