"""The figures of one run: a value for each round, their median, and its required limit."""

from collections.abc import Sequence
from statistics import median

import msgspec


class Figure(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of the result."""

    what: str
    unit: str
    ours: Sequence[float]
    compared: str = ""
    """The server that ours is compared with."""
    theirs: Sequence[float] = ()
    """That server's values in the same rounds."""
    wanted: float | None = None
    """The limit: of the ratio if there is another server, else of the value."""
    note: str = ""

    @property
    def ratios(self) -> list[float]:
        """Ours to theirs, round by round."""
        return [a / b for a, b in zip(self.ours, self.theirs, strict=True)] if self.theirs else []

    @property
    def met(self) -> bool | None:
        """Whether the limit is kept; None if there is no limit."""
        return None if self.wanted is None else median(self.ratios or self.ours) <= self.wanted

    def row(self) -> list[str]:
        """Return the line as cells of a table."""
        ratios = self.ratios
        wanted = ""
        if self.wanted is not None:
            most = _share(self.wanted) if ratios else _plain(self.wanted, self.unit)
            wanted = f"≤ {most} {'[green]yes[/]' if self.met else '[red]no[/]'}"
        return [
            self.what,
            _plain(median(self.ours), self.unit),
            f"{self.compared}: {_plain(median(self.theirs), self.unit)}" if ratios else self.note,
            _share(median(ratios)) if ratios else "",
            _range([_share(r) for r in sorted(ratios, reverse=True)])
            if ratios
            else _range([_plain(value, self.unit) for value in sorted(self.ours)]),
            wanted,
        ]


def _plain(value: float, unit: str) -> str:
    if unit == "µs" and value >= 1000:
        value, unit = value / 1000, "ms"
    digits = 0 if value >= 100 or value == int(value) else 1 if value >= 10 else 2
    return f"{value:.{digits}f} {unit}".strip()


def _share(ratio: float) -> str:
    value = 1 / ratio if ratio < 1 else ratio
    text = f"{value:.0f}" if value >= 10 or value == int(value) else f"{value:.1f}"
    return f"1/{text}" if ratio < 1 else f"{text} times"


def _range(ordered: Sequence[str]) -> str:
    return f"{ordered[0]} to {ordered[-1]}" if len(ordered) > 1 else ""
