"""Which strategy serves a pod: the one named, or with auto the first without an obstacle.

With a strategy that is named, an obstacle is a refusal; auto passes it over and
says so.
"""

from collections.abc import Iterable

from webhook.admission import codes
from webhook.admission.problem import Problem, Rejected
from webhook.admission.request.annotations import PREFIX
from webhook.admission.request.declared import AUTO, CacheRequest
from webhook.admission.strategies import AUTO_ORDER, STRATEGIES
from webhook.admission.strategies.claim import named_twice
from webhook.admission.strategies.strategy import Strategy
from webhook.objects.facts import Facts
from webhook.objects.pod import PodSpec


def chosen_strategy(
    request: CacheRequest, spec: PodSpec, facts: Facts
) -> tuple[Strategy, list[Problem], list[Problem]]:
    """Return the strategy named, or the first without an obstacle.

    With it what auto passed over, and what stands in the way of the one named.
    """
    named = request.options.strategy
    candidates = (named,) if named != AUTO else _order(request)
    if named == AUTO and (kept := _kept(request, spec, candidates)):
        return kept, [], list(named_twice(kept, spec, facts))
    passed: list[Problem] = []
    remarks: list[Problem] = []
    for name in candidates:
        strategy = STRATEGIES[name](request)
        problems = [*_obstacles(name, strategy, facts), *named_twice(strategy, spec, facts)]
        if named != AUTO:
            return strategy, [], problems
        if not problems:
            return strategy, remarks, []
        passed += problems
        remarks += [
            Problem(codes.PASSED_OVER, p.where, f"{name} passed over: {p.what}") for p in problems
        ]
    none = f"none of {', '.join(candidates)} can work in namespace {facts.namespace}"
    raise Rejected([Problem(codes.NO_STRATEGY, PREFIX + "strategy", none), *passed])


def _obstacles(name: str, strategy: Strategy, facts: Facts) -> list[Problem]:
    problems = [
        Problem(
            codes.OFFERED,
            PREFIX + "strategy",
            f"{model.asked} is offered as {', '.join(model.offered)} only, not as {name}",
        )
        for model in strategy.request.models
        if model.offered and name not in model.offered
    ]
    if not strategy.writable and not strategy.request.options.read_only:
        problems.append(
            Problem(codes.COMBINATION, PREFIX + "read-only", f"{name} can't be written")
        )
    return problems + list(strategy.obstacles(facts))


def _kept(request: CacheRequest, spec: PodSpec, candidates: Iterable[str]) -> Strategy | None:
    """Return the strategy that an earlier review of this pod chose, by its volume."""
    there = {volume.name: volume for volume in spec.volumes or ()}
    for name in candidates:
        strategy = STRATEGIES[name](request)
        first = strategy.volumes()[0]
        if first["name"] in there and strategy.receipt(there[first["name"]], first):
            return strategy
    return None


def _order(request: CacheRequest) -> tuple[str, ...]:
    """Return the strategies that auto tries; the order of a CachedModel goes before ours."""
    return request.models[0].offered or AUTO_ORDER
