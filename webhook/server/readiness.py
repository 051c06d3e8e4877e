"""Whether this replica is ready, and which problems someone should fix."""

from collections.abc import Mapping

import msgspec


class Readiness(msgspec.Struct, frozen=True):
    """The answer of /readyz: texts by topic."""

    missing: Mapping[str, str] = {}
    """Reasons why this replica can't answer reviews."""
    concerns: Mapping[str, str] = {}
    """Problems that do not keep it from answering reviews now."""

    @property
    def ready(self) -> bool:
        """Whether nothing is missing."""
        return not self.missing


def together(*parts: Readiness) -> Readiness:
    """Return one answer for all *parts*; if two name the same topic, the later one wins."""
    missing: dict[str, str] = {}
    concerns: dict[str, str] = {}
    for part in parts:
        missing |= part.missing
        concerns |= part.concerns
    return Readiness(missing, concerns)
