"""Judge a pod by the rules of the policies that select its namespace.

The rules of all of them hold. Each finding has the mode of its rule: enforce refuses the pod,
warn tells anyone who applies it, audit is for the audit log of the API server.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from webhook.admission import codes
from webhook.admission.decision import Deny
from webhook.admission.plan import Chosen, Plan
from webhook.admission.policy.cache_policy import CachePolicy
from webhook.admission.policy.documents import Policy
from webhook.admission.policy.rules.catalogue import BY_NAME, RULES
from webhook.admission.policy.rules.host_path_roots import HostPathRoots
from webhook.admission.policy.rules.read_only_mounts import ReadOnlyMounts
from webhook.admission.policy.rules.rule import WHERE, Rule
from webhook.admission.policy.rules.safetensors_only import SafetensorsOnly
from webhook.admission.policy.rules.subject import Asking, Running, Setting, fits
from webhook.admission.problem import Finding, Problem
from webhook.admission.request.declared import AUTO, CacheRequest
from webhook.admission.strategies import STRATEGIES
from webhook.admission.strategies.strategy import Strategy
from webhook.objects.facts import Facts
from webhook.objects.pod import Pod, PodSpec
from webhook.objects.workload import Workload

ENFORCE: Final = "enforce"
WARN: Final = "warn"
AUDIT: Final = "audit"
_KEPT: Final = (codes.UNKNOWN_ANNOTATION, codes.UNJUDGED)
"""Codes of warnings that a refused pod gets too."""
_OF_RULES: Final = {rule.code for rule in RULES}
"""Codes that only rules can give rise to."""


class Judge:
    """Judges one pod, or the pods of a workload."""

    def __init__(self, policy: Policy, pod: Pod, facts: Facts, workload: Workload | None) -> None:
        self._pod, self._facts, self._workload = pod, facts, workload
        selecting = policy.selecting(facts.namespace, facts.namespace_labels)
        self._policies = [] if facts.switched_off else selecting
        self._passed_over: list[Finding] = []
        self._origins = {key: p.name for p in self._policies for key in p.defaults}

    def unknown(self, remarks: Sequence[Problem]) -> list[Problem]:
        """Return the remarks on unknown annotations as mistakes, if a policy makes them such."""
        if not any(policy.refuses_unknown for policy in self._policies):
            return []
        return [
            Problem(codes.UNKNOWN_REFUSED, remark.where, remark.what)
            for remark in remarks
            if remark.code == codes.UNKNOWN_ANNOTATION
        ]

    def request(self, request: CacheRequest) -> CacheRequest:
        """Return *request* with what enforced rules make of it."""
        enforced = {type(rule) for _, rule in self._rules() if rule.mode == ENFORCE}
        return replace(
            request,
            root=None if HostPathRoots in enforced else request.root,
            safetensors_only=SafetensorsOnly in enforced,
        )

    def forbids(self, request: CacheRequest) -> Callable[[Strategy], list[Problem]]:
        """Return a function that says why enforced rules forbid a strategy."""

        def problems(strategy: Strategy) -> list[Problem]:
            found = self._asked(request, strategy, by_strategy=True)
            enforced = [finding for finding in found if finding.mode == ENFORCE]
            self._passed_over += enforced
            return [finding.problem for finding in enforced]

        return problems

    def judged(self, plan: Plan, chosen: Chosen) -> Plan | Deny:
        """Return *plan* with what the rules find, or the refusal if an enforced rule does."""
        findings = tuple(self._asked(plan.request, chosen.strategy, chosen=chosen, plan=plan))
        if not findings:
            return plan
        told = tuple(self.warnings(findings))
        if refusing := self.refusing(findings):
            rest = tuple(w for w in plan.warnings if w.code in _KEPT)
            warnings = (*rest, *told)
            return Deny(
                problems=tuple(refusing), forbidden=True, warnings=warnings, findings=findings
            )
        return replace(plan, warnings=plan.warnings + told, findings=findings)

    def denied(
        self,
        mistakes: Sequence[Problem],
        request: CacheRequest,
        chosen: Chosen | None,
        undecided: Sequence[Problem],
    ) -> Deny:
        """Return the refusal of a pod with *mistakes*, and with what the rules find too.

        *chosen*: None if a mistake keeps it from being known.
        """
        strategy, named = None, request.options.strategy
        if chosen:
            strategy = chosen.strategy
        elif named != AUTO:
            strategy = STRATEGIES[named](request)
        findings = [*self._asked(request, strategy, chosen=chosen)]
        problems = [*mistakes, *(p for p in self.refusing(findings) if p not in mistakes)]
        if chosen is None:
            findings += self._passed_over
        remarks = () if self.unknown(request.remarks) else request.remarks
        return Deny(
            problems=tuple(problems),
            forbidden={problem.code for problem in problems} <= _OF_RULES,
            warnings=(*remarks, *undecided, *self.warnings(findings)),
            findings=tuple(dict.fromkeys(findings)),
        )

    def running(self, spec: PodSpec, *, only_ephemeral: bool = False) -> tuple[Finding, ...]:
        """Return what the rules that concern every pod find in a pod as it will run."""
        found = []
        for policy, rule in self._rules():
            pod = Running(
                spec=spec,
                annotations=self._pod.annotations,
                setting=_setting(policy),
                only_ephemeral=only_ephemeral,
            )
            found += [_finding(policy, rule, what) for what in rule.seen(pod)]
        return tuple(found)

    def refusing(self, findings: Sequence[Finding]) -> list[Problem]:
        """Return the findings for which the pod, or each pod of the workload, is refused."""
        return [
            finding.problem
            for finding in findings
            if finding.mode == ENFORCE
            and (self._workload is None or BY_NAME[finding.rule].foresees)
        ]

    def warnings(self, findings: Sequence[Finding]) -> list[Problem]:
        """Return the findings that refuse nothing, and that are told."""
        refusing = self.refusing(findings)
        return [f.problem for f in findings if f.mode != AUDIT and f.problem not in refusing]

    def _asked(
        self,
        request: CacheRequest,
        strategy: Strategy | None,
        *,
        chosen: Chosen | None = None,
        plan: Plan | None = None,
        by_strategy: bool = False,
    ) -> Iterator[Finding]:
        for policy, rule in self._rules():
            if by_strategy and not rule.by_strategy:
                continue
            pod = Asking(
                spec=self._pod.spec or PodSpec(),
                request=request,
                facts=self._facts,
                setting=_setting(policy),
                strategy=strategy,
                target=chosen.target.container if chosen else None,
                containers=plan.containers if plan else (),
                remarks=plan.warnings if plan else (),
                several=self._several(),
                origins=self._origins,
            )
            for what in rule.asked(pod):
                yield _finding(policy, rule, what)

    @property
    def subject(self) -> str:
        """namespace/name of the pod; of pods of a workload, what their names begin with."""
        metadata = self._pod.metadata
        name = (metadata and (metadata.name or metadata.generate_name)) or ""
        return f"{self._facts.namespace}/{name}"

    def _rules(self) -> Iterator[tuple[CachePolicy, Rule]]:
        """Yield the rules that do not excuse the pod."""
        subject = self.subject
        for policy in self._policies:
            for rule in policy.rules:
                if not fits(subject, rule.exempt):
                    yield policy, rule

    def _several(self) -> bool | None:
        """Return whether there are several such pods at a time; None if that is not known."""
        if self._workload is not None:
            return self._workload.makes_several
        metadata = self._pod.metadata
        owners = (metadata and metadata.owner_references) or ()
        kinds = {owner.kind for owner in owners if owner.controller}
        if "DaemonSet" in kinds:
            return True
        if metadata and metadata.name and "StatefulSet" in kinds:
            # Its first pod is number 0, if spec.ordinals says nothing else.
            return metadata.name.rpartition("-")[2] not in ("", "0") or None
        return None


def _setting(policy: CachePolicy) -> Setting:
    roots = [rule.roots for rule in policy.rules if isinstance(rule, HostPathRoots)]
    claims = [rule.claims for rule in policy.rules if isinstance(rule, ReadOnlyMounts)]
    return Setting(
        defaults=policy.defaults,
        roots=roots[0] if roots else (),
        claims=claims[0] if claims else (),
    )


def _finding(policy: CachePolicy, rule: Rule, what: str) -> Finding:
    where = WHERE.format(rule=rule.name, policy=policy.name)
    problem = Problem(rule.code, where, what)
    return Finding(rule=rule.name, mode=rule.mode, policy=policy.name, problem=problem)
