"""Choose the strategy of a pod: the one that it names, or the first without an obstacle.

If the pod names a strategy, an obstacle is a refusal. With auto, the strategy is passed
over with a warning.
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
    """Return the strategy, remarks on those that auto passed over, and obstacles.

    Only a strategy that the pod names has obstacles. Raises Rejected if auto finds none.
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
            f"{model.asked} is offered only as {', '.join(model.offered)}, not as {name}",
        )
        for model in strategy.request.models
        if model.offered and name not in model.offered
    ]
    problems += strategy.contradictions(strategy.request.options)
    problems += strategy.obstacles(facts)
    return problems


def _kept(request: CacheRequest, spec: PodSpec, candidates: Iterable[str]) -> Strategy | None:
    """Return the strategy that an earlier review of this pod chose, found by its volume."""
    there = {volume.name: volume for volume in spec.volumes or ()}
    for name in candidates:
        strategy = STRATEGIES[name](request)
        first = strategy.volumes()[0]
        if first["name"] in there and strategy.receipt(there[first["name"]], first):
            return strategy
    return None


def _order(request: CacheRequest) -> tuple[str, ...]:
    """Return the strategies that auto tries. The order of a CachedModel wins over ours."""
    return request.models[0].offered or AUTO_ORDER
