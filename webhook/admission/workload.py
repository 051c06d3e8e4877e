"""Copy the annotations of a workload to the pods that it makes.

People annotate the Deployment, but its pods are made from the template alone. So the
annotations are copied there. Nothing else of the template is changed: models are
injected into the pods, when they are created.
"""

from collections.abc import Mapping
from typing import Final

from webhook.admission import codes
from webhook.admission.admit import planned
from webhook.admission.copied_keys import copied
from webhook.admission.decision import Decision, Deny, Mutate, Skip, SkipReason
from webhook.admission.plan import Plan
from webhook.admission.policy.documents import Policy
from webhook.admission.problem import Problem
from webhook.objects.facts import Facts
from webhook.objects.meta import Metadata
from webhook.objects.pod import Pod
from webhook.objects.workload import Template, Workload

KINDS: Final = {
    "Deployment": "/spec/template",
    "StatefulSet": "/spec/template",
    "DaemonSet": "/spec/template",
    "ReplicaSet": "/spec/template",
    "Job": "/spec/template",
    "CronJob": "/spec/jobTemplate/spec/template",
}
"""Kind → where its pod template is."""


def template_of(workload: Workload) -> Template | None:
    """Return the pod template of *workload*."""
    if workload.spec is None:
        return None
    if (job := workload.spec.job_template) is not None:
        return job.spec.template if job.spec else None
    return workload.spec.template


def _annotations(metadata: Metadata | None) -> Mapping[str, str]:
    return (metadata and metadata.annotations) or {}


def admit_workload(
    kind: str, operation: str, workload: Workload, policy: Policy, facts: Facts
) -> Decision:
    """Decide which annotations of *workload* are copied into its template."""
    template = template_of(workload)
    if template is None or kind not in KINDS:
        return Skip(reason=SkipReason.NOTHING_TO_COPY)
    owners = (workload.metadata and workload.metadata.owner_references) or ()
    if kind == "ReplicaSet" and any(owner.controller for owner in owners):
        # Its template must stay equal to the Deployment's, or the Deployment makes a new one.
        return Skip(reason=SkipReason.NOTHING_TO_COPY)
    if kind == "Job" and operation == "UPDATE":
        return Skip(reason=SkipReason.NOTHING_TO_COPY)
    own = _annotations(workload.metadata)
    there = _annotations(template.metadata)
    operations, after, warnings = copied(own, there, KINDS[kind], template)
    pod = Pod(metadata=Metadata(annotations=after), spec=template.spec)
    warnings += _foreseen(pod, policy, facts)
    if not operations:
        return Skip(reason=SkipReason.NOTHING_TO_COPY, warnings=tuple(warnings))
    return Mutate(operations=tuple(operations), warnings=tuple(warnings))


def _foreseen(pod: Pod, policy: Policy, facts: Facts) -> tuple[Problem, ...]:
    """Return what the reviews of the pods will say: the author sees only this answer."""
    plan = planned(pod, policy, facts)
    if isinstance(plan, Deny):
        return tuple(
            Problem(codes.WILL_BE_REFUSED, p.where, f"pods will be refused: {p.code} {p.what}")
            for p in plan.problems
        )
    return plan.warnings if isinstance(plan, Plan | Skip) else ()
