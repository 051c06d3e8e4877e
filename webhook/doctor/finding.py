"""What a check says: how bad it is, what was seen, and what mends it."""

import shlex
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is; an error keeps pods from their model, or lets them start without."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was seen; what is not ok has a fix, a command or a sentence."""

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
    """Return a finding that must be mended."""
    return Finding(Level.ERROR, seen, fix)


def kubectl(*words: str) -> str:
    """Return a command line for a person to run."""
    return shlex.join(("kubectl", *words))
