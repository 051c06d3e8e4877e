"""Make the tables of reports, and their JSON for programs."""

from collections.abc import Iterable, Sequence

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from webhook.values.text import printable


def rows(columns: Sequence[str], wide: Sequence[str] = (), least: int = 14) -> Table:
    """Return an empty table; *wide* columns may be folded, to *least* characters at the least."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in columns:
        folds = column in wide
        table.add_column(
            column, no_wrap=not folds, overflow="fold", min_width=least if folds else None
        )
    return table


def add(table: Table, cells: Iterable[str | Text]) -> None:
    """Add a row of texts, without characters that move a cursor."""
    table.add_row(*(c if isinstance(c, Text) else Text(printable(c)) for c in cells))


def show(table: Table, console: Console, title: str = "") -> None:
    """Print a table below its title; print nothing if it has no rows."""
    if table.row_count:
        if title:
            console.print(Text(title, "bold"))
        console.print(table)


def as_json(content: object) -> bytes:
    """Return *content* as indented JSON that ends in a line feed."""
    return msgspec.json.format(msgspec.json.encode(content)) + b"\n"
