"""What people see in a terminal: warnings and refusals as kubectl's, verdicts, differences."""

from typing import Final

from webhook.admission.decision import Decision, Deny, Mutate, Skip
from webhook.terminal.printing import line

WEBHOOK: Final = "inject.modelcache.io"


def warning(text: str) -> None:
    """Print a warning as kubectl does."""
    line(("Warning: ", "yellow"), text, stderr=True)


def refusal(name: str, decision: Deny, source: str, *, is_pod: bool) -> None:
    """Print a refusal as kubectl does; a workload's pods meet it when they are made."""
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


def verdict(name: str, decision: Decision, source: str) -> None:
    """Print one line that says what would become of *name*."""
    where = f"{name} ({source})"
    match decision:
        case Mutate():
            line(("admitted ", "green"), f"{where}: injected, strategy {decision.strategy}")
        case Skip():
            line(("admitted ", "green"), f"{where}: unchanged, {words(decision)}")
        case Deny():
            line(("refused  ", "red"), f"{where}: {decision.message}")


def words(decision: Skip) -> str:
    """Return why nothing is to be done."""
    return decision.reason.value.replace("_", " ")
