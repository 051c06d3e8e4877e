"""The steps of modelcache load: a model is published whole, or not at all."""

import random
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from webhook import __version__
from webhook.loading.abilities import Needs, able, distinct
from webhook.loading.capacity import fits
from webhook.loading.hub_cache import HubCache
from webhook.loading.layers import Layers
from webhook.loading.options import Options
from webhook.loading.origins.addresses import check_proxies, server
from webhook.loading.origins.authorities import trust_alike
from webhook.loading.origins.file_names import checked
from webhook.loading.origins.origin import Access, RemoteFile, Snapshot, Unavailable
from webhook.loading.origins.sources import Named, named
from webhook.loading.patience import Patience, Waiting
from webhook.loading.patterns import chosen, left_out, patterns_of
from webhook.loading.published import Damaged, Loaded, pinned, published, same
from webhook.loading.shards import complete, is_index
from webhook.loading.transfer import Transfer
from webhook.models.layout import node_label, revision_folder
from webhook.models.source import Source
from webhook.store.incoming import Incoming, sweep
from webhook.store.last_use import stamp
from webhook.store.manifest import Manifest, ManifestFile
from webhook.store.publication import point, publish, write_manifest
from webhook.store.replaced import replace as replace_damaged
from webhook.store.space import named_when_full
from webhook.store.verify import faults_of
from webhook.values.text import quoted

Show = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]
"""Shows progress of a text and a total in bytes; yields a function for the bytes so far."""
_LOOK_SECONDS: Final = 1.0


def load(options: Options, say: Callable[[str], None], show: Show) -> Loaded:
    """Return where the model is published; ValueError, OSError say why it is not."""
    trust_alike()
    check_proxies()
    # The hub's library can't be imported with a wrong one.
    hub = server("HF_ENDPOINT", options.endpoint or "") or None
    access = Access(token=options.token, endpoint=hub, xet=options.xet, say=say)
    model = named(options.source, access)
    options = replace(options, patterns=patterns_of(model.source, options.patterns))
    return Load(options, time.monotonic() + options.deadline, say, show).run(model)


def _point(place: Path, ref: str) -> None:
    """Point the name *ref* to the model; Unavailable says what works without that name."""
    try:
        point(place, ref)
    except OSError as error:
        raise Unavailable(
            f"{place.with_name(ref)}: can't lead to the model, which is published at {place}: "
            f"{error.strerror}: load its commit, and name that in annotations"
        ) from error


@dataclass(frozen=True, slots=True)
class _Announced:
    """What a source has now, and its place in the store."""

    model: Named
    snapshot: Snapshot
    files: list[RemoteFile]
    """The wanted ones. Those in layers are not known before they are unpacked."""
    name: str
    """Folder and commit: the model's place below the store."""
    place: Path


@dataclass(frozen=True, slots=True)
class Load:
    """One run of modelcache load."""

    options: Options
    deadline: float
    """Of time.monotonic()."""
    say: Callable[[str], None]
    show: Show

    def run(self, model: Named) -> Loaded:
        """Return where *model* is published; the nearer source is tried first."""
        with named_when_full(self.options.store):
            return self._nearest(model)

    def _nearest(self, model: Named) -> Loaded:
        if first := self.options.first:
            try:
                nearer = named(first, Access(say=self.say))
                if nearer.source.folder == model.source.folder:
                    return self._from(replace(model, origin=nearer.origin))
                self.say(f"{first}: has another model, or none; trying {model.uri}")
            except Unavailable as error:
                self.say(f"{error}; trying {model.uri}")
        return self._from(model)

    def _from(self, model: Named) -> Loaded:
        """Return where the model is published; its origin is asked only if that is needed."""
        with closing(model.origin):
            found = self._pinned(model.source) or self._current(model)
        name = f"{model.source.folder}/{found.place.name}"
        if not found.ours:
            HubCache(self.options, self.say, model).add(found.place, name)
        if not found.fetched:
            sweep(self.options.store, name)
        stamp(found.place)
        if model.ref and model.ref != found.place.name:
            _point(found.place, model.ref)
        if self.options.node and model.source.repository:
            self.options.node.holds(node_label(model.source.identity, found.place.name))
        return found

    def _pinned(self, source: Source) -> Loaded | None:
        """Return the model of a commit that the store has; None if the source must be asked."""
        if not source.commit:
            return None
        place = self.options.store / source.folder / revision_folder(source.commit)
        refused, full = self.options.safetensors_only, self.options.full
        return pinned(place, self.options.patterns, safetensors_only=refused, full=full)

    def _current(self, model: Named) -> Loaded:
        """Return what the source has now, once the store has it."""
        store, node, lease = self.options.store, self.options.node, self.options.lease
        announced = self._announced(model)
        whole = False
        try:
            found = self._there(announced)
            if isinstance(found, Loaded):
                whole = True
                return found
        finally:
            if not whole and node and model.source.repository:
                node.lacks(node_label(model.source.identity, announced.snapshot.commit))
        if found:
            self._report(found)
        able(self._needs(announced), self.say)
        self._stagger()
        total = sum(file.size or 0 for file in (*announced.files, *announced.snapshot.layers))
        held = lease.held() if lease else nullcontext()
        with held, Incoming(store, announced.name, total) as incoming:
            loaded = self._turn(incoming, announced) or self._written(incoming, announced)
            incoming.remove()
        return loaded

    def _announced(self, model: Named) -> _Announced:
        """Return what the source has now; Unavailable if it is another commit, or has no model."""
        patience = Patience(self.deadline, self.say, asked=model.uri)
        snapshot = patience.call(model.origin.snapshot)
        if model.source.commit and snapshot.commit != model.source.commit:
            raise Unavailable(
                f"{model.uri}: the source now has commit {snapshot.commit}, "
                "not the one that was asked for"
            )
        if nameless := snapshot.nameless:
            more = f" and {len(nameless) - 1} more" if len(nameless) > 1 else ""
            self.say(
                f"{model.uri}: {quoted(nameless[0])}{more}: left out, as no file can have that name"
            )
        checked(file.path for file in snapshot.files)
        if snapshot.layers:
            files = [file for file in snapshot.files if self.options.patterns.fit(file.path)]
        else:
            files = self._chosen(snapshot.files)
            if self.options.patterns.by_default and (rest := left_out(snapshot.files, files)):
                self.say(f"{model.uri}: without {rest}: the same weights again (--allow takes all)")
        name = f"{model.source.folder}/{revision_folder(snapshot.commit)}"
        return _Announced(model, snapshot, files, name, self.options.store / name)

    def _chosen(self, files: Sequence[RemoteFile]) -> list[RemoteFile]:
        refused = self.options.safetensors_only
        return chosen(files, self.options.patterns, safetensors_only=refused)

    def _there(self, announced: _Announced) -> Loaded | Damaged | None:
        """Return what the store has already; of layers, only the manifest names the files."""
        full, place = self.options.full, announced.place
        if announced.snapshot.layers:
            refused = self.options.safetensors_only
            return same(place, self.options.patterns, safetensors_only=refused, full=full)
        return published(place, announced.files, self.options.patterns, full=full)

    def _needs(self, announced: _Announced) -> Needs:
        source = announced.model.source
        return Needs(
            store=self.options.store,
            folder=source.folder,
            files=[file.path for file in announced.files],
            ref=announced.model.ref,
            pinned=f"{source.uri}@{announced.snapshot.commit}" if source.repository else source.uri,
            hard_links=bool(self.options.hub_cache and source.repository),
        )

    def _report(self, found: Damaged) -> None:
        for fault in found.faults:
            self.say(f"{found.place}: {fault}")
        self.say(
            f"{found.place}: is damaged, and published anew: pods read what is there until then"
        )

    def _stagger(self) -> None:
        """Wait for a random time, so that nodes that start together don't download together."""
        seconds = random.uniform(0, self.options.stagger)  # noqa: S311  # spread
        if seconds > 1:
            self.say(f"{self.options.source}: starts in {seconds:.0f} s (--stagger)")
        time.sleep(seconds)

    def _turn(self, incoming: Incoming, announced: _Announced) -> Loaded | None:
        """Return None once it is our turn, or what another loader has published meanwhile."""
        waiting = Waiting(self.deadline, self.say)
        place = announced.place
        while before := incoming.before():
            try:
                waiting.report(str(place), before.host, "is loading it", "was loading it")
            except Unavailable:
                incoming.remove()
                raise
            time.sleep(_LOOK_SECONDS)
        found = self._there(announced)
        return found if isinstance(found, Loaded) else None

    def _written(self, incoming: Incoming, announced: _Announced) -> Loaded:
        """Return the model once it is loaded, verified and published."""
        model, place = announced.model, announced.place
        if incoming.inherit():
            self.say(f"{model.uri}: continuing where an earlier loader stopped")
        incoming.borrow(place, {file.path: file.size for file in announced.files})
        total = incoming.writer.total
        there = sum(part.stat().st_size for part in incoming.parts.iterdir())
        fits(self.options.store, max(0, total - there), model.uri)
        transfer = Transfer(model.origin, incoming.files, incoming.parts, self.deadline, self.say)
        with self.show(model.uri, total) as report:
            entries = self._fetched(transfer, incoming, announced, report)
        manifest = Manifest(
            tuple(entries),
            model.uri,
            announced.snapshot.commit,
            self.options.patterns,
            __version__,
        )
        write_manifest(incoming.files, manifest)
        if faults := list(faults_of(incoming.files)):
            raise Unavailable("\n".join(f"{model.uri}: {fault}" for fault in faults))
        HubCache(self.options, self.say, model).make(incoming, manifest, place)
        # If another loader was first, its model is the same.
        if not publish(incoming.files, place) and isinstance(self._there(announced), Damaged):
            replace_damaged(incoming.files, place)
        size = sum(file.size for file in entries)
        return Loaded(place, size, transfer.counter.fetched, ours=True)

    def _fetched(
        self,
        transfer: Transfer,
        incoming: Incoming,
        announced: _Announced,
        report: Callable[[int], None],
    ) -> list[ManifestFile]:
        """Return all wanted files, those in layers too, once they are in place."""
        files, layers = announced.files, announced.snapshot.layers
        parallel = self.options.parallel
        # What a layer has is not known yet: then shards are looked for when all is unpacked.
        first = [] if layers else [file for file in files if is_index(file)]
        found = transfer.all(first, parallel, report)
        complete(incoming.files, first, files, {file.path for file in announced.snapshot.files})
        found += transfer.all([file for file in files if file not in first], parallel, report)
        order = {file.path: number for number, file in enumerate(files)}
        entries = sorted(found, key=lambda entry: order[entry.path])
        if layers:
            apart = replace(transfer, files=incoming.layers)
            apart.all(layers, parallel, report)
            image = self._unpacked(incoming.layers, layers)
            names = [file.path for file in self._chosen((*files, *image.found()))]
            distinct(self.options.store, names)
            entries += image.into(incoming.files, [file.path for file in files], set(names))
        return entries

    def _unpacked(self, folder: Path, layers: Sequence[RemoteFile]) -> Layers:
        """Return the image that the layers in *folder* make, unpacked next to it."""
        scratch = folder.with_name("unpacked")
        scratch.mkdir()

        def room(size: int) -> None:
            fits(folder, size, "a file of it")

        image = Layers(scratch, self.options.patterns, room, self.deadline)
        for layer in layers:
            image.add(folder / layer.path)
            (folder / layer.path).unlink()  # makes room for the next
        return image
