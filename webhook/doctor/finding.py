"""What a check reports: how bad it is, what was seen, and how to fix it."""

import shlex
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is; with an error, pods do not start, or start without their model."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was seen; if it is not ok, with a fix: a command or a sentence."""

    level: Level
    seen: str
    fix: str = ""


def ok(seen: str) -> Finding:
    """Return a finding that is as it should be."""
    return Finding(Level.OK, seen)


def warning(seen: str, fix: str) -> Finding:
    """Return a finding that is worth a look."""
    return Finding(Level.WARNING, seen, fix)


def error(seen: str, fix: str) -> Finding:
    """Return a finding that must be fixed."""
    return Finding(Level.ERROR, seen, fix)


def kubectl(*words: str) -> str:
    """Return a command line for a person to run."""
    return shlex.join(("kubectl", *words))
