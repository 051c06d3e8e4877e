"""The arithmetic of memory: how limits and requests grow with the volumes in memory.

The kernel charges a tmpfs to the container that writes it (/dev/shm), or to the pod if
that container has ended (a model, written by a loader). So limits and requests grow
together. V: bytes of the model volumes, S: bytes of /dev/shm, O: bytes that a loader
needs for itself. L, R: limit and request of the target; P, Q: those of the pod.

    memory: add            new limit                new request
    L, R equal             L + V + S                R + V + S        keeps Guaranteed
    R below L              L + V + S                R + V            shm is a ceiling
    R absent               L + V + S                the same, written out
    L absent               absent                   R + V            nothing limits the pod
    L 0                    0                        0                the same; 0 is no limit
    both absent            absent                   absent           the loader carries V

    pod level (P set)      P + V + S                Q + V (+ S if Q = P)
    its target             L + S                    R (+ S if R = L)

    memory: ensure         as above, but raised to V + S + O, and only where it is less
    memory: none           as they are

Sources: KEP-753 (pod limit), KEP-2837 (pod level), KEP-1967 (tmpfs).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from webhook.objects.container import Amounts, Resources
from webhook.values.quantity import MI, Quantity

OVERHEAD: Final = Quantity(512 * MI)
"""O: what the loader, or at least the server, needs in addition to the model."""
STEP: Final = 256 * MI


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
    """Return the memory of *resources*. Raises ValueError if it is not a quantity."""
    if resources is None:
        return Amount(None, None)
    return Amount(_memory(resources.limits), _memory(resources.requests))


def pod_memory(
    resources: Resources | None, containers: Iterable[Resources | None]
) -> Amount | None:
    """Return the memory set at the pod level, None if none is set.

    A limit without a request gets the request that the API server would give it: the sum
    of the containers' requests, or else the limit (KEP-2837).
    """
    pod = memory_of(resources)
    if pod.limit is None and pod.request is None:
        return None
    if pod.request is not None:
        return pod
    amounts = [memory_of(c) for c in containers]
    asked = sum(a.effective or 0 for a in amounts)
    return Amount(pod.limit, Quantity(asked) if asked else pod.limit)


def volume_size(model: int) -> Quantity:
    """Return V for *model* bytes: 5 % more, rounded up to a multiple of 256Mi.

    Writing to a full tmpfs fails with ENOSPC, and it holds whole pages: with the exact
    size of the model, a page that is rounded up would be one too many.
    """
    return Quantity(-(-model * 105 // 100)).up_to(STEP)


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """The memory of the target and of the pod, before and after."""

    model: Quantity
    shm: Quantity
    mode: str
    container: tuple[Amount, Amount]
    pod: tuple[Amount, Amount] | None

    @property
    def bounded(self) -> Quantity | None:
        """The memory limit of the pod afterwards, or else of the target."""
        return (self.pod or self.container)[1].limit


def _raised(before: Amount, limit_by: int, request_by: int, *, ensure: bool) -> Amount:
    limit, request = before.limit, before.request
    if limit == 0:
        return before  # 0 means no limit to the kubelet, and the API server allows no request above
    if limit is not None:
        limit = Quantity(max(limit, OVERHEAD.plus(limit_by))) if ensure else limit.plus(limit_by)
    if request is None or request == before.limit:
        return Amount(limit, None if limit == before.limit and request is None else limit)
    request = Quantity(max(request, request_by)) if ensure else request.plus(request_by)
    return Amount(limit, request if limit is None else Quantity(min(request, limit)))


def correct(
    target: Amount, pod: Amount | None, model: Quantity, shm: Quantity, mode: str
) -> Correction:
    """Return the amounts of target and pod after *model* and *shm* bytes of tmpfs.

    *pod* is None where the API server does not keep pod-level resources.
    """
    after, pod_after = target, pod
    ensure = mode == "ensure"
    if mode != "none" and (model or shm):
        if pod is not None and pod.limit is not None:
            after = _raised(target, shm, 0, ensure=ensure) if shm else target
            pod_after = _raised(pod, model + shm, model, ensure=ensure)
        else:
            after = _raised(target, model + shm, model, ensure=ensure)
        if pod is not None and pod.request is not None and pod_after is not None:
            # The pod's request must hold the sum of the containers' (API validation).
            grown = (after.effective or 0) - (target.effective or 0)
            least = model if pod.limit is None and target.effective is None else grown
            wanted = max(pod_after.request or 0, pod.request + least)
            limit = pod_after.limit
            pod_after = Amount(
                None if limit is None else Quantity(max(limit, wanted)), Quantity(wanted)
            )
    return Correction(
        model=model,
        shm=shm,
        mode=mode,
        container=(target, after),
        pod=None if pod is None or pod_after is None else (pod, pod_after),
    )
