"""Report the models of a store, for people and for programs."""

import time
from typing import Final

from rich.console import Console
from rich.text import Text

from webhook.status.store import Row, State, StoreStatus
from webhook.terminal import tables
from webhook.values.duration import elapsed
from webhook.values.quantity import rounded
from webhook.values.text import printable

_STYLES: Final = {
    State.COMPLETE: "green", State.INCOMPLETE: "bold red", State.LOADING: "cyan",
    State.WAITING: "cyan", State.LEFT: "yellow", State.REPLACED: "yellow",
    State.UNREADABLE: "bold red",
}  # fmt: skip
_CACHE: Final = {True: "yes", False: "no", None: ""}
_SHORT: Final = 8
"""Characters of a commit."""


def table(status: StoreStatus, console: Console) -> None:
    """Print a row for each model, then the faults and the free space."""
    shown = tables.rows(
        ("STATE", "MODEL", "COMMIT", "REF", "FILES", "SIZE", "CACHE", "USED", "PROGRESS"),
        wide=("MODEL", "PROGRESS"),
    )
    for row in status.rows:
        tables.add(shown, _cells(row))
    tables.show(shown, console)
    for row in status.rows:
        for fault in row.faults:
            what = Text(printable(f"{row.name} {row.commit[:_SHORT]}: "), "bold red")
            console.print(what.append(printable(fault), "default"), soft_wrap=True)
    if lacking := sum(row.hub_cache is False for row in status.rows):
        models = f"{lacking} model{'s' if lacking > 1 else ''}"
        say = f"{models} without a Hugging Face cache: load again, if the store has hard links"
        console.print(Text(printable(f"{status.store}: {say}"), "yellow"), soft_wrap=True)
    damaged = sum(row.state is State.INCOMPLETE and row.files is not None for row in status.rows)
    if damaged:
        models = f"{damaged} published model{'s are' if damaged > 1 else ' is'} incomplete"
        say = f"{models}: load again, which publishes anew"
        console.print(Text(printable(f"{status.store}: {say}"), "yellow"), soft_wrap=True)
    free = f"{rounded(status.free)} of {rounded(status.capacity)} are free"
    console.print(Text(printable(f"{status.store}: {free}")), soft_wrap=True)


def _cells(row: Row) -> tuple[str | Text, ...]:
    used = "" if row.last_used is None else elapsed(time.time() - row.last_used)
    return (
        Text(row.state, _STYLES[row.state]),
        row.name,
        row.commit[:_SHORT],
        ", ".join(row.refs),
        "" if row.files is None else str(row.files),
        rounded(row.size),
        _CACHE[row.hub_cache],
        used,
        _progress(row),
    )


def _progress(row: Row) -> str:
    if row.host is None:
        return ""
    parts = [f"{row.percent}% of {rounded(row.total)}" if row.total else "", row.host]
    if row.rate is not None:
        parts.insert(1, f"{row.rate / 1e6:.1f} MB/s")
    if row.state is not State.LEFT and row.silent is not None:
        parts.append(f"seen {elapsed(row.silent)} ago")
    return ", ".join(filter(None, parts))


def as_json(status: StoreStatus) -> bytes:
    """Return the store as JSON: sizes in bytes, times in seconds since 1970, rates in bytes/s."""
    rows = [
        {
            "model": row.name,
            "commit": row.commit,
            "state": row.state,
            "refs": row.refs,
            "files": row.files,
            "hubCache": row.hub_cache,
            "bytes": row.size,
            "lastUsed": row.last_used,
            "faults": row.faults,
            "host": row.host,
            "total": row.total,
            "percent": row.percent,
            "rate": row.rate,
            "silentSeconds": row.silent,
        }
        for row in status.rows
    ]
    content = {"store": str(status.store), "free": status.free, "capacity": status.capacity}
    return tables.as_json(content | {"models": rows})
