"""Know the policy and the facts of each namespace, for reviews."""

from dataclasses import replace
from typing import Final, Protocol

from webhook.admission.policy.documents import Policy
from webhook.objects.facts import Facts

_MOST_NAMESPACES: Final = 10_000
_LONGEST_NAMESPACE: Final = 63


class Known(Protocol):
    """What a review may rest on."""

    changes: bool
    """Whether a claim may become known later."""

    @property
    def policy(self) -> Policy:
        """The policy: the same object until it changes."""

    def of(self, namespace: str) -> Facts:
        """Return the facts of *namespace*: the same object until something of it changes."""

    async def settled(self, namespace: str, claim: str) -> None:
        """Wait a moment for a claim that may have been created together with its pod."""


class KnownFacts:
    """A policy and facts that never change: *everywhere*, with the namespace's name."""

    changes = False

    def __init__(self, everywhere: Facts, policy: Policy) -> None:
        self.policy = policy
        self._everywhere = everywhere
        self._known: dict[str, Facts] = {}

    def of(self, namespace: str) -> Facts:
        """Return the facts of *namespace*."""
        if (found := self._known.get(namespace)) is None:
            found = replace(self._everywhere, namespace=namespace)
            # Callers may invent namespaces, so the number that is kept has a limit.
            if len(self._known) < _MOST_NAMESPACES and len(namespace) <= _LONGEST_NAMESPACE:
                self._known[namespace] = found
        return found

    async def settled(self, namespace: str, claim: str) -> None:
        """Wait for nothing, since nothing changes."""
