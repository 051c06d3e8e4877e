"""Print findings, as a table or as JSON."""

from collections.abc import Sequence
from typing import Final

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from webhook.doctor.diagnosis import Found
from webhook.doctor.finding import Level
from webhook.values.text import printable

_STYLES: Final = {Level.OK: "green", Level.WARNING: "yellow", Level.ERROR: "bold red"}


def table(found: Sequence[Found], console: Console) -> None:
    """Print the findings as a table, and below it each fix on one line, for copying."""
    rows = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in ("LEVEL", "CHECK", "SEEN"):
        rows.add_column(column, no_wrap=column != "SEEN", overflow="fold")
    for one in found:
        level = one.finding.level
        rows.add_row(
            Text(level.value, _STYLES[level]), one.check, Text(printable(one.finding.seen))
        )
    console.print(rows)
    to_do = {(one.check, one.finding.fix): one for one in found if one.finding.fix}
    if to_do:
        console.print("\nTo do:", highlight=False)
    for number, one in enumerate(to_do.values(), start=1):
        style = _STYLES[one.finding.level]
        text = Text.assemble(f"{number}. ", (one.check, style), f": {printable(one.finding.fix)}")
        console.print(text, soft_wrap=True, highlight=False)


def as_json(found: Sequence[Found]) -> bytes:
    """Return the findings as JSON: a list of check, level, seen and fix."""
    rows = [
        {
            "check": one.check,
            "level": one.finding.level.value,
            "seen": one.finding.seen,
            "fix": one.finding.fix,
        }
        for one in found
    ]
    return msgspec.json.format(msgspec.json.encode(rows)) + b"\n"


def worst(found: Sequence[Found]) -> Level:
    """Return the worst level of all."""
    levels = [one.finding.level for one in found]
    return max(levels, key=list(Level).index, default=Level.OK)
