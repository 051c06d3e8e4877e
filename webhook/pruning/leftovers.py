"""What loaders are writing, and what those that have ended left below .incoming."""

import contextlib
import shutil
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from webhook.models.layout import INCOMING
from webhook.store.contents import size_of
from webhook.store.incoming import Writer, remains, writers

_AGAIN: Final = 3600.0
"""Seconds in which the next attempt of a Job comes, which goes on with what is there."""


@dataclass(frozen=True, slots=True)
class Leftover:
    """A folder below .incoming."""

    folder: Path
    writer: Writer | None
    size: int
    """Bytes."""
    goes: bool
    reason: str

    def remove(self) -> None:
        """Remove it; OSError if that can't be done."""
        shutil.rmtree(self.folder)


def leftovers(store: Path, published: Collection[str]) -> list[Leftover]:
    """Return what lies below .incoming; *published*: FOLDER/COMMIT of each model that is."""
    ended = dict(remains(store))
    living = {folder: writer for folder, writer in writers(store / INCOMING) if folder not in ended}
    found = [
        Leftover(folder, writer, size_of(folder), False, f"{writer.host} is loading it")
        for folder, writer in living.items()
    ]
    for folder, writer in ended.items():
        if writer is None:
            goes, reason = True, "nobody has written there for an hour"
        elif writer.model in published:
            goes, reason = True, f"{writer.host} has ended, and the model is published"
        elif time.time() - _written(folder) > _AGAIN:
            goes, reason = True, f"{writer.host} has ended, more than an hour ago"
        else:
            goes, reason = False, f"{writer.host} has ended, and the next loader goes on from there"
        found.append(Leftover(folder, writer, size_of(folder), goes, reason))
    return sorted(found, key=lambda one: one.folder)


def _written(folder: Path) -> float:
    """Return when something was last written there, seconds since 1970."""
    times = [0.0]
    for path in (folder, *folder.rglob("*")):
        with contextlib.suppress(FileNotFoundError):
            if path.name != "writer.json":  # the end of a loader is told by its time
                times.append(path.lstat().st_mtime)
    return max(times)
