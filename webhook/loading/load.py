"""modelcache load: from a source into a store, whole or not at all."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from webhook import __version__
from webhook.loading.attempts import Patience
from webhook.loading.capacity import fits, writable
from webhook.loading.file_names import checked
from webhook.loading.incoming import Incoming, sweep
from webhook.loading.origin import RemoteFile, Unavailable
from webhook.loading.patterns import Patterns, chosen
from webhook.loading.publication import add_hub_cache, point, publish, write_manifest
from webhook.loading.sources import Named, named
from webhook.loading.transfer import Transfer
from webhook.manifest import Manifest, read_manifest
from webhook.store import MANIFEST
from webhook.verify import faults_of, verify_models

Show = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]
"""Shows progress: of what, of how many bytes; what it yields is told how many have arrived."""
_LOOK_SECONDS: Final = 1.0
_TELL_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be loaded, and how."""

    source: str
    store: Path
    patterns: Patterns
    safetensors_only: bool
    hub_cache: bool
    token: str | None
    endpoint: str | None
    """Of the hub, if it is not the usual one."""
    parallel: int
    deadline: float
    """Seconds for all of it."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model that readers see."""

    place: Path
    size: int
    """Bytes."""
    fetched: int
    """Bytes that came from the source; 0 if it was there."""


def load(wish: Wish, say: Callable[[str], None], show: Show) -> Loaded:
    """Return where the model is published; ValueError, OSError say why it is not."""
    deadline = time.monotonic() + wish.deadline
    model = named(wish.source, wish.token, wish.endpoint)
    with closing(model.origin):
        snapshot = Patience(deadline, say).call(model.origin.snapshot)
        checked(file.path for file in snapshot.files)
        files = chosen(snapshot.files, wish.patterns, safetensors_only=wish.safetensors_only)
        published = f"{model.folder}/{snapshot.commit}"
        place = wish.store / published
        found = _published(place, files)
        if found:
            sweep(wish.store, published)
        else:
            writable(wish.store)
            with Incoming(wish.store, published) as incoming:
                found = _turn(incoming, place, files, say, deadline)
                if found is None:
                    found = _written(incoming, model, place, files, wish, deadline, say, show)
                incoming.remove()
    if model.ref:
        point(place, model.ref)
    return found


def _turn(
    incoming: Incoming,
    place: Path,
    files: list[RemoteFile],
    say: Callable[[str], None],
    deadline: float,
) -> Loaded | None:
    """Return None once it is our turn, or what another has published meanwhile."""
    told = 0.0
    while before := incoming.before():
        if time.monotonic() > deadline:
            incoming.remove()
            raise Unavailable(f"{place}: {before.host} has been loading it until the deadline")
        if time.monotonic() - told > _TELL_SECONDS:
            told = time.monotonic()
            say(f"{place}: {before.host} is loading it; waiting")
        time.sleep(_LOOK_SECONDS)
    return _published(place, files)


def _published(place: Path, files: list[RemoteFile]) -> Loaded | None:
    """Return what is there, None if nothing is; Unavailable if it is not what is wanted."""
    if not place.exists():
        return None
    try:
        manifest = read_manifest(place / MANIFEST)
    except (OSError, msgspec.MsgspecError) as error:
        raise Unavailable(f"{place}: is no published model: {MANIFEST}: {error}") from error
    there = {file.path: file for file in manifest.files}
    if missing := [file.path for file in files if file.path not in there]:
        raise Unavailable(
            f"{place}: was published without {', '.join(missing[:5])}: it is not changed, for pods "
            "may read it; load with the patterns of its manifest, or remove it first"
        )
    if faults := list(faults_of(place)):
        raise Unavailable("\n".join(f"{place}: {fault}" for fault in faults))
    return Loaded(place, sum(file.size for file in manifest.files), 0)


def _written(
    incoming: Incoming,
    model: Named,
    place: Path,
    files: list[RemoteFile],
    wish: Wish,
    deadline: float,
    say: Callable[[str], None],
    show: Show,
) -> Loaded:
    """Return the model once it is loaded, verified and published."""
    if incoming.inherit():
        say(f"{model.uri}: going on where an earlier loader has ended")
    total = sum(file.size or 0 for file in files)
    there = sum(part.stat().st_size for part in incoming.parts.iterdir())
    fits(wish.store, max(0, total - there), model.uri)
    transfer = Transfer(model.origin, incoming.files, incoming.parts, deadline, say)
    with show(model.uri, total) as report:
        entries = transfer.all(files, wish.parallel, report)
    manifest = Manifest(tuple(entries), model.uri, place.name, wish.patterns, __version__)
    write_manifest(incoming.files, manifest)
    verify_models([incoming.files])
    if wish.hub_cache and model.repository:
        add_hub_cache(incoming.files, model.repository, manifest, model.ref or place.name)
    publish(incoming.files, place)  # if another was first, it is the same
    return Loaded(place, sum(file.size for file in entries), transfer.counter.fetched)
