"""modelcache load: from a source into a store, whole or not at all."""

import random
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Final

from webhook import __version__
from webhook.loading.capacity import fits, writable
from webhook.loading.image import unpacked
from webhook.loading.options import Options
from webhook.loading.origins.authorities import trust_alike
from webhook.loading.origins.file_names import checked
from webhook.loading.origins.origin import Access, RemoteFile, Snapshot, Unavailable
from webhook.loading.origins.sources import Named, named
from webhook.loading.patience import Patience, Waiting
from webhook.loading.patterns import chosen
from webhook.loading.published import Loaded, pinned, published, same
from webhook.loading.transfer import Transfer
from webhook.models.layout import hub_cache_folder, node_label, revision_folder
from webhook.store.incoming import Incoming, sweep
from webhook.store.last_use import stamp
from webhook.store.manifest import Manifest
from webhook.store.publication import (
    add_hub_cache,
    has_hub_cache,
    make_hub_cache,
    point,
    publish,
    write_manifest,
)
from webhook.store.verify import verify_models

Show = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]
"""Shows progress: of what, of how many bytes; what it yields is told how many have arrived."""
_LOOK_SECONDS: Final = 1.0


def load(options: Options, say: Callable[[str], None], show: Show) -> Loaded:
    """Return where the model is published; ValueError, OSError say why it is not."""
    deadline = time.monotonic() + options.deadline
    trust_alike()
    access = Access(token=options.token, endpoint=options.endpoint, xet=options.xet)
    model = named(options.source, access)
    if options.first:
        try:
            nearer = named(options.first, Access())
            if nearer.source.folder == model.source.folder:
                return _from(replace(model, origin=nearer.origin), options, deadline, say, show)
            say(f"{options.first}: has another model, or none; asking {model.uri}")
        except Unavailable as error:
            say(f"{error}; asking {model.uri}")
    return _from(model, options, deadline, say, show)


def _from(
    model: Named, options: Options, deadline: float, say: Callable[[str], None], show: Show
) -> Loaded:
    """Return where the model is published, from its origin if it is not yet."""
    found = None
    with closing(model.origin):
        if model.source.commit:
            there = options.store / model.source.folder / revision_folder(model.source.commit)
            found = pinned(there, options.patterns, safetensors_only=options.safetensors_only)
        if found is None:
            found = _asked(options, model, deadline, say, show)
    name = f"{model.source.folder}/{found.place.name}"
    ref = model.ref or found.place.name
    if (
        options.hub_cache
        and model.source.repository
        and not has_hub_cache(found.place, model.source.repository, ref)
    ):
        with Incoming(options.store, name) as incoming:
            add_hub_cache(found.place, incoming.path, model.source.repository, ref)
            incoming.remove()
    if not found.fetched:
        sweep(options.store, name)
    stamp(found.place)
    if model.ref:
        point(found.place, model.ref)
    if options.node and model.source.repository:
        options.node.holds(node_label(model.source.repository, found.place.name))
    return found


def _asked(
    options: Options, model: Named, deadline: float, say: Callable[[str], None], show: Show
) -> Loaded:
    """Return what the source has now, once the store has it."""
    snapshot = Patience(deadline, say).call(model.origin.snapshot)
    if model.source.commit and snapshot.commit != model.source.commit:
        raise Unavailable(f"{model.uri}: what is there is of {snapshot.commit}")
    checked(file.path for file in snapshot.files)
    files = _known(snapshot, options)
    name = f"{model.source.folder}/{revision_folder(snapshot.commit)}"
    place = options.store / name
    whole = False
    try:
        if found := _there(place, files, snapshot, options):
            whole = True
            return found
    finally:
        if not whole and options.node and model.source.repository:
            options.node.lacks(node_label(model.source.repository, snapshot.commit))
    writable(options.store)
    _stagger(options, say)
    total = sum(file.size or 0 for file in (*files, *snapshot.layers))
    held = options.lease.held() if options.lease else nullcontext()
    with held, Incoming(options.store, name, total) as incoming:
        found = _turn(incoming, place, files, say, deadline)
        if found is None:
            found = _written(incoming, model, place, files, snapshot, options, deadline, say, show)
        incoming.remove()
    return found


def _stagger(options: Options, say: Callable[[str], None]) -> None:
    """Begin at a moment of our own: nodes that start together don't ask the source together."""
    seconds = random.uniform(0, options.stagger)  # noqa: S311  # spread
    if seconds > 1:
        say(f"{options.source}: begins in {seconds:.0f} s (--stagger)")
    time.sleep(seconds)


def _there(
    place: Path, files: list[RemoteFile], snapshot: Snapshot, options: Options
) -> Loaded | None:
    """Return what the store has of a snapshot; of layers, the manifest alone tells the files."""
    if snapshot.layers:
        return same(place, options.patterns, safetensors_only=options.safetensors_only)
    return published(place, files)


def _known(snapshot: Snapshot, options: Options) -> list[RemoteFile]:
    """Return the wanted files; those in layers are not known before they are unpacked."""
    if snapshot.layers:
        return [file for file in snapshot.files if options.patterns.fit(file.path)]
    return chosen(snapshot.files, options.patterns, safetensors_only=options.safetensors_only)


def _turn(
    incoming: Incoming,
    place: Path,
    files: list[RemoteFile],
    say: Callable[[str], None],
    deadline: float,
) -> Loaded | None:
    """Return None once it is our turn, or what another has published meanwhile."""
    waiting = Waiting(deadline, say)
    while before := incoming.before():
        try:
            waiting.goes_on(str(place), before.host, "is loading it", "has been loading it")
        except Unavailable:
            incoming.remove()
            raise
        time.sleep(_LOOK_SECONDS)
    return published(place, files)


def _written(
    incoming: Incoming,
    model: Named,
    place: Path,
    files: list[RemoteFile],
    snapshot: Snapshot,
    options: Options,
    deadline: float,
    say: Callable[[str], None],
    show: Show,
) -> Loaded:
    """Return the model once it is loaded, verified and published."""
    if incoming.inherit():
        say(f"{model.uri}: going on where an earlier loader has ended")
    total = incoming.writer.total
    there = sum(part.stat().st_size for part in incoming.parts.iterdir())
    fits(options.store, max(0, total - there), model.uri)
    transfer = Transfer(model.origin, incoming.files, incoming.parts, deadline, say)
    with show(model.uri, total) as report:
        entries = transfer.all(files, options.parallel, report)
        if snapshot.layers:
            image = unpacked(
                transfer,
                snapshot.layers,
                incoming.layers,
                options.patterns,
                options.parallel,
                report,
            )
            every = (*files, *image.found())
            chosen(every, options.patterns, safetensors_only=options.safetensors_only)
            entries += image.into(incoming.files, [file.path for file in files])
    manifest = Manifest(tuple(entries), model.uri, snapshot.commit, options.patterns, __version__)
    write_manifest(incoming.files, manifest)
    verify_models([incoming.files])
    if options.hub_cache and model.source.repository:
        cache = incoming.files / hub_cache_folder(model.source.repository)
        make_hub_cache(cache, incoming.files, manifest, model.ref or place.name)
    publish(incoming.files, place)  # if another was first, it is the same
    return Loaded(place, sum(file.size for file in entries), transfer.counter.fetched)
