"""Report the result, for people and for programs."""

from typing import Final

from rich.bar import Bar
from rich.console import Console
from rich.table import Table
from rich.text import Text

from webhook.storage_bench.result import Result, binary, mebibytes, rate, seconds
from webhook.storage_bench.row import Row
from webhook.terminal import tables
from webhook.values.text import printable

_BAR: Final = 14
"""Characters, so that a table is no wider than 80."""


def table(result: Result, console: Console) -> None:
    """Print the result: a row for each kind of read, then notes and the hint."""
    console.print(Text(printable(result.title)), soft_wrap=True)
    rows = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in ("READ", "MEDIAN", "MIN - MAX MiB/s", f"LOAD OF {binary(result.model)}", ""):
        rows.add_column(column, no_wrap=True, justify="left" if column in ("READ", "") else "right")
    for row in result.rows:
        rows.add_row(*_cells(row, result))
    console.print(rows)
    for note, names in _notes(result).items():
        console.print(Text.assemble(("; ".join(names), "yellow"), f": {note}"), soft_wrap=True)
    if result.hint:
        console.print(Text.assemble(("Hint", "bold"), f": {result.hint}"), soft_wrap=True)


def _notes(result: Result) -> dict[str, list[str]]:
    """Return each note, with the names of its rows."""
    notes: dict[str, list[str]] = {}
    for row in result.rows:
        for note in row.notes:
            notes.setdefault(note, []).append(row.name)
    return notes


def _cells(row: Row, result: Result) -> tuple[str | Text | Bar, ...]:
    name, median = Text(row.name, "cyan" if row.cache == "cold" else ""), row.median
    load = row.load_seconds(result.model)
    if median is None or load is None:
        return name, "-", "-", "-", ""
    bar = Bar(result.longest, 0, load, width=_BAR)
    between = " - ".join(mebibytes(edge(row.rates)) for edge in (min, max))
    return name, rate(median), between, seconds(load), bar


def as_json(result: Result) -> bytes:
    """Return the result as JSON, rates in bytes per second; null: not measurable."""
    return tables.as_json(_document(result))


def _document(result: Result) -> dict[str, object]:
    return {
        "directory": _text(result.directory),
        "fileSystem": result.file_system,
        "scratch": result.is_scratch,
        "files": [{"path": _text(s.file), "bytes": s.length} for s in result.spans],
        "bytes": result.size,
        "rounds": result.rounds,
        "readers": result.readers,
        "modelBytes": result.model,
        "rows": [
            {
                "kind": row.kind.value,
                "cache": row.cache.value,
                "method": row.method.value,
                "bytesPerSecond": _rates(row),
                "loadSeconds": row.load_seconds(result.model),
                "notes": row.notes,
            }
            for row in result.rows
        ],
        "hint": result.hint,
    }


def _rates(row: Row) -> dict[str, float] | None:
    if row.median is None:
        return None
    return {"median": row.median, "min": min(row.rates), "max": max(row.rates)}


def _text(path: object) -> str:
    return str(path).encode(errors="replace").decode()
