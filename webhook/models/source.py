"""Where a model comes from: org/name[@revision] or a URI.

A source is only named here, never asked: admission makes no call.
"""

import re
from dataclasses import dataclass
from typing import Final

from webhook.models import layout
from webhook.models.schemes import HF, REMOTE
from webhook.values.text import quoted

_REPOSITORY: Final = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", re.ASCII)
_REVISION: Final = re.compile(r"[A-Za-z0-9][\w.+-]{0,127}", re.ASCII)
_COMMIT: Final = re.compile(r"[0-9a-f]{40}")
_LOCATION: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]*(?:/[\w.+=@:-]+)*/?", re.ASCII)
_DIGEST: Final = re.compile(r"@(sha256:[0-9a-f]{64})$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A place to download a model from."""

    uri: str
    repository: str | None
    """org/name if the source is a hub."""
    revision: str | None

    @property
    def commit(self) -> str | None:
        """The revision, if it can't move: a full commit or an OCI digest."""
        if self.revision and (_COMMIT.fullmatch(self.revision) or ":" in self.revision):
            return self.revision
        return None

    @property
    def folder(self) -> str:
        """The first level of the store."""
        return (
            layout.hub_folder(self.repository) if self.repository else layout.uri_folder(self.uri)
        )

    @property
    def text(self) -> str:
        """The source with its revision, as `modelcache load` reads it."""
        return f"{self.uri}@{self.revision}" if self.revision else self.uri

    @property
    def identity(self) -> str:
        """What the source is without its revision."""
        return self.repository or self.uri


def parse_revision(text: str) -> str:
    """Read a branch, tag or commit that can be the name of a directory."""
    if not _REVISION.fullmatch(text) or ".." in text:
        raise ValueError(
            f"{quoted(text)} is not a revision such as main, v1.0 or a commit; "
            "for one with a slash give its commit"
        )
    return text


def parse_source(text: str) -> Source:
    """Return the source that *text* names; ValueError says what a source looks like."""
    scheme, separator, rest = text.partition("://")
    if separator and scheme != HF.name:
        return _location(text, scheme, rest)
    name, at, revision = (rest if separator else text).partition("@")
    if not _REPOSITORY.fullmatch(name) or ".." in name or "--" in name:
        raise ValueError(
            f"{quoted(text)} is not a model: must be the name of a CachedModel, "
            f"org/name[@revision], or a URI ({', '.join(REMOTE)})"
        )
    return Source(
        uri=f"{HF.name}://{name}",
        repository=name,
        revision=parse_revision(revision) if at else None,
    )


def _location(text: str, scheme: str, rest: str) -> Source:
    if scheme not in REMOTE:
        raise ValueError(f"{quoted(text)} has a scheme that is not one of {', '.join(REMOTE)}")
    digests = REMOTE[scheme].digests
    digest = _DIGEST.search(rest) if digests else None
    location = rest[: digest.start()] if digest else rest
    if digests and "@" in location:
        raise ValueError(f"{quoted(text, 120)} must end in @sha256: and 64 hexadecimal digits")
    if not _LOCATION.fullmatch(location) or ".." in location or "@" in location.split("/")[0]:
        raise ValueError(
            f"{quoted(scheme + '://…')} must be host and path alone: no user, password, query, "
            "fragment or spaces (credentials belong into a Secret)"
        )
    return Source(
        uri=f"{scheme}://{location.rstrip('/')}",
        repository=None,
        revision=digest[1] if digest else None,
    )
