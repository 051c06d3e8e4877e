"""All objects of one kind: list them in pages, and watch them.

Objects stay bytes until somebody decodes them, so that one that can't be read does not hide the
others.
"""

import contextlib
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Final, Protocol

import msgspec
import urllib3

from webhook.api_server.answer import Answer
from webhook.api_server.errors import RequestFailed

PAGE: Final = "500"
"""Objects in one answer."""
LIST_SECONDS: Final = 30.0
SILENCE_SECONDS: Final = 75.0
"""A watch without a byte for so long is dead: bookmarks come each minute."""
WATCH_SECONDS: Final = (240, 480)
LONGEST_WAIT: Final = 30.0
_FULL: Final = "application/json"
_METADATA: Final = "application/json;as=PartialObjectMetadata{};g=meta.k8s.io;v=v1"


class Streaming(Protocol):
    """A client whose answers are read as they come."""

    def stream(
        self, path: str, query: Sequence[tuple[str, str]], accept: str, read_seconds: float
    ) -> AbstractContextManager[urllib3.BaseHTTPResponse]:
        """Return the answer to a GET, whatever its status; Unreachable if there is none."""


class Expired(RequestFailed):
    """The version is no longer known (status 410), or the watch has an error: list again."""


class Overloaded(RequestFailed):
    """The API server says how long to wait."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"the API server is overloaded, and says to wait {seconds:.0f} s")
        self.seconds = seconds


class _Meta(msgspec.Struct):
    name: str = ""
    namespace: str = ""
    resource_version: str = msgspec.field(name="resourceVersion", default="")


class _Object(msgspec.Struct):
    metadata: _Meta


class _ListMeta(msgspec.Struct):
    resource_version: str = msgspec.field(name="resourceVersion", default="")
    further: str = msgspec.field(name="continue", default="")


class _List(msgspec.Struct):
    metadata: _ListMeta
    items: list[msgspec.Raw] | None = None
    """A list of PartialObjectMetadata without items has null."""


class _Event(msgspec.Struct):
    type: str
    object: msgspec.Raw


class _Status(msgspec.Struct):
    code: int = 0
    message: str = ""


_list: Final = msgspec.json.Decoder(_List).decode
_event: Final = msgspec.json.Decoder(_Event).decode
_object: Final = msgspec.json.Decoder(_Object).decode
_status: Final = msgspec.json.Decoder(_Status).decode


@dataclass(frozen=True, slots=True)
class Item:
    """An object, as JSON."""

    key: str
    """namespace/name, or the name of an object without a namespace."""
    version: str
    raw: bytes
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list."""

    items: Sequence[Item]
    version: str
    """The version at which a watch continues after the last page; the same in each."""


@dataclass(frozen=True, slots=True)
class Collection:
    """The objects of a kind.

    Every method raises RequestFailed, or msgspec.MsgspecError for an answer that is no JSON of the
    API, such as a proxy's page.
    """

    api: Streaming
    path: str
    metadata_only: bool = False
    """Whether PartialObjectMetadata is enough: spec and status are then never sent."""

    def pages(self) -> Iterator[Page]:
        """Yield the objects as they are now."""
        query = [("limit", PAGE)]
        further = "first"
        while further:
            with self._answer(query, "List", LIST_SECONDS) as response:
                page = _list(response.read())
            yield Page([_item(raw) for raw in page.items or ()], page.metadata.resource_version)
            further = page.metadata.further
            query = [("limit", PAGE), ("continue", further)]

    def watch(self, version: str) -> Iterator[Item | None]:
        """Yield None when the watch has begun, then each change after *version*.

        A bookmark is an item without a key. Ends when the API server ends the watch.
        """
        seconds = str(random.randint(*WATCH_SECONDS))  # noqa: S311  # spread
        query = [
            ("watch", "true"),
            ("allowWatchBookmarks", "true"),
            ("resourceVersion", version),
            ("timeoutSeconds", seconds),
        ]
        with self._answer(query, "", SILENCE_SECONDS) as response:
            yield None
            for line in _lines(response):
                event = _event(line)
                if event.type == "ERROR":
                    raise Expired(_status(event.object).message or "the watch has an error")
                item = _item(event.object, deleted=event.type == "DELETED")
                yield replace(item, key="") if event.type == "BOOKMARK" else item

    @contextlib.contextmanager
    def _answer(
        self, query: Sequence[tuple[str, str]], of: str, seconds: float
    ) -> Iterator[urllib3.BaseHTTPResponse]:
        """Yield an answer with status 200; *of*: List, or nothing for single objects."""
        began = time.time()
        accept = _METADATA.format(of) if self.metadata_only else _FULL
        with self.api.stream(self.path, query, accept, seconds) as response:
            if response.status != 200:
                raise _refusal(response, began)
            yield response


def _item(raw: msgspec.Raw, *, deleted: bool = False) -> Item:
    meta = _object(raw).metadata
    key = f"{meta.namespace}/{meta.name}" if meta.namespace else meta.name
    return Item(key, meta.resource_version, bytes(raw), deleted)


def _refusal(response: urllib3.BaseHTTPResponse, began: float) -> RequestFailed:
    wait = response.headers.get("Retry-After", "")
    refusal = Answer.of(response, began).refusal()
    if response.status == 410:
        return Expired(str(refusal))
    if response.status in (429, 503) and wait.isdigit():
        return Overloaded(min(LONGEST_WAIT, max(1.0, float(wait))))
    return refusal


def _lines(response: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    rest = b""
    for chunk in response.stream(2**16):
        *lines, rest = (rest + chunk).split(b"\n")
        yield from filter(None, lines)
