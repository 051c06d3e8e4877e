"""Compare the amounts of a plan with LimitRange and ResourceQuota.

The API server checks both after us. A refusal here also says why the amounts grew.
"""

from collections.abc import Iterator

from webhook.admission import codes
from webhook.admission.memory import Amount, memory_of
from webhook.admission.plan import Plan
from webhook.admission.problem import Problem
from webhook.objects.facts import Facts
from webhook.objects.pod import PodSpec
from webhook.values.quantity import Quantity


def _after(spec: PodSpec, plan: Plan) -> dict[str, tuple[Amount, bool]]:
    """Return container name → (memory, whether it ends before the others start)."""
    found = {}
    for i, container in enumerate((*(spec.containers or ()), *(spec.init_containers or ()))):
        amount = memory_of(container.resources)
        if container is plan.target.container:
            amount = plan.correction.container[1]
        ends = i >= len(spec.containers or ()) and not container.is_sidecar
        found[container.name] = (amount, ends)
    for added in plan.init_containers:
        asked = added["resources"]
        found[added["name"]] = (
            Amount(
                Quantity.parse(asked["limits"]["memory"]),
                Quantity.parse(asked["requests"]["memory"]),
            ),
            True,
        )
    return found


def _ours(plan: Plan) -> set[str]:
    return {plan.target.container.name, *(c["name"] for c in plan.init_containers)}


def _total(amounts: dict[str, tuple[Amount, bool]], *, limits: bool) -> Quantity:
    def value(amount: Amount) -> int:
        return (amount.limit if limits else amount.effective) or 0

    together = sum(value(a) for a, ends in amounts.values() if not ends)
    return Quantity(max([together, *(value(a) for a, ends in amounts.values() if ends)]))


def limit_range_problems(spec: PodSpec, plan: Plan, facts: Facts) -> Iterator[Problem]:
    """Yield a problem for each corrected amount that a LimitRange would refuse."""
    amounts = _after(spec, plan)
    for item in facts.limit_ranges:
        if not (most := item.maximum.get("memory")):
            continue
        allowed = Quantity.parse(most)
        if item.type == "Pod":
            found = [("the pod", _total(amounts, limits=True))]
        elif item.type == "Container":
            found = [(n, amounts[n][0].limit or Quantity(0)) for n in sorted(_ours(plan))]
        else:
            continue
        for name, limit in found:
            if limit > allowed:
                yield Problem(
                    codes.LIMIT_RANGE,
                    f"LimitRange {item.name}",
                    f"maximum memory usage per {item.type} is {allowed}, but {name} needs "
                    f"{limit} with model and /dev/shm in memory: raise it, or use strategy pvc",
                )


def quota_remarks(spec: PodSpec, plan: Plan, facts: Facts) -> Iterator[Problem]:
    """Yield a remark for each quota that has less left than the pod requests."""
    amounts = _after(spec, plan)
    for quota in facts.quotas:
        for name in ("requests.memory", "limits.memory"):
            if not (hard := quota.hard.get(name)):
                continue
            left = Quantity.parse(hard) - Quantity.parse(quota.used.get(name, "0"))
            needs = _total(amounts, limits=name.startswith("limits"))
            if needs > left:
                yield Problem(
                    codes.QUOTA,
                    f"ResourceQuota {quota.name}",
                    f"{name}: {Quantity(max(left, 0))} left, this pod needs {needs}",
                )
