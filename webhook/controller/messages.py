"""The messages of the controller to the server: one JSON document per line."""

import datetime as dt
from typing import Any, Final, Literal, TypeAlias, get_args

import msgspec

Topic: TypeAlias = Literal[
    "api-server", "certificates", "enforcement", "facts", "policy", "registration"
]
"""The topic of a concern."""
TOPICS: Final[tuple[Topic, ...]] = get_args(Topic)


class Certificate(msgspec.Struct, frozen=True, tag="certificate"):
    """A new leaf, which the server must serve."""

    certificate: str
    """PEM."""
    key: str
    """PEM; the key is only in the memory of the two processes."""
    end: dt.datetime
    authority_end: dt.datetime


class State(msgspec.Struct, frozen=True, tag="state"):
    """The state of the controller, sent when it changes."""

    missing: dict[str, str] = {}
    """Reasons why this replica is not ready."""
    concerns: dict[Topic, str] = {}
    """Problems that someone should fix, although reviews are answered."""
    reached: bool = False
    """Whether the API server answered the last request."""
    enforcing: bool = False
    """Whether pods that the webhook missed are refused."""
    authorities: int = 0
    """Number of authorities that the CA bundle should hold; 0 if someone else writes it, or if
    they are not known."""
    upcoming_end: dt.datetime | None = None
    """When the authority that will sign next expires; None if there is none."""


class Patched(msgspec.Struct, frozen=True, tag="patched"):
    """An attempt to write the CA bundle."""

    result: Literal["ok", "conflict", "error"]


class Event(msgspec.Struct, frozen=True, tag="event"):
    """A line for the log."""

    event: str
    level: Literal["info", "warning"] = "info"
    fields: dict[str, str] = {}


class Changed(msgspec.Struct, frozen=True, tag="changed"):
    """Objects of a kind that are new or different, and keys of those that are gone."""

    kind: str
    """The resource: those of objects/facts.py, and the two of admission/policy/documents.py."""
    there: dict[str, Any] = {}
    """Key, namespace/name or name, → what is kept of the object (knowledge.KINDS)."""
    gone: list[str] = []


class Synced(msgspec.Struct, frozen=True, tag="synced"):
    """All objects of a kind were sent; what was not sent since the process began is gone."""

    kind: str


class Relisted(msgspec.Struct, frozen=True, tag="relisted"):
    """A kind is listed again."""

    kind: str
    reason: str


class Seen(msgspec.Struct, frozen=True, tag="seen"):
    """Kind → seconds since the API server last said something about it. Sent every few seconds."""

    ages: dict[str, float]


class Version(msgspec.Struct, frozen=True, tag="version"):
    """The version of the API server."""

    major: int
    minor: int


Message: TypeAlias = (
    Certificate | State | Patched | Event | Changed | Synced | Relisted | Seen | Version
)
