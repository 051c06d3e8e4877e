"""Admit a pod, or the pods that a workload makes.

A workload is treated as in a cluster: first its annotations are copied to its templates,
then each pod created from a template is injected.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from webhook.admission import codes
from webhook.admission.admit import MIRROR, planned
from webhook.admission.authorship import Change
from webhook.admission.decision import Deny, Mutate, Skip, SkipReason, warning_lines
from webhook.admission.judge import Judge
from webhook.admission.patch import operations
from webhook.admission.plan import Plan
from webhook.admission.problem import Finding, Problem
from webhook.admission.workload import Pods, copies_of, pods_of
from webhook.documents.plain import plain
from webhook.documents.text import written
from webhook.objects.defaulting import defaulted
from webhook.objects.facts import Facts
from webhook.objects.json import Json
from webhook.objects.json_patch import add, applied
from webhook.objects.meta import Metadata
from webhook.objects.pod import Pod, PodSpec
from webhook.objects.workload import Path, Workload, pointer, read_workload
from webhook.objects.workload_kinds import WorkloadKind
from webhook.offline.outcome import Outcome, Part
from webhook.offline.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pods:
    """Pods of an object: where it has their specification and their annotations."""

    name: str
    metadata: Metadata
    spec_at: str | None
    annotations_at: str
    workload: Workload | None = None
    missing: tuple[str, ...] = ()
    """The steps to the annotations that are absent, as in Template."""
    must_have_containers: bool = True


def admitted(
    outcome: Outcome, kind: WorkloadKind | None, content: Json, namespace: str, world: World
) -> Outcome:
    """Return *outcome* completed by the decisions about *content*, its object as plain JSON.

    *kind*: None for a pod.
    """
    facts = world.facts(namespace)
    patch: list[Json] = []
    warnings: list[Problem] = []
    if kind is None:
        pod = msgspec.convert(content, Pod)
        every = [
            _Pods(
                name=outcome.name,
                metadata=pod.metadata or Metadata(),
                spec_at="/spec",
                annotations_at="/metadata/annotations",
            )
        ]
    else:
        workload = read_workload(content, kind)
        copies = copies_of(kind, workload, Change())
        warnings += copies.warnings
        if isinstance(copies, Skip):
            return _finished(outcome, [Part(name=outcome.name, decision=copies)], patch, warnings)
        patch += copies.operations
        content = applied(content, patch)
        every = list(_described(outcome.name, kind, pods_of(kind, workload, copies)))
    outcome = replace(outcome, after=_with(outcome.before, patch))
    parts = []
    for pods in every:
        part, added, said = _injected(pods, content, world, facts)
        spec = _at(content, pods.spec_at or "")
        after = _filled(outcome.after, pods.spec_at or "", spec, added)
        outcome = replace(outcome, after=_with(after, added))
        parts.append(part)
        patch += added
        warnings += said
    return _finished(outcome, parts, patch, warnings)


def _finished(
    outcome: Outcome, parts: Iterable[Part], patch: Iterable[Json], warnings: Iterable[Problem]
) -> Outcome:
    lines = tuple(warning_lines(tuple(dict.fromkeys(warnings))))
    return replace(outcome, parts=tuple(parts), operations=tuple(patch), warnings=lines)


def _described(name: str, kind: WorkloadKind, every: Iterable[Pods]) -> Iterator[_Pods]:
    """Yield what is known of each sort of pods; of those that share a part, the described ones."""
    parts: dict[Path, list[Pods]] = {}
    for pods in every:
        parts.setdefault(pods.template.path, []).append(pods)
    for path, same in parts.items():
        shown = [pods for pods in same if pods.template.spec is not None] or same[:1]
        for i, pods in enumerate(shown):
            template = pods.template
            place = path if template.is_template else template.spec_path or path
            yield _Pods(
                name=name if kind.has_one else f"{name} {'.'.join(map(str, place))}",
                metadata=pods.pod.metadata or Metadata(),
                workload=pods.workload,
                spec_at=None if template.spec_path is None else pointer(template.spec_path),
                annotations_at=template.pointer,
                missing=() if kind.copies or i else template.missing,
                must_have_containers=not kind.built_in,
            )


def _injected(
    pods: _Pods, content: Json, world: World, facts: Facts
) -> tuple[Part, list[Json], list[Problem]]:
    """Return the decision about *pods*, the operations on their object, and warnings."""
    spec = None if pods.spec_at is None else _at(content, pods.spec_at)
    defaulted(spec or {}, facts.limit_ranges)
    pod = Pod(metadata=pods.metadata, spec=msgspec.convert(spec or {}, PodSpec))
    if pods.must_have_containers and not (pod.spec and pod.spec.containers):
        return Part(name=pods.name, decision=None), [], []
    plan = _known(planned(pod, world.policy, facts, pods.workload))
    patch = list(operations(pod, plan)) if isinstance(plan, Plan) else []
    judge = Judge(world.policy, pod, facts, pods.workload)
    found = _found(pod, spec or {}, patch, judge) if world.policy.judges_every_pod else ()
    told = [*plan.warnings, *judge.warnings(found)]
    if isinstance(plan, Skip) and MIRROR not in pod.annotations:
        told += world.policy.unjudged(facts.namespace, facts.namespace_labels, requested=False)
    part = Part(
        name=pods.name, decision=None, subject=judge.subject, findings=(*plan.findings, *found)
    )
    refusing = judge.refusing(found)
    if isinstance(plan, Deny):
        problems = (*plan.problems, *refusing)
        return replace(part, decision=replace(plan, problems=problems)), [], told
    if refusing:
        refused = Deny(problems=tuple(refusing), forbidden=True)
        return replace(part, decision=refused), [], judge.warnings(found)
    if isinstance(plan, Skip):
        return replace(part, decision=plan), [], told
    added = list(_moved(patch, pods))
    decision = Mutate(operations=tuple(added), strategy=plan.strategy)
    return replace(part, decision=decision, plan=plan), added, told


def _known(plan: Plan | Skip | Deny) -> Plan | Skip | Deny:
    """Return *plan*, with a warning in place of a refusal for what could not be read."""
    unseen = [p for p in plan.problems if p.code == codes.UNSEEN] if isinstance(plan, Deny) else []
    if not unseen or not isinstance(plan, Deny):
        return plan
    warnings = (*unseen, *plan.warnings)
    if problems := tuple(p for p in plan.problems if p not in unseen):
        return replace(plan, problems=problems, warnings=warnings)
    return Skip(reason=SkipReason.NOT_JUDGED, warnings=warnings, findings=plan.findings)


def _found(pod: Pod, spec: Json, patch: Iterable[Json], judge: Judge) -> tuple[Finding, ...]:
    """Return what rules that concern every pod find in it, after *patch*."""
    if MIRROR in pod.annotations:
        return ()
    ours = [operation for operation in patch if operation["path"].startswith("/spec")]
    after = applied({"spec": spec}, ours)["spec"]
    return judge.running(msgspec.convert(after, PodSpec))


def _moved(patch: Iterable[Json], pods: _Pods) -> Iterator[Json]:
    """Yield the operations of a pod as operations on the object that describes it."""
    at = pods.annotations_at.split("/")
    for i in range(len(pods.missing), 0, -1):
        yield add("/".join(at[: len(at) - i + 1]), {})
    for operation in patch:
        path = operation["path"]
        for ours, theirs in (
            ("/metadata/annotations", pods.annotations_at), ("/spec", pods.spec_at or ""),
        ):  # fmt: skip
            if path.startswith(ours):
                yield {**operation, "path": theirs + path.removeprefix(ours)}


def _with(document: Any, patch: Iterable[Json]) -> Any:  # noqa: ANN401  # any YAML value
    return applied(document, [written(operation) for operation in patch])


def _at(document: Any, place: str) -> Any:  # noqa: ANN401  # any YAML value
    for token in filter(None, place.split("/")):
        key = token.replace("~1", "/").replace("~0", "~")
        is_list = isinstance(document, list)
        document = document[int(key)] if is_list else (document or {}).get(key)
    return document


def _filled(
    document: Any,  # noqa: ANN401  # any YAML value
    spec_at: str,
    spec: Json | None,
    patch: Iterable[Json],
) -> Any:  # noqa: ANN401  # any YAML value
    """Return *document* with resources that LimitRanger set, if a patch changes them."""
    place = _at(document, spec_at) or {}
    paths = [operation["path"] for operation in patch]
    for field in ("containers", "initContainers"):
        for i, container in enumerate(place.get(field) or () if paths else ()):
            below = f"{spec_at}/{field}/{i}/resources"
            resources = ((spec or {})[field][i]).get("resources")
            needed = any(path == below or path.startswith(below + "/") for path in paths)
            if needed and resources != plain(container.get("resources")):
                container["resources"] = resources
    return document
