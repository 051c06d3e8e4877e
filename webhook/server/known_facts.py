"""The facts of each namespace that reviews are decided with, kept in memory."""

from dataclasses import replace
from typing import Final

from webhook.objects.facts import Facts

_MOST_NAMESPACES: Final = 10_000
_LONGEST_NAMESPACE: Final = 63


class KnownFacts:
    """Tells the facts of a namespace: *everywhere*, with its name."""

    def __init__(self, everywhere: Facts) -> None:
        self._everywhere = everywhere
        self._known: dict[str, Facts] = {}

    def of(self, namespace: str) -> Facts:
        """Return the facts of *namespace*."""
        if (found := self._known.get(namespace)) is None:
            found = replace(self._everywhere, namespace=namespace)
            # What a review names may be made up, so what is kept has a bound.
            if len(self._known) < _MOST_NAMESPACES and len(namespace) <= _LONGEST_NAMESPACE:
                self._known[namespace] = found
        return found
