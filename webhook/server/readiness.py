"""Whether this replica is ready, and what somebody should mend though it is."""

from collections.abc import Mapping

import msgspec


class Readiness(msgspec.Struct, frozen=True):
    """What /readyz says."""

    missing: Mapping[str, str] = {}
    """What keeps reviews from being answered, and why."""
    concerns: Mapping[str, str] = {}
    """What is wrong, but keeps nothing from being answered now."""

    @property
    def ready(self) -> bool:
        """Whether nothing is missing."""
        return not self.missing


def together(*parts: Readiness) -> Readiness:
    """Return what all *parts* say; where two name the same thing, the later one's reason."""
    missing: dict[str, str] = {}
    concerns: dict[str, str] = {}
    for part in parts:
        missing |= part.missing
        concerns |= part.concerns
    return Readiness(missing, concerns)
