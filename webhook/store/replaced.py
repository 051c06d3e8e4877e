"""Replace a damaged model by a whole one, and keep the damaged one for those who have it mounted.

A pod that mounted the damaged model keeps that folder: a mount does not follow a rename. Its files
stay in .incoming until `prune` finds no pod that may still read them.
"""

import ctypes
import os
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from webhook.models.layout import INCOMING
from webhook.store.publication import sync

_NOTE: Final = "replaced.json"
_AT_FDCWD: Final = -100
"""fcntl.h: a path counts from the working directory."""
_RENAME_EXCHANGE: Final = 2
"""linux/fs.h"""


class _Note(msgspec.Struct, frozen=True):
    model: str


@dataclass(frozen=True, slots=True)
class Replaced:
    """A damaged model that was replaced."""

    folder: Path
    """Below .incoming."""
    model: str
    """FOLDER/COMMIT of the model that is in its place now."""
    since: float
    """When it was replaced, seconds since 1970, by the clock of the file system."""


def replace(directory: Path, place: Path) -> None:
    """Put a whole model in the place of a damaged one: readers see one of the two, never a mixture.

    A file system that can't exchange two folders in one step has neither for a moment. *directory*
    was written to the disk. OSError: it could not be replaced, and the damaged one is in its place.
    """
    store = place.parents[1]
    aside = store / INCOMING / secrets.token_hex(8)
    aside.mkdir(parents=True)
    try:
        note = _Note(f"{place.parent.name}/{place.name}")
        (aside / _NOTE).write_bytes(msgspec.json.encode(note))
        sync(aside / _NOTE)
        # In this order, a process that is killed never leaves the damaged model where a loader
        # would go on with its files.
        new, old = aside / place.name, aside / "damaged"
        directory.rename(new)
        if not _exchanged(new, place):
            place.rename(old)
            try:
                new.rename(place)
            except OSError:
                old.rename(place)
                raise
    except OSError:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    for folder in (place.parent, aside, aside.parent):
        sync(folder)


def replaced(root: Path) -> Iterator[Replaced]:
    """Yield the models below .incoming, which is *root*, that were replaced."""
    for note in sorted(root.glob(f"*/{_NOTE}")):
        try:
            said = msgspec.json.decode(note.read_bytes(), type=_Note)
            yield Replaced(note.parent, said.model, note.stat().st_mtime)
        except (OSError, msgspec.MsgspecError):
            continue


def is_replaced(folder: Path) -> bool:
    """Whether a folder below .incoming has a model that was replaced."""
    return (folder / _NOTE).exists()


def _exchanged(one: Path, other: Path) -> bool:
    """Exchange two folders in one step; return False if that is not possible here."""
    call = getattr(ctypes.CDLL(None), "renameat2", None)  # glibc 2.28
    if call is None:
        return False
    paths = (_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other))
    return bool(call(*paths, _RENAME_EXCHANGE) == 0)
