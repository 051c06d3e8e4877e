"""Write into the status of CachedModels and CachePolicies whether the webhook can use them.

The condition Accepted is False if something is wrong that the schema can't say; the last good state
of the object goes on to hold. Each replica judges each generation of an object once, and writes
only what is not there yet. So replicas of two versions do not overwrite each other by turns.
"""

import datetime as dt
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

import msgspec

from webhook.api_server.controller_client import ControllerApi, unchanged
from webhook.api_server.errors import Conflict, Forbidden, Refused, Unreachable
from webhook.objects.json import Json
from webhook.objects.json_patch import add

WRITE_SECONDS: Final = 0.05
"""Between two writes, so that thousands of models do not crowd the API server."""
AGAIN_SECONDS: Final = 1.0
"""After an object was changed meanwhile, or the first failure. Each further failure doubles it."""
LONGEST: Final = 30.0
_TYPE: Final = "Accepted"
_MESSAGE: Final = 1024
"""Characters of a message in the schema."""


class Read(Protocol):
    """What was read of an object."""

    @property
    def dropped(self) -> list[str]:
        """The fields of a newer schema, which are not read."""


R = TypeVar("R", bound=Read)


class _Metadata(msgspec.Struct):
    name: str
    uid: str = ""
    generation: int = 0
    resourceVersion: str = ""  # noqa: N815  # the API's name


class _Status(msgspec.Struct):
    conditions: list[Json] = []


class _Object(msgspec.Struct):
    metadata: _Metadata
    status: _Status | None = None


_object: Final = msgspec.json.Decoder(_Object).decode


@dataclass(frozen=True, slots=True)
class _Verdict:
    """An object as it was seen last, and what is to be said of it."""

    object: _Object
    accepted: bool
    reason: str
    message: str

    @property
    def generation(self) -> tuple[str, int]:
        """What is judged once."""
        return self.object.metadata.uid, self.object.metadata.generation

    def operations(self) -> list[Json]:
        """Return the JSON patch (RFC 6902) that writes the condition; empty if it is there."""
        meta, status = self.object.metadata, self.object.status
        conditions = status.conditions if status else []
        before = next((one for one in conditions if one.get("type") == _TYPE), {})
        wanted: Json = {
            "type": _TYPE,
            "status": str(self.accepted),
            "reason": self.reason,
            "message": self.message[:_MESSAGE],
            "observedGeneration": meta.generation,
        }
        if wanted.items() <= before.items():
            return []
        since = before.get("lastTransitionTime") if before.get("status") == wanted["status"] else ""
        wanted["lastTransitionTime"] = since or f"{dt.datetime.now(dt.UTC):%Y-%m-%dT%H:%M:%SZ}"
        now = [one for one in conditions if one.get("type") != _TYPE] + [wanted]
        if status is None:
            write = add("/status", {"conditions": now})
        else:
            write = add("/status/conditions", now)
        return [unchanged(meta.resourceVersion), write]


class Acceptance:
    """The verdicts on objects, and the thread that writes them."""

    def __init__(self, api: ControllerApi) -> None:
        self.trouble = ""
        """Why statuses can't be written; empty while they can."""
        self._api = api
        self._verdicts: dict[str, _Verdict] = {}
        """Path of an object → the verdict that is to be written."""
        self._judged: dict[str, tuple[str, int]] = {}
        """Path of an object → the generation that needs no further look."""
        self._due = threading.Condition()

    def start(self) -> None:
        """Write for ever, in a thread."""
        threading.Thread(target=self._run, name="write statuses", daemon=True).start()

    def reading(self, folder: str, read: Callable[[bytes], R]) -> Callable[[bytes], R]:
        """Return *read*, which reads objects of *folder*, with a verdict on each of them."""

        def judged(raw: bytes) -> R:
            try:
                found = read(raw)
            except (ValueError, msgspec.MsgspecError) as error:
                self._judge(folder, raw, False, "Invalid", str(error))
                raise
            if found.dropped:
                self._judge(folder, raw, True, "NewerFields", not_read(found.dropped))
            else:
                self._judge(folder, raw, True, "Accepted", "The webhook uses it.")
            return found

        return judged

    def forget(self, folder: str, name: str) -> None:
        """Take that an object is gone."""
        with self._due:
            self._verdicts.pop(f"{folder}/{name}", None)
            self._judged.pop(f"{folder}/{name}", None)

    def _judge(self, folder: str, raw: bytes, accepted: bool, reason: str, message: str) -> None:
        try:
            verdict = _Verdict(_object(raw), accepted, reason, message)
        except msgspec.MsgspecError:
            return  # its status is not of the schema, so it can't be written either
        path = f"{folder}/{verdict.object.metadata.name}"
        with self._due:
            if self._judged.get(path) == verdict.generation:
                return
            self._verdicts[path] = verdict
            self._due.notify()

    def _run(self) -> None:
        pause, never = AGAIN_SECONDS, threading.Event()
        while True:
            with self._due:
                self._due.wait_for(lambda: self._verdicts)
                path, verdict = next(iter(self._verdicts.items()))
            try:
                written = self._write(path, verdict)
            except (Forbidden, Unreachable) as error:
                self.trouble = f"status of {path.rpartition('/')[0].rpartition('/')[2]}: {error}"
                never.wait(pause)
                pause = min(LONGEST, pause * 2)
                continue
            except Conflict:
                never.wait(AGAIN_SECONDS)  # the watch brings the object as it is now
                self._postpone(path, verdict)
                continue
            self.trouble, pause = "", AGAIN_SECONDS
            self._done(path, verdict)
            if written:
                never.wait(WRITE_SECONDS)

    def _write(self, path: str, verdict: _Verdict) -> bool:
        """Write a verdict; return whether anything was to be written."""
        if not (operations := verdict.operations()):
            return False
        try:
            self._api.request("PATCH", f"{path}/status", operations).good()
        except (Conflict, Forbidden):
            raise
        except Refused:
            pass  # it is gone, or its definition has no such status, so nothing would help
        return True

    def _postpone(self, path: str, verdict: _Verdict) -> None:
        with self._due:
            if self._verdicts.get(path) is verdict:  # others first
                self._verdicts[path] = self._verdicts.pop(path)

    def _done(self, path: str, verdict: _Verdict) -> None:
        with self._due:
            if (now := self._verdicts.get(path)) and now.generation == verdict.generation:
                del self._verdicts[path]
                self._judged[path] = verdict.generation


def not_read(dropped: Sequence[str]) -> str:
    """Return what is said of the fields of a newer schema."""
    return f"{', '.join(dropped)} is newer than this webhook, and not read"


def without_acceptance(status: Any) -> Any:  # noqa: ANN401  # any JSON value
    """Return a status without our condition, which decides nothing."""
    if not (isinstance(status, dict) and isinstance(status.get("conditions"), list)):
        return status
    kept = [
        one
        for one in status["conditions"]
        if not (isinstance(one, dict) and one.get("type") == _TYPE)
    ]
    others = {key: value for key, value in status.items() if key != "conditions"}
    return {**others, "conditions": kept} if kept else others
