"""Report what was removed and what stays, and why, for people and for programs."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.text import Text

from webhook.pruning.leftovers import Leftover
from webhook.store.contents import Published
from webhook.terminal import tables
from webhook.values.duration import elapsed
from webhook.values.quantity import rounded
from webhook.values.text import printable

_SHORT: Final = 8
"""Characters of a commit."""


class Became(StrEnum):
    """What happened to a model or folder; in a dry run, what would happen."""

    GOES = "remove"
    STAYS = "keep"
    GONE = "removed"
    FAILED = "failed"


_STYLES: Final = {
    Became.GOES: "yellow", Became.GONE: "yellow", Became.STAYS: "green", Became.FAILED: "bold red",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """One model, what happened to it, and why."""

    model: Published
    became: Became
    reason: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happened to everything in a store."""

    store: Path
    rows: Sequence[Row]
    leftovers: Sequence[tuple[Leftover, Became, str]]
    keep_bytes: int | None
    dry_run: bool

    @property
    def before(self) -> int:
        """Bytes of the published models before the removal."""
        return sum(row.model.size for row in self.rows)

    @property
    def after(self) -> int:
        """Bytes of the published models that stay."""
        away = (Became.GOES, Became.GONE)
        return sum(row.model.size for row in self.rows if row.became not in away)

    @property
    def excess(self) -> int:
        """Bytes that stay in excess of --keep-bytes."""
        return max(0, self.after - self.keep_bytes) if self.keep_bytes is not None else 0

    @property
    def failed(self) -> bool:
        """Whether a removal failed, or more stays than --keep-bytes allows."""
        became = [*(row.became for row in self.rows), *(one[1] for one in self.leftovers)]
        return Became.FAILED in became or self.excess > 0


def table(outcome: Outcome, console: Console) -> None:
    """Print a row for each model and each folder of a loader, then the totals."""
    rows = tables.rows(
        ("VERDICT", "MODEL", "COMMIT", "SIZE", "AGE", "USED", "REASON"),
        wide=("MODEL", "REASON"),
        least=18,
    )
    now = time.time()
    for row in outcome.rows:
        model = row.model
        cells = (
            Text(row.became, _STYLES[row.became]),
            model.name,
            model.place.name[:_SHORT],
            rounded(model.size),
            elapsed(now - model.published),
            elapsed(now - model.last_used),
            row.reason,
        )
        tables.add(rows, cells)
    for left, became, reason in outcome.leftovers:
        name = f"{left.folder.parent.name}/{left.folder.name}"
        verdict = Text(became, _STYLES[became])
        tables.add(rows, (verdict, name, "", rounded(left.size), "", "", reason))
    tables.show(rows, console)
    verb = "would stay" if outcome.dry_run else "stay"
    text = (
        f"{outcome.store}: {rounded(outcome.after)} of {rounded(outcome.before)} of models {verb}"
    )
    if outcome.excess:
        text += f", {rounded(outcome.excess)} more than --keep-bytes: the reasons are above"
    console.print(Text(printable(text)), soft_wrap=True)


def as_json(outcome: Outcome) -> bytes:
    """Return the outcome as JSON; times are seconds since 1970."""
    content = {
        "store": str(outcome.store),
        "dryRun": outcome.dry_run,
        "bytesBefore": outcome.before,
        "bytesAfter": outcome.after,
        "excess": outcome.excess,
        "models": [
            {
                "model": row.model.name,
                "commit": row.model.place.name,
                "refs": [ref.name for ref in row.model.refs],
                "path": str(row.model.place),
                "bytes": row.model.size,
                "published": row.model.published,
                "lastUsed": row.model.last_used,
                "verdict": row.became,
                "reason": row.reason,
            }
            for row in outcome.rows
        ],
        "incoming": [
            {
                "path": str(left.folder),
                "model": left.model,
                "bytes": left.size,
                "verdict": became,
                "reason": reason,
            }
            for left, became, reason in outcome.leftovers
        ],
    }
    return tables.as_json(content)
