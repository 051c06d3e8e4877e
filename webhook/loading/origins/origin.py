"""The interface of an origin: a snapshot, the bytes of its files, and the errors."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol


class Interrupted(Exception):
    """Another attempt may help: a network error, a busy server, a body that was cut short."""

    def __init__(self, text: str, after: float = 0.0) -> None:
        super().__init__(text)
        self.after = after
        """Seconds to wait at least, as the server says."""


class Changed(Exception):
    """The bytes that arrived are not the announced ones, so they are useless."""


class Unavailable(ValueError):
    """No further attempt will help: the source does not exist, or gives no access."""


class Unauthorized(Unavailable):
    """The source needs credentials."""

    def __init__(self, text: str, challenge: str) -> None:
        super().__init__(text)
        self.challenge = challenge
        """The header WWW-Authenticate of the answer."""


class Missing(Unavailable):
    """The source does not exist, or does not exist any more."""


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """One file, as its origin announces it."""

    path: str
    size: int | None = None
    """Bytes; None if the origin does not announce the size."""
    sha256: str | None = None
    blob: str | None = None
    """The SHA-1 of the git object: the hub gives it for small files."""
    md5: str | None = None
    """Object stores give it for an object that was uploaded in one piece."""
    etag: str | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The content of a source at one moment; *commit* always names the same content."""

    commit: str
    files: tuple[RemoteFile, ...]
    layers: tuple[RemoteFile, ...] = ()
    """Archives whose files belong to the model, the lowest first; not files themselves."""
    nameless: tuple[str, ...] = ()
    """What the source has and no file can be called: keys with // in them, or / at their end."""


@dataclass(frozen=True, slots=True)
class Body:
    """The bytes of a file from *start* on; *start* may be 0 although a later one was requested."""

    start: int
    blocks: Iterator[bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How to access a source; each origin uses the fields that are meant for it."""

    token: str | None = None
    """The content of --token-file."""
    say: Callable[[str], None] = lambda _: None
    """Gets a line about what its user should know."""
    endpoint: str | None = None
    """The address of the hub, if it is not the usual one."""
    xet: bool = False
    """Whether all files of the hub come by Xet, not only the largest."""


class Origin(Protocol):
    """A place to download a model from."""

    def snapshot(self) -> Snapshot:
        """Return the current content; raises Interrupted or Unavailable."""

    def open(self, file: RemoteFile, start: int) -> AbstractContextManager[Body]:
        """Yield a file from byte *start* on; raises Interrupted, Changed or Unavailable."""

    def close(self) -> None:
        """Close connections."""
