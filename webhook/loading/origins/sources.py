"""Find the origin of a source, and the name of its model in a store."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from webhook.loading.origins.directory import Directory
from webhook.loading.origins.origin import Access, Origin, Unavailable
from webhook.models.layout import DEFAULT_REVISION
from webhook.models.schemes import FILE, REMOTE, Scheme
from webhook.models.source import Source, canonical, parse_source


@dataclass(frozen=True, slots=True)
class Named:
    """A model, and the origin to load it from."""

    source: Source
    origin: Origin

    @property
    def uri(self) -> str:
        """The source with its revision, as in the manifest."""
        source = self.source
        has_revision = source.repository or source.commit
        return f"{source.uri}@{self._revision}" if has_revision else source.uri

    @property
    def ref(self) -> str | None:
        """The name that may move, such as a branch; None for a commit."""
        return None if self.source.commit else self._revision

    @property
    def _revision(self) -> str:
        return self.source.revision or DEFAULT_REVISION


def named(text: str, access: Access) -> Named:
    """Return the model that *text* names; ValueError if it is not a source.

    Unavailable if an extra is missing, or the manifest of a directory can't be read.
    """
    if text.startswith(f"{FILE.name}://"):
        directory = Directory(Source(uri=text, repository=None, revision=None), access)
        return Named(directory.source(), directory)
    source = parse_source(canonical(text))
    scheme = REMOTE[source.scheme]
    return Named(source, origin_class(scheme)(source, access))


def origin_class(scheme: Scheme) -> Callable[[Source, Access], Origin]:
    """Return the class of a scheme; Unavailable if its extra is not installed.

    It is imported only now: the libraries of the hub, of S3 and of Google take half a second each.
    """
    module, _, name = scheme.origin.partition(".")
    try:
        found: Callable[[Source, Access], Origin] = getattr(
            import_module(f"webhook.loading.origins.{module}"), name
        )
    except ModuleNotFoundError as error:
        if not scheme.extra:
            raise
        raise Unavailable(
            f"{scheme.form}: needs {error.name}, which is not installed here: install "
            f"modelcache-webhook[{scheme.extra}], or build the image with EXTRAS={scheme.extra}"
        ) from error
    return found
