"""The story of one workload: its annotations reach the pods it makes.

People annotate the Deployment; its pods are made of the template alone. So the
keys are copied, and copied-keys on the workload remembers which, to follow a
change or a removal later. Nothing is injected into a template: the pods are,
when they are made.

    on the workload    in the template    listed in copied-keys    →
    set                absent             either                   copied
    set                other value        yes                      follows the workload
    set                other value        no                       the template wins, warning
    absent             set                yes                      taken out again
"""

from collections.abc import Mapping
from typing import Final

from webhook import codes
from webhook.admit import planned
from webhook.annotations import COPIED_KEYS, PREFIX, asked
from webhook.decision import Decision, Deny, Json, Mutate, Problem, Skip, SkipReason
from webhook.facts import Facts
from webhook.objects.meta import Metadata
from webhook.objects.pod import Pod
from webhook.objects.workload import Template, Workload
from webhook.plan import Plan
from webhook.pointer import add, escaped, remove, replace
from webhook.policy import Policy

KINDS: Final = {
    "Deployment": "/spec/template",
    "StatefulSet": "/spec/template",
    "DaemonSet": "/spec/template",
    "ReplicaSet": "/spec/template",
    "Job": "/spec/template",
    "CronJob": "/spec/jobTemplate/spec/template",
}
"""Kind → where its pod template is."""
_NEVER_COPIED: Final = frozenset(("injected", "copied-keys"))


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
        # Its template must stay the Deployment's, or the Deployment makes another one.
        return Skip(reason=SkipReason.NOTHING_TO_COPY)
    if kind == "Job" and operation == "UPDATE":
        return Skip(reason=SkipReason.NOTHING_TO_COPY)
    own = _annotations(workload.metadata)
    there = _annotations(template.metadata)
    copied = {k for k in own.get(COPIED_KEYS, "").split(",") if k}
    operations, after, warnings = _copy(own, there, copied, KINDS[kind], template)
    pod = Pod(metadata=Metadata(annotations=after), spec=template.spec)
    warnings += _foreseen(pod, policy, facts)
    if not operations:
        return Skip(reason=SkipReason.NOTHING_TO_COPY, warnings=tuple(warnings))
    return Mutate(operations=tuple(operations), warnings=tuple(warnings))


def _copy(
    own: Mapping[str, str],
    there: Mapping[str, str],
    copied: set[str],
    pointer: str,
    template: Template,
) -> tuple[list[Json], dict[str, str], list[Problem]]:
    wanted = {k: v for k, v in asked(own).items() if k not in _NEVER_COPIED}
    present = asked(there)
    added: list[str] = []
    followed: list[str] = []
    kept: list[str] = []
    for key, value in wanted.items():
        if key not in present:
            added.append(key)
        elif present[key] != value:
            (followed if key in copied else kept).append(key)
    vanished = sorted(k for k in copied if k not in wanted and k in present)
    warnings = []
    if added or followed:
        names = ", ".join(PREFIX + key for key in sorted((*added, *followed)))
        warnings.append(Problem(codes.COPIED, "metadata", f"copied {names} into the pod template"))
    warnings += [
        Problem(
            codes.TEMPLATE_WINS,
            PREFIX + key,
            "the pod template has another value, which wins over the workload's",
        )
        for key in sorted(kept)
    ]
    warnings += [
        Problem(codes.UNTEMPLATED, PREFIX + key, "taken out of the pod template, as it was copied")
        for key in vanished
    ]
    annotations = pointer + "/metadata/annotations"
    values = {PREFIX + key: wanted[key] for key in added}
    operations: list[Json] = []
    if added and template.metadata is None:
        operations.append(add(pointer + "/metadata", {"annotations": values}))
    elif added and template.metadata and template.metadata.annotations is None:
        operations.append(add(annotations, values))
    else:
        operations += [add(f"{annotations}/{escaped(k)}", v) for k, v in values.items()]
    operations += [
        replace(f"{annotations}/{escaped(PREFIX + key)}", wanted[key]) for key in followed
    ]
    operations += [remove(f"{annotations}/{escaped(PREFIX + key)}") for key in vanished]
    operations += _remembered(own, sorted({*added, *(copied & wanted.keys())}))
    after = {k: v for k, v in there.items() if k.removeprefix(PREFIX) not in vanished}
    after |= values | {PREFIX + key: wanted[key] for key in followed}
    return operations, after, warnings


def _remembered(own: Mapping[str, str], keys: list[str]) -> list[Json]:
    path = "/metadata/annotations/" + escaped(COPIED_KEYS)
    text = ",".join(keys)
    if text == own.get(COPIED_KEYS, ""):
        return []
    if not text:
        return [remove(path)]
    if not own:
        return [add("/metadata/annotations", {COPIED_KEYS: text})]
    return [add(path, text) if COPIED_KEYS not in own else replace(path, text)]


def _foreseen(pod: Pod, policy: Policy, facts: Facts) -> tuple[Problem, ...]:
    """Return what the review of each pod will say: its author sees only this answer."""
    plan = planned(pod, policy, facts)
    if isinstance(plan, Deny):
        return tuple(
            Problem(codes.WILL_BE_REFUSED, p.where, f"pods will be refused: {p.code} {p.what}")
            for p in plan.problems
        )
    return plan.warnings if isinstance(plan, Plan | Skip) else ()
