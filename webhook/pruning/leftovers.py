"""Find what loaders write below .incoming, and what ended loaders left there."""

import contextlib
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from webhook.models.layout import INCOMING
from webhook.pruning.protection import APART, protected
from webhook.pruning.whereabouts import Whereabouts
from webhook.store.contents import Published, gone, size_of
from webhook.store.incoming import remains, writers
from webhook.store.readers import View
from webhook.store.replaced import Replaced, replaced

_AGAIN: Final = 3600.0
"""Seconds in which a Job makes its next attempt, which continues with what is there."""


@dataclass(frozen=True, slots=True)
class Leftover:
    """A folder below .incoming."""

    folder: Path
    model: str | None
    """FOLDER/COMMIT; None if nothing says that."""
    size: int
    """Bytes."""
    goes: bool
    reason: str

    def remove(self) -> None:
        """Remove the folder; OSError if that fails."""
        shutil.rmtree(self.folder)


def leftovers(
    store: Path, models: Sequence[Published], views: Sequence[View], where: Whereabouts
) -> list[Leftover]:
    """Return the folders below .incoming; *models*: the published ones, *views*: what pods see."""
    published = {f"{one.place.parent.name}/{one.place.name}" for one in models}
    ended = dict(remains(store))
    living = {folder: writer for folder, writer in writers(store / INCOMING) if folder not in ended}
    found = [
        Leftover(folder, writer.model, size_of(folder), False, f"{writer.host} is loading it")
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
        model = writer.model if writer else None
        found.append(Leftover(folder, model, size_of(folder), goes, reason))
    found += (_damaged(one, store, models, views, where) for one in replaced(store / INCOMING))
    return sorted(found, key=lambda one: one.folder)


def _damaged(
    one: Replaced,
    store: Path,
    models: Sequence[Published],
    views: Sequence[View],
    where: Whereabouts,
) -> Leftover:
    """Return a damaged model that was replaced: pods that started before may have it mounted."""
    place = store / one.model
    # It counts as published, even if the model that replaced it was removed.
    known = [model for model in models if model.place == place] or [gone(place)]
    others = [model for model in models if model.place != place]
    before = [view for view in views if view.started <= one.since + APART]
    reader = protected([*others, *known], before, where).get(place)
    reason = reader or "it was damaged, and a whole model is in its place"
    return Leftover(one.folder, one.model, size_of(one.folder), not reader, reason)


def _written(folder: Path) -> float:
    """Return when something was last written there, seconds since 1970."""
    times = [0.0]
    for path in (folder, *folder.rglob("*")):
        with contextlib.suppress(FileNotFoundError):
            if path.name != "writer.json":  # a loader that ends sets its time to 0
                times.append(path.lstat().st_mtime)
    return max(times)
