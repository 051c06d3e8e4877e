"""Parse the name of a source: org/name[@revision] or a URI.

Nothing here contacts a source, since admission makes no calls.
"""

import re
from dataclasses import dataclass
from typing import Final

from webhook.models import layout
from webhook.models.schemes import HF, REMOTE
from webhook.values.text import quoted

REPOSITORY: Final = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", re.ASCII)
"""The form of org/name."""
REVISION: Final = re.compile(r"[A-Za-z0-9][\w.+-]{0,127}", re.ASCII)
"""The form of a branch, tag or commit."""
_COMMIT: Final = re.compile(r"[0-9a-f]{40}")
LOCATION: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]*(?:/[\w.+=@:-]+)*/?", re.ASCII)
"""The form of what is behind ://."""
DIGEST: Final = re.compile(r"@(sha256:[0-9a-f]{64})$")
"""How a source ends that names a digest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A place to download a model from."""

    uri: str
    repository: str | None
    """org/name in the hub; None for other sources."""
    revision: str | None

    @property
    def commit(self) -> str | None:
        """The revision, if it can't move: a full commit or an OCI digest; otherwise None."""
        if self.revision and (_COMMIT.fullmatch(self.revision) or ":" in self.revision):
            return self.revision
        return None

    @property
    def scheme(self) -> str:
        """The text before :// in its URI."""
        return self.uri.partition("://")[0]

    @property
    def folder(self) -> str:
        """The folder of the model in the store."""
        return (
            layout.hub_folder(self.repository) if self.repository else layout.uri_folder(self.uri)
        )

    @property
    def text(self) -> str:
        """The source with its revision, as an argument of `modelcache load`."""
        return f"{self.uri}@{self.revision}" if self.revision else self.uri

    @property
    def identity(self) -> str:
        """The source without its revision."""
        return self.repository or self.uri


def parse_revision(text: str) -> str:
    """Return a branch, tag or commit that can name a directory; ValueError if it can't."""
    if not REVISION.fullmatch(text) or ".." in text:
        raise ValueError(
            f"{quoted(text)} is not a revision such as main, v1.0 or a commit; "
            "if it has a slash, give its commit"
        )
    return text


def parse_source(text: str) -> Source:
    """Return the source that *text* names; ValueError if it is not a source."""
    scheme, separator, rest = text.partition("://")
    if separator and scheme != HF.name:
        return _location(text, scheme, rest)
    name, at, revision = (rest if separator else text).partition("@")
    if not REPOSITORY.fullmatch(name) or ".." in name or "--" in name:
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
    digest = DIGEST.search(rest) if digests else None
    location = rest[: digest.start()] if digest else rest
    if digests and "@" in location:
        raise ValueError(f"{quoted(text, 120)} must end in @sha256: and 64 hexadecimal digits")
    if not LOCATION.fullmatch(location) or ".." in location or "@" in location.split("/")[0]:
        raise ValueError(
            f"{quoted(scheme + '://…')} must be only host and path: no user, password, query, "
            "fragment or spaces (credentials belong in a Secret)"
        )
    if (form := REMOTE[scheme].location) and not form.fullmatch(location):
        raise ValueError(f"{quoted(text, 120)} must be {REMOTE[scheme].form}")
    return Source(
        uri=f"{scheme}://{location.rstrip('/')}",
        repository=None,
        revision=digest[1] if digest else None,
    )
