"""Copy models from a store into memory: modelcache copy, the loader of strategy emptyDir.

Space and the memory limit are checked first. Then an earlier copy is removed. Files are copied to
a folder .incoming-…; when all are there and verified, they are renamed to their places, the
manifest last. A server starts only after its loader has succeeded, and a process that looks earlier
sees no part of the model.
"""

import contextlib
import os
import secrets
import shutil
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from webhook.copying.destination import foreign, freed, refusal
from webhook.copying.model_tree import HubCache, Item, hub_cache, listed
from webhook.copying.parallel_copy import CorruptError, ParallelCopy
from webhook.models.layout import INCOMING, MANIFEST
from webhook.store.alike import conflated
from webhook.store.memory_limit import beyond_limit, is_memory
from webhook.store.space import nearest
from webhook.store.verify import faults_of, remedy
from webhook.terminal.progress import say, shown
from webhook.values.quantity import Quantity

_PAGE: Final = 4096
_LAST: Final = ("blobs", "snapshots", "refs", "config.json", MANIFEST)
"""Published last, in this order: readers look at them first, and they refer to the rest."""


@dataclass(frozen=True, slots=True)
class _Model:
    """One model to copy."""

    source: Path
    destination: Path
    items: Sequence[Item]
    cache: HubCache | None
    incoming: Path

    @property
    def pages(self) -> int:
        """Bytes that it takes in a tmpfs: links take none."""
        names = self.cache.files * _PAGE if self.cache else 0
        return sum(-(-item.size // _PAGE) * _PAGE for item in self.items) + names


def copy_models(pairs: Sequence[tuple[Path, Path]], *, force: bool = False) -> None:
    """Copy each source directory to its destination; ValueError names everything that is wrong.

    *force*: destinations are emptied that hold something else than a copy.
    """
    models = _listed(pairs)
    os.umask(0o022)  # the server may run as another user
    # As much as will be free: a model that does not fit costs nobody the one that is there.
    room = [freed(model.destination) for model in models]
    faults = [] if force else list(_foreign(models))
    faults += [*_beyond_space(models, room), *_beyond_memory(models, room)]
    if faults:
        raise ValueError("\n".join(faults))
    for model in models:
        model.destination.mkdir(parents=True, exist_ok=True)
    if faults := list(_conflated(models)):
        raise ValueError("\n".join(faults))
    for model in models:
        model.incoming.mkdir()
        _empty(model.destination, but=model.incoming.name)
    # Once more: what others have open is not free.
    nothing = [0] * len(models)
    faults = [*_beyond_space(models, nothing), *_beyond_memory(models, nothing)]
    with _removed_on_failure(models):
        if faults:
            raise ValueError("\n".join(faults))
        for model in models:
            _copy(model)
        faults = [f"{m.destination}: {fault}" for m in models for fault in faults_of(m.incoming)]
        if faults:
            raise ValueError("\n".join(faults))
        for model in models:
            _publish(model)


def _foreign(models: Sequence[_Model]) -> Iterator[str]:
    for model in models:
        if found := foreign(model.destination, model.items):
            yield refusal(model.destination, found)


def _conflated(models: Sequence[_Model]) -> Iterator[str]:
    for model in models:
        names = [str(item.path) for item in model.items]
        for one, other in conflated(model.destination, names):
            yield (
                f"{model.destination}: {one} and {other} are one name there: copy to a file system "
                "that tells them apart"
            )


def _listed(pairs: Sequence[tuple[Path, Path]]) -> list[_Model]:
    """Return the models to copy; ValueError names all that can't be copied."""
    name, models, faults = f"{INCOMING}-{secrets.token_hex(8)}", [], []
    for source, destination in pairs:
        try:
            items = listed(source, destination)
        except ValueError as error:
            faults.append(str(error))
        else:
            cache = hub_cache(source)
            models.append(_Model(source, destination, items, cache, destination / name))
    if faults:
        raise ValueError("\n".join(faults))
    return models


def _empty(directory: Path, but: str = "") -> None:
    """Remove the content of a directory, beginning with what would make a part look whole.

    *but*: the name of what stays.
    """
    for entry in sorted(directory.iterdir(), key=_order, reverse=True):
        if entry.name == but:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


@contextlib.contextmanager
def _removed_on_failure(models: Sequence[_Model]) -> Iterator[None]:
    """On failure, free the memory now instead of at the next attempt."""
    try:
        yield
    except BaseException:
        for model in models:
            with contextlib.suppress(OSError):  # the first error is reported
                _empty(model.destination)
        raise


def _beyond_space(models: Sequence[_Model], room: Sequence[int]) -> Iterator[str]:
    """Yield what does not fit; *room*: bytes that are freed for each model."""
    needed: dict[int, int] = defaultdict(int)
    more: dict[int, int] = defaultdict(int)
    for model, freed_there in zip(models, room, strict=True):
        more[nearest(model.destination).stat().st_dev] += freed_there
    for model in models:
        there = nearest(model.destination)
        device = there.stat().st_dev
        needed[device] += model.pages
        space = os.statvfs(there)
        free = space.f_bavail * space.f_frsize + more[device]
        if space.f_blocks and needed[device] > free:  # a ramfs has no limit
            yield (
                f"{model.destination}: the model needs {needed[device]} bytes, and {free} are free "
                f"({Quantity(needed[device]).up_to(2**20)} of {Quantity(free)}): "
                "set modelcache.io/size to the model's true size"
            )


def _beyond_memory(models: Sequence[_Model], room: Sequence[int]) -> Iterator[str]:
    """Yield what exceeds the memory limit; *room*: bytes that are freed for each model."""
    pairs = zip(models, room, strict=True)
    found = [(model, freed_there) for model, freed_there in pairs if is_memory(model.destination)]
    inside = [model for model, _ in found]
    needed = max(0, sum(model.pages - freed_there for model, freed_there in found))
    if inside and (lack := beyond_limit(needed)):
        names = ", ".join(str(model.destination) for model in inside)
        yield (
            f"{names}: the model needs more memory than the loader may use: {lack}: set "
            "modelcache.io/size to the model's true size, or raise the loader's memory limit"
        )


def _copy(model: _Model) -> None:
    """Copy a model to its folder .incoming-…."""
    for folder in {model.incoming, *((model.incoming / item.path).parent for item in model.items)}:
        folder.mkdir(parents=True, exist_ok=True)
    total, started = sum(item.size for item in model.items), time.monotonic()
    for item in model.items:
        if item.link is not None:
            (model.incoming / item.path).symlink_to(item.link)
    with shown("auto")(model.source, total) as report:
        try:
            ParallelCopy(model.items, model.incoming).run(report)
        except CorruptError as error:
            anew = (f"{model.source}: {text}" for text in remedy(model.source, full=True))
            raise ValueError("\n".join((str(error), *anew))) from error
    if model.cache:
        model.cache.make(model.incoming)
    say(f"{model.source}: {total} bytes in {time.monotonic() - started:.1f} s")


def _publish(model: _Model) -> None:
    """Rename the copied files to their places."""
    for entry in sorted(model.incoming.iterdir(), key=_order):
        entry.rename(model.destination / entry.name)
    model.incoming.rmdir()


def _order(entry: Path) -> tuple[int, bool, str]:
    """Sort folders before files, and the entries of _LAST after both."""
    last = _LAST.index(entry.name) if entry.name in _LAST else -1
    return last, not entry.is_dir(), entry.name
