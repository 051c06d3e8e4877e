"""Find out what the file system of a store can do, before the first byte: by trying it.

Network file systems and those of FUSE lack some of what Linux has, and say so only when it is used.
What a loader can't do without is an error. Without the rest a model is published all the same.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from webhook.loading.capacity import writable
from webhook.loading.origins.origin import Unavailable
from webhook.models.layout import INCOMING
from webhook.store.alike import conflated
from webhook.store.publication import sync
from webhook.store.space import is_full, lack
from webhook.values.text import quoted

_PROBE: Final = ".probe-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What a model will need of its store."""

    store: Path
    folder: str
    """Of the model in the store."""
    files: Collection[str]
    ref: str | None
    """The name that moves and will point to it, such as main."""
    pinned: str
    """The source with its commit, which needs no such name."""
    hard_links: bool
    """Whether the model must become a Hugging Face cache too."""


def able(needs: Needs, say: Callable[[str], None]) -> None:
    """Raise Unavailable with everything that *needs* has and the store lacks, and with remedies.

    *say* gets what it lacks and a load can do without.
    """
    store, model = needs.store, needs.store / needs.folder
    writable(store)
    for made in (store / INCOMING, model):  # another user may have made them
        if made.exists():
            writable(made)
    faults = [*_in_the_way(model, needs.ref)]
    with TemporaryDirectory(prefix=_PROBE, dir=store) as name:
        folder = Path(name)
        try:
            faults += (f"{store}: {fault}" for fault in _lacking(folder, needs))
            error = _error(lambda: sync(folder, strict=True))
        except OSError as full:  # what is left is counted before the probe is removed
            raise Unavailable(f"{store}: {lack(full, store)}") from full
    if error:
        say(
            f"{store}: can't write folders to the disk ({error.strerror}): after a power cut, "
            "a model that was just published may lack files: check it with modelcache verify"
        )
    faults += _conflated(store, needs.files)
    if faults:
        raise Unavailable("\n".join(faults))


def distinct(store: Path, paths: Collection[str]) -> None:
    """Raise Unavailable if two of *paths* are one name in the store."""
    if faults := list(_conflated(store, paths)):
        raise Unavailable("\n".join(faults))


def _conflated(store: Path, paths: Collection[str]) -> Iterator[str]:
    for one, other in conflated(store, paths):
        yield (
            f"{quoted(one)}, {quoted(other)}: are one name in {store}: leave one out with "
            "--ignore, or load into a file system that tells them apart"
        )


def _in_the_way(model: Path, ref: str | None) -> Iterator[str]:
    name = model / ref if ref else None
    if name and name.exists() and not name.is_symlink():
        kind = "folder" if name.is_dir() else "file"
        yield (
            f"{name}: is a {kind} that no loader made, in the place of the link to the model: move "
            "it away, or load a commit"
        )


def _lacking(folder: Path, needs: Needs) -> Iterator[str]:
    """Yield what can't be done in the empty *folder*, and the remedy."""
    if error := _error(lambda: _rename(folder / "file", Path.touch)):
        yield (
            f"can't rename files ({error.strerror}), and a loader does that with each file: load "
            "into another file system, and copy the whole store"
        )
        return
    if error := _error(lambda: _rename(folder / "folder", Path.mkdir)):
        yield (
            f"can't rename folders ({error.strerror}), and that publishes a model: load into "
            "another file system, and copy the whole store (gcsfuse can rename them in a bucket "
            "with a hierarchical namespace)"
        )
    if needs.ref and (error := _error(lambda: _rename(folder / "link", _link_to_itself))):
        yield (
            f"can't have symbolic links ({error.strerror}), and {needs.ref} would be one, since it "
            f"moves: load {needs.pinned}, and name that commit in annotations"
        )
    if needs.hard_links and (error := _error(lambda: _link(folder))):
        yield (
            f"no Hugging Face cache of {needs.pinned}: no hard link is possible there: "
            f"{error.strerror}: load it without --hub-cache"
        )


def _error(trial: Callable[[], object]) -> OSError | None:
    """Return why *trial* fails; OSError if the file system is full, which says nothing about it."""
    try:
        trial()
    except OSError as error:
        if is_full(error):
            raise
        return error
    return None


def _rename(made: Path, make: Callable[[Path], None]) -> None:
    """Rename what *make* makes; a folder has a file in it, as a model has."""
    make(made)
    if made.is_dir():
        (made / "file").touch()
    made.rename(made.with_name(f"{made.name}-renamed"))


def _link_to_itself(new: Path) -> None:
    new.symlink_to(new.name)


def _link(folder: Path) -> None:
    (folder / "one").touch()
    (folder / "other").hardlink_to(folder / "one")
