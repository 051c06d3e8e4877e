"""The messages of the controller to the server: one JSON document a line."""

import datetime as dt
from typing import Final, Literal, TypeAlias, get_args

import msgspec

Topic: TypeAlias = Literal["api-server", "certificates", "enforcement", "registration"]
"""The subject of a concern."""
TOPICS: Final[tuple[Topic, ...]] = get_args(Topic)


class Certificate(msgspec.Struct, frozen=True, tag="certificate"):
    """A certificate to serve from now on."""

    certificate: str
    """PEM."""
    key: str
    """PEM; it is kept in the memory of two processes, and nowhere else."""
    end: dt.datetime
    authority_end: dt.datetime


class State(msgspec.Struct, frozen=True, tag="state"):
    """The state of the installation, sent when it changes."""

    missing: dict[str, str] = {}
    """Why this replica is not ready, by subject."""
    concerns: dict[Topic, str] = {}
    """What somebody should fix, although reviews are answered."""
    reached: bool = False
    """Whether the API server answered last."""
    enforcing: bool = False
    """Whether the cluster refuses pods that the webhook missed."""
    authorities: int = 0
    """How many the CA bundle should have; 0 if it is not ours to write, or not known yet."""
    upcoming_end: dt.datetime | None = None
    """When the next authority expires; None if there is no next authority yet."""


class Patched(msgspec.Struct, frozen=True, tag="patched"):
    """An attempt to write the CA bundle."""

    result: Literal["ok", "conflict", "error"]


class Event(msgspec.Struct, frozen=True, tag="event"):
    """A line for the log."""

    event: str
    level: Literal["info", "warning"] = "info"
    fields: dict[str, str] = {}


Message: TypeAlias = Certificate | State | Patched | Event
