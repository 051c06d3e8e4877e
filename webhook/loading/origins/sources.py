"""Which origin a source names, and what the model is called in a store."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from webhook.loading.origins import schemes
from webhook.loading.origins.origin import Origin, Unavailable
from webhook.models.layout import DEFAULT_REVISION
from webhook.models.source import Source, parse_source
from webhook.values.text import quoted


@dataclass(frozen=True, slots=True)
class Named:
    """A model as a source names it."""

    uri: str
    """With its revision: what the manifest tells."""
    folder: str
    """The first level of the store."""
    ref: str | None
    """The name that moves, None for a commit."""
    commit: str | None
    """None for a name that moves: its source tells."""
    repository: str | None
    origin: Origin


def named(text: str, token: str | None, endpoint: str | None, *, xet: bool = False) -> Named:
    """Return the model that *text* names; ValueError says what a source looks like.

    *endpoint*: of the hub, if it is not the usual one; *xet*: for all its files.
    """
    scheme, _, rest = text.partition("://")
    if scheme == schemes.FILE.name:
        return _directory(Path(rest))
    source = parse_source(text)
    if source.repository:
        # Read as it is imported; it would ask the hub for a list, to name the program that runs us.
        os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
        from webhook.loading.origins.hub import Hub  # noqa: PLC0415  # half a second

        # The hub's, so for the hub alone: no other source ever sees it.
        token = token or os.environ.get("HF_TOKEN") or None
        revision = source.revision or DEFAULT_REVISION
        return _of(source, revision, Hub(source.repository, revision, token, endpoint, xet=xet))
    if scheme == schemes.HTTPS.name:
        from webhook.loading.origins.https import Https  # noqa: PLC0415

        return _of(source, DEFAULT_REVISION, Https(source.uri))
    if scheme == schemes.S3.name:
        with _extra(schemes.S3):
            from webhook.loading.origins.s3 import S3  # noqa: PLC0415
        return _of(source, DEFAULT_REVISION, S3(source.uri))
    if scheme == schemes.GS.name:
        with _extra(schemes.GS):
            from webhook.loading.origins.gs import GoogleStorage  # noqa: PLC0415
        return _of(source, DEFAULT_REVISION, GoogleStorage(source.uri))
    if scheme == schemes.OCI.name:
        from webhook.loading.origins.oci import Oci  # noqa: PLC0415

        origin = Oci(source.uri, source.commit, token)
        return _of(source, source.revision or DEFAULT_REVISION, origin)
    names = ", ".join(known.name for known in schemes.SCHEMES)
    raise ValueError(f"{quoted(text)}: this version loads from {names}")


@contextmanager
def _extra(scheme: schemes.Scheme) -> Iterator[None]:
    """Raise Unavailable for what can't be imported: it says which extra has it."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise Unavailable(
            f"{scheme.form}: needs {error.name}, which is not installed here: install "
            f"modelcache-webhook[{scheme.extra}], or build the image with EXTRAS={scheme.extra}"
        ) from error


def _of(source: Source, revision: str, origin: Origin) -> Named:
    return Named(
        uri=f"{source.uri}@{revision}" if source.repository or source.commit else source.uri,
        folder=source.folder,
        ref=None if source.commit else revision,
        commit=source.commit,
        repository=source.repository,
        origin=origin,
    )


def _directory(path: Path) -> Named:
    """Return the model of a directory's manifest, or one whose name is the path."""
    from webhook.loading.origins.directory import Directory  # noqa: PLC0415

    if not path.is_absolute():
        raise ValueError(f"file://{path}: must be file:// and an absolute path")
    origin = Directory(path)
    told = origin.named()
    if told and not told.startswith("file://"):
        try:
            source = parse_source(told)
        except ValueError as error:
            raise Unavailable(f"{path}: the manifest's source: {error}") from error
        return _of(source, source.revision or DEFAULT_REVISION, origin)
    uri = told or f"file://{path.resolve()}"
    made = Source(uri=uri, repository=None, revision=None)
    return _of(made, DEFAULT_REVISION, origin)
