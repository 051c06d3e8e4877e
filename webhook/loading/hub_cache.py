"""Make a model of the hub a Hugging Face cache too, where the store allows it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from webhook.loading.options import Options
from webhook.loading.origins.origin import Unavailable
from webhook.loading.origins.sources import Named
from webhook.models.layout import hub_cache_folder
from webhook.store.hub_cache import add_hub_cache, lacking, make_hub_cache, refs_of
from webhook.store.incoming import Incoming
from webhook.store.manifest import Manifest


@dataclass(frozen=True, slots=True)
class HubCache:
    """The cache of one model."""

    options: Options
    say: Callable[[str], None]
    model: Named

    @property
    def repository(self) -> str | None:
        """org/name; None if no cache is made."""
        return None if self.options.hub_cache is False else self.model.source.repository

    def add(self, place: Path, name: str) -> None:
        """Make a published model a cache too, if it is not one yet; *name*: FOLDER/COMMIT."""
        refs = refs_of(place.name, self.model.ref)
        if self.repository and lacking(place, self.repository, refs):
            with self._may_fail(), Incoming(self.options.store, name) as incoming:
                try:
                    add_hub_cache(place, incoming.path, self.repository, refs)
                finally:
                    incoming.remove()

    def make(self, incoming: Incoming, manifest: Manifest, place: Path) -> None:
        """Make the model that will be published at *place* a cache too."""
        if self.repository:
            with self._may_fail():
                cache, refs = incoming.path / "cache", refs_of(place.name, self.model.ref)
                make_hub_cache(cache, incoming.files, manifest, refs)
                cache.rename(incoming.files / hub_cache_folder(self.repository))

    @contextmanager
    def _may_fail(self) -> Iterator[None]:
        """Say why the cache can't be made: the files are useful without it.

        Unavailable if it was explicitly requested.
        """
        try:
            yield
        except OSError as error:
            store, uri = self.options.store, self.model.uri
            why = f"{store}: no Hugging Face cache of {uri}: {error.strerror}"
            if self.options.hub_cache:
                raise Unavailable(f"{why}: load it without --hub-cache") from error
            self.say(f"{why}: servers must be given the path of its files")
