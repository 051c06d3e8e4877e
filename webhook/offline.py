"""What the cluster would make of one object, asked of nobody.

A workload is reviewed as the API server would: first its annotations reach the
template, then each pod made of it is injected; the template is shown as its
pods will be.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec

from webhook import codes
from webhook.admission import EXCLUDED
from webhook.admit import planned
from webhook.annotations import PREFIX
from webhook.decision import Decision, Deny, Json, Mutate, Problem, Skip, SkipReason
from webhook.defaulting import defaulted
from webhook.objects import Pod, Workload
from webhook.patch import operations
from webhook.plain import plain
from webhook.plan import Plan
from webhook.response import warning_lines
from webhook.self_check import applied
from webhook.shape import Fault, faults
from webhook.snapshot import Snapshot
from webhook.workload import KINDS, admit_workload
from webhook.yamltext import unshared, written

POD: Final = "Pod"
VERSIONS: Final = {
    POD: "v1",
    "Deployment": "apps/v1",
    "StatefulSet": "apps/v1",
    "DaemonSet": "apps/v1",
    "ReplicaSet": "apps/v1",
    "Job": "batch/v1",
    "CronJob": "batch/v1",
}
"""Kind → its apiVersion."""
_OF_THE_WORKLOAD: Final = (codes.COPIED, codes.TEMPLATE_WINS, codes.UNTEMPLATED)
"""What the review of a workload says of itself; the rest it foresees of its pods."""


class Misshapen(Exception):
    """The object can't be decoded; carries every value of the wrong type."""

    def __init__(self, name: str, found: Sequence[Fault]) -> None:
        self.name = name
        self.faults = tuple(found)
        super().__init__(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one object."""

    name: str
    is_pod: bool
    before: Any
    after: Any
    decision: Decision
    operations: tuple[Json, ...] = ()
    plan: Plan | None = None
    warnings: tuple[str, ...] = ()

    @property
    def refused(self) -> bool:
        """Whether the object, or each pod made of it, is refused."""
        return isinstance(self.decision, Deny)


def _concerns_us(value: Any) -> bool:  # noqa: ANN401  # any JSON value
    """Whether some mapping of *value* has a key of ours."""
    match value:
        case dict():
            return any(key.startswith(PREFIX) or _concerns_us(v) for key, v in value.items())
        case list():
            return any(map(_concerns_us, value))
        case _:
            return False


def _name(kind: str, content: Json) -> str:
    metadata = content.get("metadata")
    if not isinstance(metadata, dict):
        metadata = {}
    return f"{kind.lower()}/{metadata.get('name') or metadata.get('generateName') or ''}"


def admit_object(document: Any, world: Snapshot) -> Outcome | None:  # noqa: ANN401
    """Return what the cluster makes of one object; None if it does not concern us.

    Misshapen carries every value of the wrong type; ValueError says what can't
    be sent at all.
    """
    kind = document.get("kind") if isinstance(document, dict) else None
    if not isinstance(kind, str) or kind not in VERSIONS:
        return None
    content = plain(document)
    version = content.get("apiVersion")
    if not _concerns_us(content) or _group(version) not in (None, _group(VERSIONS[kind])):
        return None
    name = _name(kind, content)
    found = list(faults(content, Workload if kind in KINDS else Pod))
    if version != VERSIONS[kind]:
        found.insert(0, Fault(("apiVersion",), f"must be {VERSIONS[kind]} for a {kind}"))
    if found:
        raise Misshapen(name, found)
    before = unshared(document)
    namespace = (content.get("metadata") or {}).get("namespace") or world.namespace
    outcome = Outcome(
        name=name,
        is_pod=kind == POD,
        before=before,
        after=before,
        decision=Skip(reason=SkipReason.EXCLUDED_NAMESPACE),
    )
    return outcome if namespace in EXCLUDED else _admitted(outcome, kind, content, namespace, world)


def _group(version: Any) -> str | None:  # noqa: ANN401  # any JSON value
    if not isinstance(version, str):
        return None
    return version.rpartition("/")[0]


def _admitted(
    outcome: Outcome, kind: str, content: Json, namespace: str, world: Snapshot
) -> Outcome:
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
    """Return *document* with the resources that LimitRanger gave, where a patch builds on them."""
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
