"""The declaration of a check."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from webhook.doctor.finding import Finding
from webhook.doctor.installation import Installation

ANYBODY_MAY: Final = "get /version"
"""What the API server lets everybody ask (ClusterRole system:public-info-viewer)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check; the README's table is made of it."""

    name: str
    looks_at: str
    """What it looks at, as the manual says it."""
    may: tuple[str, ...]
    """What it needs to be allowed, in the words of `kubectl auth can-i`."""
    run: Callable[[Installation], Iterable[Finding]]
