"""Download files from an origin into a directory: in parallel, resumed and checked.

A file gets its name once its digest is right. Until then it is a part.
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


class Stopped(Exception):
    """Another file failed, or the user interrupted."""


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
    stop: threading.Event = field(default_factory=threading.Event)

    def all(
        self, wanted: Iterable[RemoteFile], parallel: int, report: Callable[[int], None]
    ) -> list[ManifestFile]:
        """Download all files, and return them in the order of *wanted*; Unavailable, OSError."""
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
        """Download one file, put it in place, and return it."""
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
        """Return the file once *part* is complete and right; a wrong part is removed."""
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
            # The error of a failed write has no file name.
            raise OSError(error.errno, error.strerror, error.filename or str(part)) from error

    def _append(self, file: RemoteFile, part: Path, digest: Digest, patience: Patience) -> Digest:
        """Download the rest of *part*, and return the digest of the whole file."""
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
