"""What the controller tells the server: one JSON document a line."""

import datetime as dt
from typing import Final, Literal, TypeAlias, get_args

import msgspec

Topic: TypeAlias = Literal["api-server", "certificates", "enforcement", "registration"]
"""What a concern is about."""
TOPICS: Final[tuple[Topic, ...]] = get_args(Topic)


class Certificate(msgspec.Struct, frozen=True, tag="certificate"):
    """A leaf to serve from now on."""

    certificate: str
    """PEM."""
    key: str
    """PEM; it lies in the memory of two processes, nowhere else."""
    end: dt.datetime
    authority_end: dt.datetime


class State(msgspec.Struct, frozen=True, tag="state"):
    """How things stand, told when it changes."""

    missing: dict[str, str] = {}
    """What keeps this replica from being ready, and why."""
    concerns: dict[Topic, str] = {}
    """What somebody should mend, though reviews are answered."""
    reached: bool = False
    """Whether the API server answered last."""
    enforcing: bool = False
    """Whether what we missed is refused."""
    authorities: int = 0
    """How many the CA bundle should hold; 0 where it is not ours, or not known."""
    upcoming_end: dt.datetime | None = None
    """When the authority expires that will sign next; None if there is none yet."""


class Patched(msgspec.Struct, frozen=True, tag="patched"):
    """An attempt to write the CA bundle."""

    result: Literal["ok", "conflict", "error"]


class Event(msgspec.Struct, frozen=True, tag="event"):
    """A line for the log."""

    event: str
    level: Literal["info", "warning"] = "info"
    fields: dict[str, str] = {}


Message: TypeAlias = Certificate | State | Patched | Event
