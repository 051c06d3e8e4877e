"""The story of one pod.

Opted in? What does it ask for, with the platform's defaults under it? Which
strategy can serve it here? What does it lack, and how is that written?
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from webhook import codes
from webhook.annotations import PREFIX, asked, unknown
from webhook.containers import choose
from webhook.decision import Decision, Deny, Mutate, Problem, Rejected, Skip, SkipReason
from webhook.facts import Facts
from webhook.limits import limit_range_problems, quota_remarks
from webhook.objects.pod import Pod, PodSpec
from webhook.patch import operations
from webhook.plan import Plan, build_plan
from webhook.policy import Policy
from webhook.receipt import same_source
from webhook.request import AUTO, KNOWN, CacheRequest, read_request
from webhook.strategies import AUTO_ORDER, STRATEGIES
from webhook.strategies.strategy import Strategy

MIRROR: Final = "kubernetes.io/config.mirror"


def admit(pod: Pod, policy: Policy, facts: Facts) -> Decision:
    """Decide what happens to *pod*."""
    plan = planned(pod, policy, facts)
    if not isinstance(plan, Plan):
        return plan
    patch = tuple(operations(pod, plan))
    if not patch:
        return Skip(reason=SkipReason.ALREADY_INJECTED)
    return Mutate(operations=patch, warnings=plan.warnings, strategy=plan.strategy)


def planned(pod: Pod, policy: Policy, facts: Facts) -> Plan | Skip | Deny:
    """Return what *pod* lacks, or why nothing is to be done, or why it can't be admitted."""
    own = asked(pod.annotations)
    if "model" not in own:
        return Skip(reason=SkipReason.NOT_REQUESTED, warnings=_without_model(own))
    if own.get("inject", "").strip() == "false":
        return Skip(reason=SkipReason.OPTED_OUT)
    if MIRROR in pod.annotations:
        return Skip(reason=SkipReason.MIRROR_POD)
    spec = pod.spec or PodSpec()
    if spec.os and spec.os.name == "windows":
        remark = Problem(codes.SKIPPED, PREFIX + "model", "Windows pods are left as they are")
        return Skip(reason=SkipReason.WINDOWS, warnings=(remark,))
    if not spec.containers:
        return Skip(reason=SkipReason.NO_CONTAINERS)
    try:
        defaults = policy.defaults(facts.namespace, facts.namespace_labels)
        request, problems = read_request(own, defaults, policy.catalogue)
        try:
            chosen = choose(spec, request.annotations)
        except Rejected as rejected:
            problems += rejected.problems
        if problems:
            raise Rejected(problems)
        strategy, passed, problems = _strategy(request, spec, facts)
        plan = build_plan(pod, request, strategy, facts, chosen, passed, problems)
        if refused := tuple(limit_range_problems(spec, plan, facts)):
            raise Rejected(refused)
    except Rejected as rejected:
        return Deny(problems=rejected.problems, warnings=tuple(unknown(own, KNOWN)))
    if remarks := tuple(quota_remarks(spec, plan, facts)):
        return replace(plan, warnings=plan.warnings + remarks)
    return plan


def _without_model(own: Mapping[str, str]) -> tuple[Problem, ...]:
    written = own.keys() - {"injected", "copied-keys", "inject"}
    if not written:
        return ()
    where = PREFIX + "model"
    return (
        *unknown(written, KNOWN),
        Problem(codes.NO_MODEL, where, "is missing, so nothing is injected"),
    )


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
    if not strategy.writable and not strategy.wish.read_only:
        problems.append(
            Problem(codes.COMBINATION, PREFIX + "read-only", f"{name} can't be written")
        )
    return problems + list(strategy.obstacles(facts))


def _strategy(
    request: CacheRequest, spec: PodSpec, facts: Facts
) -> tuple[Strategy, list[Problem], list[Problem]]:
    """Return the strategy named, or the first without an obstacle.

    With it what auto passed over, and what stands in the way of the one named.
    """
    named = request.annotations.strategy
    candidates = (named,) if named != AUTO else _order(request)
    if named == AUTO and (kept := _kept(request, spec, candidates)):
        return kept, [], []
    passed: list[Problem] = []
    remarks: list[Problem] = []
    for name in candidates:
        strategy = STRATEGIES[name](request)
        problems = _obstacles(name, strategy, facts)
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


def _kept(request: CacheRequest, spec: PodSpec, candidates: Iterable[str]) -> Strategy | None:
    """Return the strategy that an earlier review of this pod chose, by its volume."""
    there = {volume.name: volume for volume in spec.volumes or ()}
    for name in candidates:
        strategy = STRATEGIES[name](request)
        first = strategy.volumes()[0]
        if first["name"] in there and same_source(there[first["name"]], first):
            return strategy
    return None


def _order(request: CacheRequest) -> tuple[str, ...]:
    """Return the strategies that auto tries; the order of a CachedModel goes before ours."""
    return request.models[0].offered or AUTO_ORDER
