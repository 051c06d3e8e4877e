"""Limit and request of memory, as a container or a pod has them."""

from collections.abc import Iterable
from dataclasses import dataclass

from webhook.objects.container import Amounts, Resources
from webhook.quantity import Quantity


@dataclass(frozen=True, slots=True)
class Amount:
    """Limit and request of memory, in bytes; None: absent."""

    limit: Quantity | None
    request: Quantity | None

    @property
    def effective(self) -> Quantity | None:
        """The request after API defaulting, which takes the limit for an absent one."""
        return self.limit if self.request is None else self.request


def _memory(amounts: Amounts | None) -> Quantity | None:
    value = (amounts or {}).get("memory")
    return None if value is None else Quantity.parse(value)


def memory_of(resources: Resources | None) -> Amount:
    """Return what *resources* say of memory; ValueError if it isn't a quantity."""
    if resources is None:
        return Amount(None, None)
    return Amount(_memory(resources.limits), _memory(resources.requests))


def pod_memory(
    resources: Resources | None, containers: Iterable[Resources | None]
) -> Amount | None:
    """Return what the pod level says of memory, None if nothing.

    A limit without request gets the request that the API server would give it:
    the sum of the containers', else the limit (KEP-2837).
    """
    pod = memory_of(resources)
    if pod.limit is None and pod.request is None:
        return None
    if pod.request is not None:
        return pod
    amounts = [memory_of(c) for c in containers]
    asked = sum(a.effective or 0 for a in amounts)
    return Amount(pod.limit, Quantity(asked) if asked else pod.limit)
