"""Files from an origin into a directory: in parallel, each resumed, checked and put in its place.

A file lies under its own name only once its digest is right; until then it is a part.
"""

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path

from webhook.loading.arriving import Digest
from webhook.loading.origins.origin import Changed, Interrupted, Origin, RemoteFile, Unavailable
from webhook.loading.patience import Patience
from webhook.store.incoming import part_name
from webhook.store.manifest import ManifestFile


class Counter:
    """How many bytes of which file have arrived; those that were there before count too."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._there: dict[str, int] = {}
        self.fetched = 0
        """Bytes that came from the origin this time, those of attempts that failed included."""

    @property
    def done(self) -> int:
        """Bytes that are there."""
        with self._lock:
            return sum(self._there.values())

    def have(self, path: str, size: int, fetched: int = 0) -> None:
        """Say that a file has *size* bytes by now, *fetched* of them since it was last said."""
        with self._lock:
            self._there[path] = size
            self.fetched += fetched


class Stopped(Exception):
    """Another file has failed, or somebody interrupts."""


@dataclass(frozen=True, slots=True)
class Transfer:
    """Where from, where to, and for how long."""

    origin: Origin
    files: Path
    parts: Path
    deadline: float
    """Of time.monotonic()."""
    say: Callable[[str], None]
    counter: Counter = field(default_factory=Counter)
    stop: threading.Event = field(default_factory=threading.Event)

    def all(
        self, wanted: Iterable[RemoteFile], parallel: int, report: Callable[[int], None]
    ) -> list[ManifestFile]:
        """Return the files in the order wanted, once all are in place; Unavailable, OSError."""
        pool = ThreadPoolExecutor(parallel)
        try:
            running = [pool.submit(self.one, file) for file in wanted]
            pending = set(running)
            while pending:
                done, pending = wait(pending, timeout=0.2, return_when=FIRST_EXCEPTION)
                report(self.counter.done)
                for one in done:
                    one.result()
            return [one.result() for one in running]
        finally:
            self.stop.set()
            pool.shutdown(cancel_futures=True)

    def one(self, file: RemoteFile) -> ManifestFile:
        """Return one file, once it is in place."""
        place = self.files / file.path
        place.parent.mkdir(parents=True, exist_ok=True)
        part = self.parts / part_name(file.path)
        patience = Patience(self.deadline, lambda text: self.say(f"{file.path}: {text}"))
        try:
            found = patience.call(lambda: self._attempt(file, part, patience))
        except Unavailable as error:
            raise Unavailable(f"{file.path}: {error}") from error
        part.rename(place)
        return found

    def _attempt(self, file: RemoteFile, part: Path, patience: Patience) -> ManifestFile:
        """Return the file once *part* is whole and right; what is wrong is removed."""
        part.touch()
        try:
            digest = Digest(file)
            digest.feed(part)
            self.counter.have(file.path, digest.size)
            if file.size is None or digest.size < file.size:
                digest = self._append(file, part, digest, patience)
            if file.size is not None and digest.size < file.size:
                raise Interrupted(f"ended after {digest.size} of {file.size} bytes")
            return digest.checked()
        except Changed:
            part.unlink()
            raise
        except OSError as error:
            # A write that fails names no file.
            raise OSError(error.errno, error.strerror, error.filename or str(part)) from error

    def _append(self, file: RemoteFile, part: Path, digest: Digest, patience: Patience) -> Digest:
        """Return the digest of what was there and what has come."""
        with part.open("r+b") as out, self.origin.open(file, digest.size) as body:
            if body.start != digest.size:
                digest = Digest(file)
                out.truncate(0)
            out.seek(body.start)
            for block in body.blocks:
                if self.stop.is_set():
                    raise Stopped
                digest.update(block)
                out.write(block)
                self.counter.have(file.path, digest.size, len(block))
                patience.progressed()
        return digest
