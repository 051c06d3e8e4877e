"""Download files from an origin into a directory: in parallel, resumed and checked.

A file gets its name once its digest is right. Until then it is a part.
"""

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_EXCEPTION, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from webhook.loading.arriving import Digest, Part
from webhook.loading.origins.origin import Changed, Interrupted, Origin, RemoteFile, Unavailable
from webhook.loading.patience import Patience, Stopped
from webhook.loading.threads import started
from webhook.store.incoming import part_name
from webhook.store.manifest import ManifestFile
from webhook.store.space import is_full, left

_SETTLE_SECONDS: Final = 0.5
"""For threads to end after a failure; one that waits for a silent server is left behind."""


class Counter:
    """Counts the bytes of each file, including those that an earlier loader left."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._there: dict[str, int] = {}
        self.fetched = 0
        """Bytes that came from the origin this time, including failed attempts."""

    @property
    def done(self) -> int:
        """Bytes of all files so far."""
        with self._lock:
            return sum(self._there.values())

    def have(self, path: str, size: int, fetched: int = 0) -> None:
        """Record that a file now has *size* bytes, *fetched* of them since the last call."""
        with self._lock:
            self._there[path] = size
            self.fetched += fetched


@dataclass(frozen=True, slots=True)
class Transfer:
    """A download from one origin into two directories, for whole files and for parts."""

    origin: Origin
    files: Path
    parts: Path
    deadline: float
    """Of time.monotonic()."""
    say: Callable[[str], None]
    counter: Counter = field(default_factory=Counter)

    def all(
        self, wanted: Iterable[RemoteFile], parallel: int, report: Callable[[int], None]
    ) -> list[ManifestFile]:
        """Download all files, and return them in the order of *wanted*; Unavailable, OSError.

        The first file that fails ends the others, whatever they wait for.
        """
        stop = threading.Event()
        running = started(lambda file: self.one(file, stop), wanted, parallel)
        pending = set(running)
        try:
            while pending:
                done, pending = wait(pending, timeout=0.2, return_when=FIRST_EXCEPTION)
                report(self.counter.done)
                for one in done:
                    one.result()
            return [one.result() for one in running]
        finally:
            stop.set()
            wait([one for one in running if not one.cancel()], timeout=_SETTLE_SECONDS)

    def one(self, file: RemoteFile, stop: threading.Event) -> ManifestFile:
        """Download one file, put it in place, and return it; Stopped once *stop* is set."""
        place = self.files / file.path
        place.parent.mkdir(parents=True, exist_ok=True)
        part = Part(file, self.parts / part_name(file.path))
        patience = Patience(self.deadline, lambda text: self.say(f"{file.path}: {text}"), stop=stop)

        def going_on() -> None:
            if stop.is_set():
                raise Stopped

        try:
            found = patience.call(lambda: self._attempt(part, patience, going_on))
        except Unavailable as error:
            raise Unavailable(f"{file.path}: {error}") from error
        part.path.rename(place)
        return found

    def _attempt(
        self, part: Part, patience: Patience, going_on: Callable[[], None]
    ) -> ManifestFile:
        """Return the file once *part* is complete and right; a wrong part is removed."""
        file = part.file
        try:
            digest = part.digest(going_on)
            self.counter.have(file.path, digest.size)
            if file.size is None or digest.size < file.size:
                digest = self._append(part, digest, patience, going_on)
            if file.size is not None and digest.size < file.size:
                raise Interrupted(f"ended after {digest.size} of {file.size} bytes")
            return digest.checked()
        except Changed:
            part.remove()
            raise
        except OSError as error:
            if is_full(error):
                raise Unavailable(f"{self.parts}: {error.strerror}: {_lack(part)}") from error
            # The error of a failed write has no file name.
            raise OSError(error.errno, error.strerror, error.filename or str(part.path)) from error

    def _append(
        self, part: Part, digest: Digest, patience: Patience, going_on: Callable[[], None]
    ) -> Digest:
        """Download the rest of *part*, and return the digest of the whole file."""
        file = part.file
        with part.path.open("r+b") as out, self.origin.open(file, digest.size) as body:
            if body.start != digest.size:
                digest = part.restart()
                out.truncate(0)
            out.seek(body.start)
            for block in body.blocks:
                going_on()
                digest.update(block)
                out.write(block)
                self.counter.have(file.path, digest.size, len(block))
                patience.progressed(f"{digest.size} of {_size(file)} bytes have arrived")
        return digest


def _lack(part: Part) -> str:
    """Return what a part needs and what its file system has, with the remedy."""
    there = part.path.stat().st_size if part.path.exists() else 0
    more = f"{part.file.size - there} bytes more are needed, " if part.file.size else ""
    return f"{more}{left(part.path)}: make room, or give the claim or the volume more"


def _size(file: RemoteFile) -> str:
    return "unknown" if file.size is None else str(file.size)
