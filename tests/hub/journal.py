"""Record requests in the order in which they arrive."""

import contextlib
import threading
import time
from collections.abc import Iterator
from typing import Final

import msgspec

from tests.hub.routes import Asked

PATIENCE: Final = 5.0
"""Seconds to wait for answers that are being sent, before requests are listed."""


class Request(msgspec.Struct, kw_only=True):
    """A request, and the answer so far."""

    method: str
    path: str
    """Without the query."""
    query: str
    where: str
    """"api", "resolve" or "cdn"."""
    repo: str
    file: str
    """The name of a file in its repository, also at the CDN, whose paths are digests."""
    range: str | None
    """The header, as it was sent."""
    token: bool
    """Whether there was an Authorization header."""
    at: float
    """The server's monotonic clock, in seconds, when the head had arrived."""
    code: int = 0
    """The status; 0: no answer yet."""
    sent: int = 0
    """Bytes of the body."""


class Entry:
    """A request that is being answered."""

    def __init__(self, journal: "Journal", request: Request) -> None:
        self.request = request
        self._journal = journal

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        """Count it as settled for a `with` block: a fault delays it."""
        self._journal.settle(self, settled=True)
        try:
            yield
        finally:
            self._journal.settle(self, settled=False)


class Journal:
    """All requests of a server."""

    def __init__(self) -> None:
        self._requests: list[Request] = []
        self._under_way: set[Entry] = set()
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def entry(
        self, asked: Asked, method: str, target: str, **headers: str | None
    ) -> Iterator[Entry]:
        """Record a request from now until its answer has ended."""
        path, _, query = target.partition("?")
        entry = Entry(
            self,
            Request(
                method=method,
                path=path,
                query=query,
                where=asked.place,
                repo=asked.repo,
                file=asked.file,
                range=headers["range"],
                token=headers["authorization"] is not None,
                at=time.monotonic(),
            ),
        )
        with self._changed:
            self._requests.append(entry.request)
        self.settle(entry, settled=False)
        try:
            yield entry
        finally:
            self.settle(entry, settled=True)

    def settle(self, entry: Entry, *, settled: bool) -> None:
        """Record whether a request is settled: it will not change soon."""
        with self._changed:
            (self._under_way.discard if settled else self._under_way.add)(entry)
            self._changed.notify_all()

    def listed(self) -> bytes:
        """Return all requests as JSON, once they are settled; a client may see an end before us."""
        with self._changed:
            self._changed.wait_for(lambda: not self._under_way, PATIENCE)
            return msgspec.json.encode(self._requests)
