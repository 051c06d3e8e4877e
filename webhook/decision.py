"""How a review ends, and what was found wrong on the way.

A review ends in exactly one of Skip, Mutate and Deny. A Problem is data for
the author of the pod: a stable code, the place, the fault with its remedy.
"""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, TypeAlias

Json: TypeAlias = dict[str, Any]
WARNING_LENGTH: Final = 250
"""Characters kept of one warning: the API server may cut at 256 (NewWarningHeader)."""


class SkipReason(StrEnum):
    """Why nothing was to be done; the value is the metric's label."""

    NOT_REQUESTED = "not_requested"
    OPTED_OUT = "opted_out"
    ALREADY_INJECTED = "already_injected"
    MIRROR_POD = "mirror_pod"
    WINDOWS = "windows"
    EXCLUDED_NAMESPACE = "excluded_namespace"
    NO_CONTAINERS = "no_containers"
    UNEXPECTED_RESOURCE = "unexpected_resource"
    NOTHING_TO_COPY = "nothing_to_copy"


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake or remark: code, place, and what is wrong with what would be right."""

    code: str
    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.code} {self.where}: {self.what}"


class Rejected(Exception):
    """The pod can't be admitted; carries every problem found."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(map(str, self.problems)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Skip:
    """Allowed as it is."""

    reason: SkipReason
    warnings: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutate:
    """Allowed with these operations (RFC 6902)."""

    operations: tuple[Json, ...]
    warnings: tuple[Problem, ...] = ()
    strategy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deny:
    """Refused; *forbidden* tells a broken policy (403) from a mistake (422)."""

    problems: tuple[Problem, ...]
    forbidden: bool = False
    warnings: tuple[Problem, ...] = ()

    @property
    def message(self) -> str:
        """Every problem, for the person who applied the pod."""
        return printable("; ".join(map(str, self.problems)))


Decision: TypeAlias = Skip | Mutate | Deny


def printable(text: str, most: int = 4000) -> str:
    r"""Return *text* on one line: control, format and surrogate characters as \uXXXX.

    A warning with one of them is dropped by the API server without a word
    (apimachinery NewWarningHeader).
    """
    if not (text.isascii() and text.isprintable()):
        text = "".join(
            c
            if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
            else f"\\u{ord(c):04x}"
            for c in text
        )
    return text if len(text) <= most else text[: most - 1] + "…"


def quoted(value: str, most: int = 60) -> str:
    """Return a user's *value* in quotes, shortened to *most* characters."""
    return f'"{printable(value, most)}"'
