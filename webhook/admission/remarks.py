"""Collect the warnings of an injection, one line each."""

from collections.abc import Iterable, Sequence

from webhook.admission import codes
from webhook.admission.containers.choice import Place, places
from webhook.admission.memory import Correction, memory_of
from webhook.admission.problem import Problem
from webhook.admission.reading import DECLARED
from webhook.admission.request.annotations import PREFIX
from webhook.admission.request.declared import AUTO, CacheRequest
from webhook.admission.strategies import AUTO_ORDER, READERS
from webhook.admission.strategies.strategy import Strategy
from webhook.objects.json import Json
from webhook.objects.pod import PodSpec


def unused_annotations(request: CacheRequest, strategy: Strategy) -> Iterable[Problem]:
    """Yield a remark for each annotation of the pod that changes nothing."""
    unread = strategy.unread()
    for spec in DECLARED.values():
        if spec.name not in request.asked:
            continue
        readers = READERS.get(spec.name)
        if readers and strategy.name not in readers:
            by_auto = request.options.strategy == AUTO and set(readers) & set(AUTO_ORDER)
            relied_on = spec.name == "placement" and request.options.placement == "required"
            if by_auto and not relied_on:
                continue  # it was written for a strategy that auto could have chosen
            why = f"with strategy {strategy.name}"
        elif spec.name in unread:
            why = f"with {unread[spec.name]}"
        elif not (spec.no_effect and (why := spec.no_effect(request))):
            continue
        yield Problem(codes.NO_EFFECT, PREFIX + spec.name, f"has no effect {why}")


def memory_remarks(
    spec: PodSpec, target: Place, correction: Correction, added: Sequence[Json]
) -> Iterable[Problem]:
    """Yield what a person should know about the memory of the pod after the injection."""
    where = PREFIX + "memory"
    total = correction.model.plus(correction.shm)
    limit = correction.bounded
    if correction.mode == "none" and correction.model:
        left = (
            f"limits were left as they are: the limit of {target.container.name} must include "
            f"{total} for volumes in memory"
        )
        if limit and limit < total:
            left = (
                f"the limit {limit} is less than the {total} of volumes in memory, so the pod will "
                "be killed: raise the limit"
            )
        yield Problem(codes.MEMORY_LEFT, where, left)
    if correction.model and not (correction.pod and correction.pod[0].limit):
        endless = [
            p.container.name for p in places(spec) if not memory_of(p.container.resources).limit
        ]
        if endless:
            yield Problem(
                codes.UNBOUNDED,
                where,
                f"without a memory limit on {', '.join(endless[:4])}, nothing limits the memory "
                "of this pod",
            )
    if added and _requests_nothing(spec):
        yield Problem(
            codes.BURSTABLE,
            where,
            "this BestEffort pod becomes Burstable, because of our init container",
        )


def _requests_nothing(spec: PodSpec) -> bool:
    """Whether the pod's QoS class is BestEffort: no cpu and no memory anywhere."""
    resources = [spec.resources, *(p.container.resources for p in places(spec))]
    return not any(
        name in ("cpu", "memory")
        for r in resources
        if r is not None
        for amounts in (r.limits, r.requests)
        for name in amounts or ()
    )
