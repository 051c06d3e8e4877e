"""Remove a model from a store: readers see all of it or nothing, even if the process is killed.

First the names that point to it are removed. Then a rename moves the model below .incoming, where
its files are deleted. What a killed process leaves there is removed like the remains of a loader.
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
    """Something has begun to need the model since it was chosen; the model stays as it was."""


def remove(model: Published, *, include_current: bool) -> None:
    """Remove a model; Needed if a loader requests it meanwhile, OSError if it can't be removed.

    A loader that finds a model stamps it, then looks for it again. Here the model is renamed, then
    its stamp is read again. So one of the two notices the other, and the model stays or is loaded
    again.
    """
    place = model.place
    refs = _refs(place)
    if refs and not include_current:
        raise Needed(f"{', '.join(ref.name for ref in refs)} points to it now")
    taken = place.parents[1] / INCOMING / secrets.token_hex(8)
    # A new folder: loaders remove folders by their age, and that of the model says nothing.
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
        raise Needed("a loader requested it just now")
    # Before a file is deleted: after a power cut, a part of the model must not be in its place.
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
