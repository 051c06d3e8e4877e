"""What people see in a terminal: warnings and refusals as kubectl's, verdicts, differences."""

import difflib
import sys
from typing import Final

from rich.console import Console
from rich.text import Text

from webhook.decision import Decision, Deny, Mutate, Skip, printable

WEBHOOK: Final = "inject.modelcache.io"
_STYLES: Final = {"+": "green", "-": "red", "@": "cyan"}


def _console(*, stderr: bool = False) -> Console:
    return Console(stderr=stderr, soft_wrap=True, highlight=False)


def line(*parts: str | tuple[str, str], stderr: bool = False) -> None:
    """Print one line of texts and (text, style) pairs, with nothing that moves a cursor."""
    texts = [(printable(p), "") if isinstance(p, str) else (printable(p[0]), p[1]) for p in parts]
    _console(stderr=stderr).print(Text.assemble(*texts))


def write(content: bytes) -> None:
    """Write *content* to standard output as it is."""
    sys.stdout.flush()
    sys.stdout.buffer.write(content)


def flush() -> None:
    """Bring what was written on its way, while a failure can still be told."""
    sys.stdout.flush()
    sys.stdout.buffer.flush()


def note(text: str) -> None:
    """Print a remark on standard error."""
    line(f"modelcache: {text}", stderr=True)


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


def diff(title: str, before: bytes, after: bytes) -> None:
    """Print the lines that differ, in colour on a terminal."""
    lines = difflib.unified_diff(
        before.decode().splitlines(), after.decode().splitlines(),
        f"{title}, as written", f"{title}, as admitted", lineterm="",
    )  # fmt: skip
    for text in lines:
        style = "bold" if text.startswith(("+++ ", "--- ")) else _STYLES.get(text[:1], "")
        line((text, style))
