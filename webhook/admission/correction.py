"""Correct the memory of one pod.

In the review that adds the volumes, its memory grows by their size. In later reviews, it
is raised again to what the ledger recorded if another webhook lowered it.
"""

from collections.abc import Iterator, Mapping

from webhook.admission import codes, ledger
from webhook.admission.containers.choice import Place, places
from webhook.admission.memory import Correction, correct, memory_of, pod_memory
from webhook.admission.problem import Problem
from webhook.objects.facts import Facts
from webhook.objects.pod import PodSpec
from webhook.values.quantity import Quantity, exact


def unreadable(spec: PodSpec) -> Iterator[Problem]:
    """Yield a problem for each amount of memory or cpu that is not a quantity."""
    resources = [(f"container {p.container.name}", p.container.resources) for p in places(spec)]
    for where, them in (("spec.resources", spec.resources), *resources):
        for amounts in (them.limits, them.requests) if them else ():
            for name in ("memory", "cpu"):
                try:
                    exact(str((amounts or {}).get(name, "0")))
                except ValueError as error:
                    yield Problem(codes.AMOUNT, where, f"{name}: {error}")


def pod_level(spec: PodSpec, facts: Facts) -> bool:
    """Whether memory is set at the pod level and the server keeps it (KEP-2837: on from 1.34)."""
    resources = None if facts.older_than(34) else spec.resources
    return resources is not None and any(
        "memory" in (amounts or {}) for amounts in (resources.limits, resources.requests)
    )


def correction_of(  # the operands of the arithmetic
    spec: PodSpec,
    target: Place,
    model: Quantity,
    shm: Quantity,
    mode: str,
    facts: Facts,
    *,
    recorded: Mapping[str, str],
) -> Correction:
    """Return the amounts of target and pod, before and after.

    *model*, *shm*: bytes of the volumes that are added. *recorded*: amounts of the ledger.
    """
    before = memory_of(target.container.resources)
    whole = None
    if pod_level(spec, facts):
        apps = [place.container.resources for place in places(spec) if place.lives_on]
        whole = pod_memory(spec.resources, apps)
    if model or shm:
        return correct(before, whole, model, shm, mode)
    after, whole_after = before, whole
    if recorded.get("target") == target.container.name and mode != "none":
        after = ledger.restored(before, recorded)
        if whole:
            pod_level_ones = {
                "limit": recorded.get("podLimit", "0"),
                "request": recorded.get("podRequest", "0"),
            }
            whole_after = ledger.restored(whole, pod_level_ones)
    return Correction(
        model=model,
        shm=shm,
        mode=mode,
        container=(before, after),
        pod=(whole, whole_after) if whole and whole_after else None,
    )
