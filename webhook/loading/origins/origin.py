"""What an origin tells of a model, and the two ways in which it fails."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol


class Interrupted(Exception):
    """It may work when it is tried again: the network, a server that is busy, a body cut short."""

    def __init__(self, text: str, after: float = 0.0) -> None:
        super().__init__(text)
        self.after = after
        """Seconds that the server asks to wait."""


class Changed(Exception):
    """What arrived is not what was announced; what there is of it is worth nothing."""


class Unavailable(ValueError):
    """It will not work however often it is tried: it is not there, or not for us."""


class Unauthorized(Unavailable):
    """It is not for those that nobody knows."""

    def __init__(self, text: str, challenge: str) -> None:
        super().__init__(text)
        self.challenge = challenge
        """WWW-Authenticate."""


class Missing(Unavailable):
    """It is not there, or not any more."""


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """One file as its origin announces it."""

    path: str
    size: int | None = None
    """Bytes, if the origin says so before it sends them."""
    sha256: str | None = None
    blob: str | None = None
    """The SHA-1 that git gives the content: what the hub tells of small files."""
    md5: str | None = None
    """What object stores tell of an object that was uploaded in one piece."""
    etag: str | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a source is at one moment; *commit* names it for good."""

    commit: str
    files: tuple[RemoteFile, ...]
    layers: tuple[RemoteFile, ...] = ()
    """Archives whose files are the model too, the lowest first; no names in a model themselves."""


@dataclass(frozen=True, slots=True)
class Body:
    """The bytes of a file from *start* on, which may be 0 although more was asked to be skipped."""

    start: int
    blocks: Iterator[bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How a source is asked; an origin takes of it what is meant for it."""

    token: str | None = None
    """As given with --token-file."""
    endpoint: str | None = None
    """The hub's address, if it is not the usual one."""
    xet: bool = False
    """Whether all files of the hub come by Xet, not only the largest."""


class Origin(Protocol):
    """A place from which a model can be had."""

    def snapshot(self) -> Snapshot:
        """Return what is there now; Interrupted, Unavailable if that can't be told."""

    def open(self, file: RemoteFile, start: int) -> AbstractContextManager[Body]:
        """Yield a file of the snapshot from byte *start* on; Interrupted, Changed, Unavailable."""

    def close(self) -> None:
        """End connections."""
