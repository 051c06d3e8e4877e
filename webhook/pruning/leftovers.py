"""Find what loaders write below .incoming, and what ended loaders left there."""

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
"""Seconds in which a Job makes its next attempt, which continues with what is there."""


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
        """Remove the folder; OSError if that fails."""
        shutil.rmtree(self.folder)


def leftovers(store: Path, published: Collection[str]) -> list[Leftover]:
    """Return the folders below .incoming; *published*: FOLDER/COMMIT of each published model."""
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
            goes, reason = False, f"{writer.host} has ended, and the next loader continues there"
        found.append(Leftover(folder, writer, size_of(folder), goes, reason))
    return sorted(found, key=lambda one: one.folder)


def _written(folder: Path) -> float:
    """Return when something was last written there, seconds since 1970."""
    times = [0.0]
    for path in (folder, *folder.rglob("*")):
        with contextlib.suppress(FileNotFoundError):
            if path.name != "writer.json":  # a loader that ends sets its time to 0
                times.append(path.lstat().st_mtime)
    return max(times)
