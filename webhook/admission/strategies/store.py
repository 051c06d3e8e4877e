"""A place that is filled with models before pods use it: what is known of it, and what is not."""

from typing import Protocol

from webhook.objects.facts import Facts


class Store(Protocol):
    """A place that is filled with models before pods use it."""

    def unknown(self, facts: Facts) -> str | None:
        """Return why it is not known that pods can use it now, in words; None: it is known.

        This is asked only if there is no obstacle.
        """

    def says_what_it_holds(self, facts: Facts) -> bool:
        """Whether the facts say if the models are there. If not, only a CachedModel may."""

    def looks_at(self) -> tuple[str, ...]:
        """Return the kinds of facts that may be stale and that its obstacles depend on."""
