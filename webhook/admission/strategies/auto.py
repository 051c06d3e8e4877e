"""Choose the strategy of a pod: the one that it names, or the best that works here.

A pod waits for what may still come, as Kubernetes' own pods wait for a claim: it is admitted with
a warning. A refused pod would be tried again by its controller, but up to 1000 s later
(client-go, default_rate_limiters.go). What will never come is a refusal if the pod names the
strategy. With auto, the strategy is passed over with a warning.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from webhook.admission import codes
from webhook.admission.problem import Problem, Rejected
from webhook.admission.request.annotations import PREFIX
from webhook.admission.request.declared import AUTO, CacheRequest
from webhook.admission.strategies import AUTO_ORDER, STRATEGIES
from webhook.admission.strategies.claim import named_twice
from webhook.admission.strategies.strategy import Strategy
from webhook.objects.facts import Facts
from webhook.objects.pod import PodSpec
from webhook.values.text import quoted

_WORKS, _ON_ONE_NODE, _WAITS, _NEVER = range(4)
_STANDING: Final = {codes.ONE_NODE: _ON_ONE_NODE, **dict.fromkeys(codes.AWAITED, _WAITS)}
"""Code of an obstacle → what it leaves of the strategy."""


@dataclass(frozen=True, slots=True, eq=False)
class _Tried:
    """A strategy that auto looked at, and what speaks against it."""

    strategy: Strategy
    problems: Sequence[Problem]
    standing: int
    ruled: bool
    """Whether *problems* are what rules say; what else speaks against it was not looked at."""


def chosen_strategy(
    request: CacheRequest,
    spec: PodSpec,
    facts: Facts,
    forbids: Callable[[Strategy], list[Problem]] | None = None,
) -> tuple[Strategy, list[Problem], list[Problem]]:
    """Return the strategy, remarks, and obstacles.

    *forbids*: returns why rules of the platform forbid a strategy; auto passes over it.

    The remarks say what the pod waits for, and what auto passed over. Only a strategy that the
    pod names has obstacles. Raises Rejected if auto finds none.
    """
    named = request.options.strategy
    if named == AUTO:
        # The order of a CachedModel wins over ours.
        candidates = request.models[0].offered or AUTO_ORDER
        if kept := _kept(request, spec, candidates):
            return kept, [], list(named_twice(kept, spec, facts))
        return *_best(candidates, request, spec, facts, forbids), []
    strategy = STRATEGIES[named](request)
    problems = _against(strategy, spec, facts)
    if not problems:
        return strategy, [], []
    said = [_remark(p) for p in problems if p.code in _STANDING]
    return strategy, said, [p for p in problems if p.code not in _STANDING]


def _best(
    candidates: Sequence[str],
    request: CacheRequest,
    spec: PodSpec,
    facts: Facts,
    forbids: Callable[[Strategy], list[Problem]] | None,
) -> tuple[Strategy, list[Problem]]:
    """Return the strategy that auto chooses, and remarks. Raises Rejected if none can work.

    This is the first of *candidates* that can work, unless the pod would have to wait for it and
    another one is known to work now.
    """
    tried: list[_Tried] = []
    best: _Tried | None = None
    for name in candidates:
        strategy = STRATEGIES[name](request)
        ruled = forbids(strategy) if forbids else []
        problems = ruled or _against(strategy, spec, facts)
        if not problems and best is None:
            return strategy, _passed_over(tried) if tried else []
        standing = max([_STANDING.get(p.code, _NEVER) for p in problems], default=_WORKS)
        if standing == _WORKS and (unknown := strategy.unknown(facts)):
            standing, problems = _WAITS, [Problem(codes.PASSED_OVER, PREFIX + "strategy", unknown)]
        tried.append(found := _Tried(strategy, problems, standing, bool(ruled)))
        if standing < (best.standing if best else _NEVER):
            best = found
        if standing == _WORKS:
            break
    if best is None:
        raise Rejected(dict.fromkeys(_none_works(tried, spec, facts)))
    at = tried.index(best)
    passed = tried[:at] + (tried[at + 1 :] if best.standing == _WAITS else [])
    return best.strategy, [*map(_remark, best.problems), *_passed_over(passed)]


def _none_works(tried: Sequence[_Tried], spec: PodSpec, facts: Facts) -> list[Problem]:
    """Return why none of *tried* can work: what rules say, if one of them would without rules."""
    found: list[Problem] = []
    for each in tried:
        against = _against(each.strategy, spec, facts) if each.ruled else each.problems
        never = [p for p in against if p.code not in _STANDING]
        if each.ruled and not never:
            return [p for one in tried if one.ruled for p in one.problems]
        found += [*(each.problems if each.ruled else ()), *never]
    names = ", ".join(each.strategy.name for each in tried)
    none = f"none of {names} can work in namespace {facts.namespace}"
    return [Problem(codes.NO_STRATEGY, PREFIX + "strategy", none), *found]


def _remark(problem: Problem) -> Problem:
    """Return *problem* as a remark on the strategy that the pod gets."""
    if problem.code not in codes.AWAITED:
        return problem
    return Problem(problem.code, problem.where, f"the pod waits, because {problem.what}")


def _passed_over(tried: Iterable[_Tried]) -> list[Problem]:
    """Return a remark for each reason why one of *tried* is not what the pod gets."""
    return [
        Problem(codes.PASSED_OVER, p.where, f"{each.strategy.name} passed over: {p.what}")
        for each in tried
        for p in each.problems
    ]


def _against(strategy: Strategy, spec: PodSpec, facts: Facts) -> list[Problem]:
    """Return everything that speaks against *strategy*."""
    problems = []
    for model in strategy.request.models:
        if model.offered and strategy.name not in model.offered:
            offered = ", ".join(model.offered)
            what = f"{model.asked} is offered only as {offered}, not as {strategy.name}"
            problems.append(Problem(codes.OFFERED, PREFIX + "strategy", what))
        if model.loading and strategy.awaits_model(facts):
            what = f"{quoted(model.asked)} is not loaded yet: {model.loading}"
            problems.append(Problem(codes.MODEL_AWAITED, PREFIX + "model", what))
    problems += strategy.contradictions(strategy.request.options)
    problems += strategy.obstacles(facts)
    problems += named_twice(strategy, spec, facts)
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
