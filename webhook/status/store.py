"""Find the models of a store, and the progress of downloads: read twice, for the rate."""

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from webhook.models.layout import INCOMING, identity_of
from webhook.store.contents import Published, published_models, size_of, unpublished
from webhook.store.hub_cache import lacking, refs_of
from webhook.store.incoming import Writer, remains, writers
from webhook.store.replaced import Replaced, replaced
from webhook.store.verify import Unread, faults_of

_APART: Final = 1.0
"""Seconds between the two reads of what is being loaded."""


class State(StrEnum):
    """The state of a model in a store."""

    COMPLETE = "complete"
    INCOMPLETE = "incomplete"
    UNREADABLE = "unreadable"
    """By this user: whether it is complete is not known."""
    LOADING = "loading"
    WAITING = "waiting"
    """For another loader of the same model."""
    LEFT = "left"
    """By a loader that has ended; the next one continues there."""
    REPLACED = "replaced"
    """It was damaged, and pods may have it mounted; `prune` removes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One model of a store."""

    name: str
    """org/name, a URI, or the name of the folder if both are unknown."""
    commit: str
    state: State
    size: int
    """Bytes that have arrived."""
    refs: tuple[str, ...] = ()
    files: int | None = None
    hub_cache: bool | None = None
    """Whether it is a Hugging Face cache too; None: its source is not a hub."""
    last_used: float | None = None
    """Seconds since 1970."""
    faults: tuple[str, ...] = ()
    host: str | None = None
    """The host that loads it, or did."""
    total: int | None = None
    """Bytes of the whole model; None if its source does not say."""
    rate: float | None = None
    """Bytes a second."""
    silent: float | None = None
    """Seconds since the last sign of life of its loader; None: the loader has ended itself."""

    @property
    def percent(self) -> int | None:
        """How much of it has arrived; None if its size is unknown."""
        return min(100, self.size * 100 // self.total) if self.total else None


@dataclass(frozen=True, slots=True)
class StoreStatus:
    """The models and the free space of a store."""

    store: Path
    rows: tuple[Row, ...]
    free: int
    """Bytes that a loader can still write."""
    capacity: int
    """Bytes."""


def store_status(store: Path) -> StoreStatus:
    """Return the models and free space of *store*; OSError if it can't be read."""
    rows = [_complete(model) for model in published_models(store)]
    rows += [_by_nobody(place) for place in unpublished(store)]
    rows += _incoming(store)
    rows += [_replaced(one) for one in replaced(store / INCOMING)]
    space = os.statvfs(store)
    return StoreStatus(
        store, tuple(rows), space.f_bavail * space.f_frsize, space.f_blocks * space.f_frsize
    )


def _complete(model: Published) -> Row:
    if model.unread:
        return _unread(model)
    faults = tuple(faults_of(model.place))
    return Row(
        name=model.name,
        commit=model.place.name,
        state=_state(faults),
        size=model.size,
        refs=tuple(ref.name for ref in model.refs),
        files=len(model.manifest.files) if model.manifest else None,
        hub_cache=_is_hub_cache(model),
        last_used=model.last_used,
        faults=tuple(map(str, faults)),
    )


def _state(faults: Sequence[str]) -> State:
    if not faults:
        return State.COMPLETE
    unread = all(isinstance(fault, Unread) for fault in faults)
    return State.UNREADABLE if unread else State.INCOMPLETE


def _unread(model: Published) -> Row:
    return Row(
        name=model.name,
        commit=model.place.name,
        state=State.UNREADABLE,
        size=0,
        refs=tuple(ref.name for ref in model.refs),
        faults=(model.unread,),
    )


def _is_hub_cache(model: Published) -> bool | None:
    if not model.repository:
        return None
    return not lacking(model.place, model.repository, refs_of(model.place.name, None))


def _by_nobody(place: Path) -> Row:
    return Row(
        name=_name(place.parent.name),
        commit=place.name,
        state=State.INCOMPLETE,
        size=size_of(place),
        faults=("has no manifest: no loader has published it",),
    )


def _replaced(one: Replaced) -> Row:
    folder, _, commit = one.model.rpartition("/")
    size = size_of(one.folder)
    return Row(name=_name(folder), commit=commit, state=State.REPLACED, size=size)


def _incoming(store: Path) -> Iterator[Row]:
    found = list(writers(store / INCOMING))
    ended = {folder for folder, _ in remains(store)}
    before = {folder: _written(folder) for folder, _ in found}
    began = time.monotonic()
    living = [(folder, writer) for folder, writer in found if folder not in ended]
    if living:
        time.sleep(_APART)
    took = time.monotonic() - began
    for folder, writer in found:
        size = _written(folder)
        state = State.LEFT if folder in ended else State.LOADING
        if state is State.LOADING and _waits(folder, writer, living):
            state = State.WAITING
        place, _, commit = writer.model.rpartition("/")
        yield Row(
            name=_name(place),
            commit=commit,
            state=state,
            size=size,
            host=writer.host,
            total=writer.total or None,
            rate=max(0, size - before[folder]) / took if state is State.LOADING else None,
            silent=_silent(folder),
        )


def _waits(folder: Path, writer: Writer, living: list[tuple[Path, Writer]]) -> bool:
    same = [(one.since, other.name) for other, one in living if one.model == writer.model]
    return min(same) < (writer.since, folder.name)


def _written(folder: Path) -> int:
    return sum(size_of(folder / part) for part in ("files", "layers", "parts"))


def _silent(folder: Path) -> float | None:
    try:
        seen = (folder / "writer.json").stat().st_mtime
    except OSError:
        return None
    return max(0.0, time.time() - seen) if seen else None


def _name(folder: str) -> str:
    """Return org/name for the folder of a hub's model; any other folder as it is."""
    return identity_of(folder)
