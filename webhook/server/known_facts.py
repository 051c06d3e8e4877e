"""Know the policy and the facts of each namespace, for reviews."""

from typing import Protocol

from webhook.admission.policy.documents import Policy
from webhook.objects.facts import Facts
from webhook.server.fact_store import FactStore


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
        self.of = FactStore(everywhere).facts

    async def settled(self, namespace: str, claim: str) -> None:
        """Wait for nothing, since nothing changes."""
