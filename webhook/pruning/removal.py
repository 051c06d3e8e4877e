"""A model out of a store: for readers it is there or not, whenever the process is killed.

Names that move go first. Then a rename takes the model below .incoming, and only there its files
go. What a killed process leaves there is taken for what a loader has left.
"""

import contextlib
import secrets
import shutil
from pathlib import Path

from webhook.models.layout import INCOMING
from webhook.store.contents import Published
from webhook.store.last_use import forget, stamped
from webhook.store.publication import point, sync


class Needed(Exception):
    """Something has come to need the model since it was looked at; it is there as before."""


def remove(model: Published, *, include_current: bool) -> None:
    """Remove a model; Needed if it is asked for meanwhile, OSError if it can't be removed.

    A loader that finds it stamps it and looks once more; here it is renamed, then the stamp is read
    once more. So one of both sees the other, and the model stays or is loaded anew.
    """
    place = model.place
    refs = _refs(place)
    if refs and not include_current:
        raise Needed(f"{', '.join(ref.name for ref in refs)} means it now")
    taken = place.parents[1] / INCOMING / secrets.token_hex(8)
    # A folder of its own: what loaders sweep is judged by its age, and the model's is another.
    taken.mkdir(parents=True)
    try:
        for ref in refs:
            ref.unlink(missing_ok=True)
        place.rename(taken / place.name)
    except OSError:
        _put_back(refs, place)
        taken.rmdir()
        raise
    if stamped(place) != model.stamp:
        with contextlib.suppress(OSError):  # a loader may have published it again
            (taken / place.name).rename(place)
        _put_back(refs, place)
        shutil.rmtree(taken, ignore_errors=True)
        raise Needed("a loader asked for it just now")
    # Before a file of it goes: after a power cut it must not be back in its place with a part.
    for folder in (place.parent, taken, taken.parent):
        sync(folder)
    forget(place)
    shutil.rmtree(taken)


def _refs(place: Path) -> list[Path]:
    entries = sorted(entry for entry in place.parent.iterdir() if not entry.name.startswith("."))
    return [e for e in entries if e.is_symlink() and str(e.readlink()) == place.name]


def _put_back(refs: list[Path], place: Path) -> None:
    for ref in refs:
        if place.exists() and not ref.is_symlink():
            point(place, ref.name)
