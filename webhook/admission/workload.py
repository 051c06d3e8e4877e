"""Copy the annotations of a workload to the pods that it makes.

People annotate the Deployment, but its pods are made from the template alone. So the
annotations are copied there. Nothing else of the template is changed: models are
injected into the pods, when they are created.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count, repeat
from typing import Final

from msgspec.structs import replace

from webhook.admission import codes
from webhook.admission.admit import planned
from webhook.admission.authorship import Change
from webhook.admission.containers.own_downloads import controller_downloads
from webhook.admission.copied_keys import Copies, copied, wanted_of
from webhook.admission.decision import Decision, Deny, Mutate, Skip, SkipReason
from webhook.admission.plan import Plan
from webhook.admission.policy.documents import Policy
from webhook.admission.problem import Finding, Problem
from webhook.admission.request.annotations import PREFIX, asked
from webhook.objects.defaulting import with_defaults
from webhook.objects.facts import Facts
from webhook.objects.pod import Pod, PodSpec
from webhook.objects.workload import Template, Workload
from webhook.objects.workload_kinds import WorkloadKind, kind_of

OF_THE_WORKLOAD: Final = (
    codes.COPIED, codes.TEMPLATE_WINS, codes.UNTEMPLATED, codes.UNDONE, codes.UNKNOWN_KIND,
    codes.NO_TEMPLATE, codes.UNCHANGEABLE,
)  # fmt: skip
"""Codes of warnings about the workload itself; the other warnings foresee those of its pods."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pods:
    """Pods of a workload: the part of the object that describes them, and one of them."""

    template: Template
    pod: Pod
    workload: Workload


def admit_workload(
    kind: WorkloadKind, workload: Workload, change: Change, policy: Policy, facts: Facts
) -> Decision:
    """Decide which annotations of *workload* are copied to its pods."""
    copies = copies_of(kind, workload, change)
    if isinstance(copies, Skip):
        return copies
    warnings = list(copies.warnings)
    findings: list[Finding] = []
    for pods in pods_of(kind, workload, copies):
        if pods.pod.spec is not None:
            spec = with_defaults(pods.pod.spec, facts.limit_ranges)
            foreseen = planned(replace(pods.pod, spec=spec), policy, facts, workload)
            warnings += _foreseen(foreseen)
            findings += foreseen.findings
    said, found = tuple(dict.fromkeys(warnings)), tuple(dict.fromkeys(findings))
    if not copies.operations:
        return Skip(reason=SkipReason.NOTHING_TO_COPY, warnings=said, findings=found)
    return Mutate(operations=tuple(copies.operations), warnings=said, findings=found)


def copies_of(kind: WorkloadKind, workload: Workload, change: Change) -> Copies | Skip:
    """Return what is copied to the pods of *workload*, or why it is left alone."""
    if not workload.templates:
        return _without_template(kind, workload)
    if _controlled(kind, workload):
        return Skip(reason=SkipReason.NOTHING_TO_COPY)
    if change.operation != "CREATE" and _is_fixed(kind, workload):
        late = tuple(_too_late(kind, workload, change))
        return Skip(reason=SkipReason.NOTHING_TO_COPY, warnings=late)
    downloads = list(controller_downloads(workload)) if workload.downloads else []
    if kind.passes_on:
        annotations = [dict(t.annotations or {}) for t in workload.templates]
        return Copies(annotations=annotations, warnings=downloads)
    copies = copied(workload, kind, change)
    copies.warnings.extend(downloads)
    if kind_of(kind.group, kind.kind) is None:
        copies.warnings.extend(_unknown(kind, workload))
    return copies


def pods_of(kind: WorkloadKind, workload: Workload, copies: Copies) -> Iterator[Pods]:
    """Yield the pods that *workload* makes after *copies*, one for each of its templates."""
    own = workload.annotations if kind.passes_on else {}
    for template, after in zip(workload.templates, copies.annotations, strict=True):
        pod = template.pod({**own, **after}, workload.name)
        if kind.container_name and pod.spec:
            pod = replace(pod, spec=_named(pod.spec, kind.container_name))
        yield Pods(template=template, pod=pod, workload=workload)


def _named(spec: PodSpec, name: str) -> PodSpec:
    """Return *spec* with a name for each container that has none, as its controller gives it.

    With a number where there are several (Knative: revision_defaults.go).
    """
    containers = spec.containers or ()
    taken = {container.name for container in containers}
    free = (one for i in count() if (one := f"{name}-{i}") not in taken)
    names: Iterator[str] = free if len(containers) > 1 else repeat(name)
    return replace(
        spec,
        containers=tuple(
            container if container.name else replace(container, name=next(names))
            for container in containers
        ),
    )


def _controlled(kind: WorkloadKind, workload: Workload) -> bool:
    """Whether the template must stay that of another object, such as a Deployment."""
    owners = workload.metadata.owner_references or ()
    return kind.kind == "ReplicaSet" and any(owner.controller for owner in owners)


def _is_fixed(kind: WorkloadKind, workload: Workload) -> bool:
    return kind.fixed or (kind.fixed_by_name and any(t.name for t in workload.templates))


def _too_late(kind: WorkloadKind, workload: Workload, change: Change) -> Iterator[Problem]:
    """Yield a warning for each annotation that this request adds or changes in vain."""
    before: Mapping[str, str] = wanted_of(change.old)
    for key, value in wanted_of(workload).items():
        there = [asked(template.annotations or {}).get(key) for template in workload.templates]
        if before.get(key) != value and any(found != value for found in there):
            yield Problem(
                codes.UNCHANGEABLE,
                PREFIX + key,
                f"does not reach the pods: the pod template of an existing {kind.kind} can't "
                "change; create it again",
            )


def _unknown(kind: WorkloadKind, workload: Workload) -> Iterator[Problem]:
    for template in workload.templates:
        place = ".".join(map(str, template.path))
        yield Problem(
            codes.UNKNOWN_KIND,
            place,
            f"looks like the pod template of this {kind.kind}, a kind that is not known, "
            "and was taken for it",
        )


def _without_template(kind: WorkloadKind, workload: Workload) -> Skip:
    """Return the answer for an object whose pods, if any, are described elsewhere."""
    keys = wanted_of(workload)
    if not keys or kind.built_in or kind.passes_on:
        return Skip(reason=SkipReason.NOTHING_TO_COPY)
    where = kind.instead or "the pods, or the object that makes them"
    remark = Problem(
        codes.NO_TEMPLATE,
        PREFIX + ("model" if "model" in keys else min(keys)),
        f"has no effect here: this {kind.kind} has no pod template; put the annotation on {where}",
    )
    return Skip(reason=SkipReason.NO_TEMPLATE, warnings=(remark,))


def will_be_refused(problem: Problem) -> Problem:
    """Return the warning that says of a workload for what its pods will be refused."""
    what = f"pods will be refused: {problem.code} {problem.what}"
    return Problem(codes.WILL_BE_REFUSED, problem.where, what)


def _foreseen(plan: Plan | Skip | Deny) -> tuple[Problem, ...]:
    """Return what the reviews of the pods will say: the author sees only this answer."""
    if not isinstance(plan, Deny):
        return plan.warnings
    rules = {finding.problem for finding in plan.findings}
    return (
        *map(will_be_refused, plan.problems),
        *(warning for warning in plan.warnings if warning in rules),
    )
