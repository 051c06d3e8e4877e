"""The base of checks: everything that a check declares."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from webhook.doctor.finding import Finding
from webhook.doctor.installation import Installation

ANYBODY_MAY: Final = "get /version"
"""Everybody may do that (ClusterRole system:public-info-viewer)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check; the manual's table is made of it."""

    name: str
    looks_at: str
    """What it looks at, in the words of the manual."""
    may: tuple[str, ...]
    """The rights that it needs, in the words of `kubectl auth can-i`."""
    run: Callable[[Installation], Iterable[Finding]]
