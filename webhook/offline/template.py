"""Admit a pod, or the pod template of a workload.

A workload is treated as in a cluster: first its annotations are copied to the
template, then each pod created from the template is injected.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final

import msgspec

from webhook.admission import codes
from webhook.admission.admit import planned
from webhook.admission.decision import Mutate, warning_lines
from webhook.admission.patch import operations
from webhook.admission.plan import Plan
from webhook.admission.problem import Problem
from webhook.admission.workload import KINDS, admit_workload
from webhook.documents.plain import plain
from webhook.documents.text import written
from webhook.objects.defaulting import defaulted
from webhook.objects.json import Json
from webhook.objects.json_patch import applied
from webhook.objects.pod import Pod
from webhook.objects.workload import Workload
from webhook.offline.outcome import Outcome
from webhook.offline.snapshot import Snapshot

_OF_THE_WORKLOAD: Final = (codes.COPIED, codes.TEMPLATE_WINS, codes.UNTEMPLATED)
"""Codes of warnings about the workload itself; the other warnings foresee those of its pods."""


def admitted(
    outcome: Outcome, kind: str, content: Json, namespace: str, world: Snapshot
) -> Outcome:
    """Return *outcome* completed by the decision about *content*, its object as plain JSON."""
    facts = world.facts(namespace)
    patch: list[Json] = []
    warnings: list[Problem] = []
    if pointer := KINDS.get(kind, ""):
        workload = msgspec.convert(content, Workload)
        decision = admit_workload(kind, "CREATE", workload, world.policy, facts)
        if isinstance(decision, Mutate):
            patch += decision.operations
            content = applied(content, patch)
        warnings += [w for w in decision.warnings if w.code in _OF_THE_WORKLOAD]
    template = (_at(content, pointer) if pointer else content) or {}
    defaulted(template.get("spec") or {}, facts.limit_ranges)
    pod = msgspec.convert(template, Pod)
    plan = planned(pod, world.policy, facts)
    warnings += plan.warnings
    after = _with(outcome.before, patch)
    if isinstance(plan, Plan):
        added = [
            {**operation, "path": pointer + operation["path"]}
            for operation in operations(pod, plan)
        ]
        decision = Mutate(operations=tuple(added), strategy=plan.strategy)
        after = _with(_filled(after, pointer, template, added), added)
        patch += added
    else:
        decision = plan
    return replace(
        outcome,
        after=after,
        decision=decision,
        operations=tuple(patch),
        plan=plan if isinstance(plan, Plan) else None,
        warnings=tuple(warning_lines(tuple(dict.fromkeys(warnings)))),
    )


def _with(document: Any, patch: Iterable[Json]) -> Any:  # noqa: ANN401  # any YAML value
    return applied(document, [written(operation) for operation in patch])


def _at(document: Any, pointer: str) -> Any:  # noqa: ANN401  # any YAML value
    for token in pointer.strip("/").split("/"):
        document = (document or {}).get(token)
    return document


def _filled(
    document: Any,  # noqa: ANN401  # any YAML value
    pointer: str,
    template: Json,
    patch: Iterable[Json],
) -> Any:  # noqa: ANN401  # any YAML value
    """Return *document* with resources that LimitRanger set, if a patch changes them."""
    place = (_at(document, pointer) if pointer else document) or {}
    paths = [operation["path"] for operation in patch]
    for field in ("containers", "initContainers"):
        for i, container in enumerate((place.get("spec") or {}).get(field) or ()):
            below = f"{pointer}/spec/{field}/{i}/resources"
            resources = template["spec"][field][i].get("resources")
            needed = any(path == below or path.startswith(below + "/") for path in paths)
            if needed and resources != plain(container.get("resources")):
                container["resources"] = resources
    return document
