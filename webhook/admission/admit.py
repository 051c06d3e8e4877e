"""Decide what happens to one pod.

Did it opt in? What does it request, with the platform's defaults added? Which strategy
can serve it here? What does it still lack, and how is that written as a patch?
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from webhook.admission import codes, ledger
from webhook.admission.containers.choice import choose
from webhook.admission.decision import Decision, Deny, Mutate, Skip, SkipReason
from webhook.admission.judge import WARN, Judge
from webhook.admission.patch import operations
from webhook.admission.plan import Chosen, Plan, build_plan
from webhook.admission.policy.documents import Policy
from webhook.admission.problem import Problem, Rejected
from webhook.admission.quotas import limit_range_problems, quota_remarks
from webhook.admission.reading import read_request
from webhook.admission.request.annotations import LEDGER, PREFIX, asked, unknown
from webhook.admission.request.declared import AUTO, KNOWN
from webhook.admission.strategies.auto import chosen_strategy
from webhook.objects.facts import NAMESPACES, Facts
from webhook.objects.pod import Pod, PodSpec
from webhook.objects.windows import requires_windows
from webhook.objects.workload import Workload

MIRROR: Final = "kubernetes.io/config.mirror"
DEFAULT_CONTAINER: Final = "kubectl.kubernetes.io/default-container"
READ: Final = frozenset((MIRROR, DEFAULT_CONTAINER))
"""The annotations of others that a decision reads."""


def admit(pod: Pod, policy: Policy, facts: Facts) -> Decision:
    """Decide what happens to *pod*."""
    plan = planned(pod, policy, facts)
    if not isinstance(plan, Plan):
        return plan
    patch = tuple(operations(pod, plan))
    if not patch:
        told = tuple([f.problem for f in plan.findings if f.mode == WARN])
        reason = SkipReason.ALREADY_INJECTED
        return Skip(reason=reason, warnings=told, findings=plan.findings)
    models = {
        container.place.container.name: tuple(r.outcome.value for r in container.readings.models)
        for container in plan.containers
    }
    options = plan.request.options
    missed = options.claim if options.strategy == AUTO and _misses(options.claim, facts) else ""
    return Mutate(
        operations=patch,
        warnings=plan.warnings,
        strategy=plan.strategy,
        models=models,
        missed=missed,
        findings=plan.findings,
    )


def _misses(claim: str, facts: Facts) -> bool:
    """Whether it is known that there is no such claim."""
    return facts.claims is not None and claim not in facts.claims


def planned(
    pod: Pod, policy: Policy, facts: Facts, workload: Workload | None = None
) -> Plan | Skip | Deny:
    """Return what *pod* lacks, or why it is left alone, or why it can't be admitted.

    *workload*: what makes pods like this one, if it is not a pod that is reviewed.
    """
    annotations = pod.annotations
    own = asked(annotations)
    judge = Judge(policy, pod, facts, workload) if own and policy.ruling else None
    spec = pod.spec or PodSpec()
    if left := _left_alone(own, annotations, spec, judge):
        return left
    undecided: Sequence[Problem] = ()
    if policy.by_label:
        unseen = facts.stale.get(NAMESPACES)
        undecided = policy.unjudged(facts.namespace, facts.namespace_labels, unseen)
    defaults = policy.defaults(facts.namespace, facts.namespace_labels)
    request, problems = read_request(own, defaults, policy.catalogue)
    if judge:
        request = judge.request(request)
        problems += judge.unknown(request.remarks)
    chosen = None
    try:
        try:
            default = annotations.get(DEFAULT_CONTAINER)
            written = annotations.get(LEDGER)
            earlier = ledger.recorded(written).get("target") if written else None
            containers, target, guessed = choose(spec, request.options, default, earlier)
        except Rejected as rejected:
            problems += rejected.problems
        if problems:
            raise Rejected(problems)
        forbids = judge.forbids(request) if judge else None
        strategy, passed, obstacles = chosen_strategy(request, spec, facts, forbids)
        if facts.stale:
            passed += strategy.unseen(facts)
        if obstacles and facts.only_warn:
            passed += map(_foreseen, (p for p in obstacles if p.code in codes.BY_FACTS))
            obstacles = [p for p in obstacles if p.code not in codes.BY_FACTS]
        chosen = Chosen(containers, target, strategy, [*guessed, *passed])
        plan = build_plan(pod, request, chosen, facts, obstacles)
        over = _over_a_limit(spec, plan, facts)
    except Rejected as rejected:
        if judge:
            return judge.denied(rejected.problems, request, chosen, undecided)
        return Deny(problems=rejected.problems, warnings=(*unknown(own, KNOWN), *undecided))
    if remarks := (*over, *quota_remarks(spec, plan, facts), *undecided):
        plan = replace(plan, warnings=plan.warnings + remarks)
    return judge.judged(plan, chosen) if judge else plan


def _left_alone(
    own: Mapping[str, str], annotations: Mapping[str, str], spec: PodSpec, judge: Judge | None
) -> Skip | Deny | None:
    """Return the decision about a pod that gets nothing; None if it gets what it requests."""
    if "model" not in own:
        remarks = _without_model(own)
        if judge and (problems := judge.unknown(remarks)):
            return Deny(problems=tuple(problems), warnings=remarks[len(problems) :])
        return Skip(reason=SkipReason.NOT_REQUESTED, warnings=remarks)
    if own.get("inject", "").strip() == "false":
        return Skip(reason=SkipReason.OPTED_OUT)
    if MIRROR in annotations:
        return Skip(reason=SkipReason.MIRROR_POD)
    if requires_windows(spec):
        remark = Problem(codes.SKIPPED, PREFIX + "model", "Windows pods are left as they are")
        return Skip(reason=SkipReason.WINDOWS, warnings=(remark,))
    if not spec.containers:
        return Skip(reason=SkipReason.NO_CONTAINERS)
    return None


def _over_a_limit(spec: PodSpec, plan: Plan, facts: Facts) -> tuple[Problem, ...]:
    """Raise Rejected for what a LimitRange would refuse; return it, if that is only a warning."""
    problems = tuple(limit_range_problems(spec, plan, facts))
    if problems and not facts.only_warn:
        raise Rejected(problems)
    return tuple(map(_foreseen, problems))


def _foreseen(problem: Problem) -> Problem:
    """Return what would be a refusal as a warning."""
    return Problem(codes.FORESEEN, problem.where, f"{problem.code} {problem.what}")


def _without_model(own: Mapping[str, str]) -> tuple[Problem, ...]:
    written = own.keys() - {"injected", "copied-keys", "inject"}
    if not written:
        return ()
    where = PREFIX + "model"
    return (
        *unknown(written, KNOWN),
        Problem(codes.NO_MODEL, where, "is missing, so nothing is injected"),
    )


EXCLUDED: Final = frozenset(("kube-system", "kube-public", "kube-node-lease"))
