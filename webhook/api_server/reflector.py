"""Keep a copy of all objects of one kind: list them, then watch them, and report each change.

The rules are those of client-go's Reflector (tools/cache/reflector.go), except that only what
*kept* returns stays in memory.

- A watch that ends is begun again where it ended. Status 410 means a new list: what is no longer
  in it was deleted.
- Failures wait for 0.5 s, doubled up to 30 s; or as long as Retry-After says.
- An object that can't be read keeps its last good state, and others are not affected.
- A list that is empty, although there were more than 100 objects, is read twice.
"""

import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar

import msgspec

from webhook.api_server.collection import Collection, Expired, Item, Overloaded
from webhook.api_server.errors import Forbidden, Missing, RequestFailed

T = TypeVar("T")
SHORTEST: Final = 0.5
LONGEST: Final = 30.0
DENIED_SECONDS: Final = 30.0
"""Between two attempts while we lack a right, or while there is no such kind."""
_NEVER_THERE, _ABSENT = 2, 4
"""Answers in a row that there is no such kind, after which that is believed; more of them, about
7 s, for a kind that had objects."""
_FEW: Final = 100


class Sink(Protocol):
    """Hears of changes, in the thread of the reflector."""

    def changed(self, kind: str, there: Mapping[str, object], gone: list[str]) -> None:
        """Take the objects that are new or different, by key, and the keys of those that left."""

    def synced(self, kind: str) -> None:
        """Take that all objects of the kind are known; called after each list."""

    def relisted(self, kind: str, reason: str) -> None:
        """Take that the kind is listed again."""


@dataclass(frozen=True, slots=True)
class Kind(Generic[T]):
    """What is kept of the objects of a kind."""

    name: str
    path: str
    kept: Callable[[bytes], T]
    """Returns what is kept of an object; ValueError or msgspec.MsgspecError if it can't be read."""
    metadata_only: bool = False


class Reflector(Generic[T]):
    """All objects of one kind."""

    def __init__(self, collection: Collection, kind: Kind[T], sink: Sink) -> None:
        self.kind = kind
        self.objects: dict[str, T] = {}
        """Key → what is kept of the object."""
        self.faults: dict[str, str] = {}
        """Key → why the object, as it is now, can't be read."""
        self.trouble = ""
        """Why the kind can't be read; empty while it can."""
        self._seen = -float("inf")
        self._version = ""
        self._accepted = False
        self._absences = 0
        self._collection, self._sink = collection, sink
        self._never = threading.Event()

    def start(self) -> None:
        """Reflect for ever, in a thread."""
        threading.Thread(target=self._run, name=f"reflect {self.kind.name}", daemon=True).start()

    @property
    def age(self) -> float:
        """Seconds since the last list, event or bookmark; infinite before the first list."""
        return time.monotonic() - self._seen

    def _run(self) -> None:
        pause = SHORTEST
        while True:
            began, self._accepted = time.monotonic(), False
            wait: float | None = None
            try:
                if not self._version:
                    self._list()
                self._watch()
            except Expired:
                self._list_again("expired")
            except Overloaded as overload:
                self.trouble = str(overload)
                wait = overload.seconds * random.uniform(1, 1.5)  # noqa: S311  # spread
            except (Forbidden, Missing) as refusal:
                wait = self._denied(refusal) * random.uniform(0.75, 1)  # noqa: S311  # spread
            except RequestFailed as error:
                if not self._accepted:  # a watch that breaks off is no trouble
                    self.trouble = str(error)
            except msgspec.MsgspecError as error:
                self.trouble = f"the answer can't be read: {error}"
                self._list_again("unreadable")
            if self._accepted and time.monotonic() - began >= 1:
                pause = SHORTEST
            if wait is None:
                wait = pause * random.uniform(0.5, 1)  # noqa: S311  # spread
                pause = min(LONGEST, pause * 2)
            self._never.wait(wait)

    def _list_again(self, reason: str) -> None:
        self._version = ""
        self._sink.relisted(self.kind.name, reason)

    def _denied(self, refusal: Forbidden | Missing) -> float:
        """Take that the kind can't be read; return the seconds until the next attempt."""
        self._version = ""
        if isinstance(refusal, Forbidden):
            self.trouble = str(refusal)
            return DENIED_SECONDS
        # There is no such kind, such as a CRD that is not installed. While a CRD is installed or
        # changed, the API server answers so for a moment too.
        self._absences += 1
        if self._absences >= (_ABSENT if self.objects else _NEVER_THERE):
            self.trouble = ""
            self._replace({})
        return min(DENIED_SECONDS, 2.0 ** (self._absences - 1))

    def _list(self) -> None:
        """List all objects, and report the differences."""
        found = self._listed()
        if not found and len(self.objects) > _FEW:
            found = self._listed()
        self._absences = 0
        self._replace(found)
        self.trouble = ""

    def _listed(self) -> dict[str, T]:
        found: dict[str, T] = {}
        faults: dict[str, str] = {}
        version = ""
        for page in self._collection.pages():
            version = page.version
            for item in page.items:
                self._keep(item, found, faults)
        self._version = version
        self.faults = faults
        return found

    def _replace(self, found: dict[str, T]) -> None:
        there = {k: v for k, v in found.items() if self.objects.get(k) != v}
        gone = [key for key in self.objects if key not in found]
        self.objects = found
        self._seen = time.monotonic()
        if there or gone:
            self._sink.changed(self.kind.name, there, gone)
        self._sink.synced(self.kind.name)

    def _keep(self, item: Item, found: dict[str, T], faults: dict[str, str]) -> None:
        """Add what is kept of an object to *found*; or its fault to *faults*."""
        try:
            found[item.key] = self.kind.kept(item.raw)
            faults.pop(item.key, None)
        except (ValueError, msgspec.MsgspecError) as error:
            faults[item.key] = str(error)
            if item.key in self.objects:
                found[item.key] = self.objects[item.key]

    def _watch(self) -> None:
        """Report changes until the watch ends."""
        for item in self._collection.watch(self._version):
            self._seen = time.monotonic()
            if item is None:
                self._accepted = True
                self.trouble = ""
                continue
            if item.key:
                self._take(item)
            self._version = item.version or self._version

    def _take(self, item: Item) -> None:
        before, faults = self.objects.get(item.key), dict(self.faults)
        if item.deleted:
            faults.pop(item.key, None)
            if self.objects.pop(item.key, None) is not None:
                self._sink.changed(self.kind.name, {}, [item.key])
        else:
            self._keep(item, self.objects, faults)
            now = self.objects.get(item.key)
            if now is not None and now != before:
                self._sink.changed(self.kind.name, {item.key: now}, [])
        self.faults = faults
