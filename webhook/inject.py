"""The decisions of the cluster for files: modelcache inject and modelcache check.

A workload is reviewed as the API server would: first its annotations reach the
template, then each pod made of it is injected; the template is shown as its
pods will be. Documents that do not concern us come back byte for byte.
"""

import copy
import io
import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
from ruamel.yaml import YAML

from webhook import codes, present
from webhook.admission import EXCLUDED
from webhook.admit import planned
from webhook.annotations import PREFIX
from webhook.decision import Decision, Deny, Json, Mutate, Problem, Skip, SkipReason
from webhook.defaulting import defaulted
from webhook.documents import Document, parse, read_documents
from webhook.objects import Pod, Workload
from webhook.patch import operations
from webhook.plan import Plan
from webhook.self_check import applied
from webhook.snapshot import Snapshot
from webhook.wire import warning_lines
from webhook.workload import KINDS, admit_workload

_OF_THE_WORKLOAD: Final = (codes.COPIED, codes.TEMPLATE_WINS, codes.UNTEMPLATED)
"""What the review of a workload says of itself; the rest it foresees of its pods."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one object."""

    name: str
    before: Any
    after: Any
    operations: tuple[Json, ...]
    decision: Decision
    plan: Plan | None
    warnings: tuple[str, ...]

    @property
    def concerns_us(self) -> bool:
        """Whether anything is to be said of it."""
        return bool(self.operations or self.warnings or isinstance(self.decision, Deny))


def plain(value: Any) -> Any:  # noqa: ANN401  # any YAML value
    """Return *value* as JSON knows it: no comments, no subclasses, timestamps as text."""
    match value:
        case dict():
            return {str(k): plain(v) for k, v in value.items()}
        case list() | tuple():
            return [plain(v) for v in value]
        case bool() | None:
            return value
        case int():
            return int(value)
        case float():
            return float(value)
        case _:
            return str(value)


def _at(document: Any, pointer: str) -> Any:  # noqa: ANN401  # any YAML value
    for token in pointer.strip("/").split("/"):
        document = (document or {}).get(token)
    return document


def _concerned(document: Any) -> bool:  # noqa: ANN401  # any YAML value
    if not isinstance(document, dict) or document.get("kind") not in (*KINDS, "Pod"):
        return False
    return PREFIX in json.dumps(plain(document))


def admit_document(document: Any, world: Snapshot) -> Outcome | None:  # noqa: ANN401
    """Return what the cluster makes of one object; None if it does not concern us."""
    if not _concerned(document):
        return None
    kind = document["kind"]
    content = plain(document)
    metadata = content.get("metadata") or {}
    name = f"{kind.lower()}/{metadata.get('name') or metadata.get('generateName') or ''}"
    namespace = metadata.get("namespace") or world.namespace
    facts = world.facts(namespace)
    result = copy.deepcopy(document)
    patch: list[Json] = []
    warnings: list[Problem] = []
    pointer = KINDS.get(kind, "")
    if namespace in EXCLUDED:
        decision: Decision = Skip(reason=SkipReason.EXCLUDED_NAMESPACE)
        return Outcome(
            name=name,
            before=document,
            after=document,
            operations=(),
            decision=decision,
            plan=None,
            warnings=(),
        )
    if pointer:
        workload = _converted(content, Workload, name)
        decision = admit_workload(kind, "CREATE", workload, world.policy, facts)
        if isinstance(decision, Mutate):
            patch += decision.operations
            result = applied(result, decision.operations)
        warnings += [w for w in decision.warnings if w.code in _OF_THE_WORKLOAD]
    template = plain(_at(result, pointer) if pointer else result) or {}
    defaulted(template.setdefault("spec", {}) or {}, facts.limit_ranges)
    pod = _converted(template, Pod, name)
    plan = planned(pod, world.policy, facts)
    if isinstance(plan, Plan):
        ops = tuple(_below(pointer, operation) for operation in operations(pod, plan))
        decision = Mutate(operations=ops, warnings=plan.warnings, strategy=plan.strategy)
        result = applied(_with_defaults(result, pointer, template, ops), ops)
        patch += ops
    else:
        decision = plan
    warnings += decision.warnings
    return Outcome(
        name=name,
        before=document,
        after=result,
        operations=tuple(patch),
        decision=decision,
        plan=plan if isinstance(plan, Plan) else None,
        warnings=tuple(warning_lines(tuple(dict.fromkeys(warnings)))),
    )


def _with_defaults(
    document: Any,  # noqa: ANN401  # any YAML value
    pointer: str,
    template: dict[str, Any],
    patch: Iterable[Json],
) -> Any:  # noqa: ANN401  # any YAML value
    """Return *document* with the resources that LimitRanger gave, where a patch builds on them."""
    place = _at(document, pointer) if pointer else document
    for field in ("containers", "initContainers"):
        for i, container in enumerate((place.get("spec") or {}).get(field) or ()):
            path = f"{pointer}/spec/{field}/{i}/resources"
            if any(operation["path"].startswith(path) for operation in patch):
                filled = template["spec"][field][i].get("resources")
                if filled != plain(container.get("resources")):
                    container["resources"] = filled
    return document


def _below(pointer: str, operation: Json) -> Json:
    return {**operation, "path": pointer + operation["path"]}


def _converted(content: Any, kind: type[Any], name: str) -> Any:  # noqa: ANN401
    try:
        return msgspec.convert(content, kind)
    except msgspec.ValidationError as error:
        raise ValueError(f"{name}: {error}; quote values of annotations") from error


def _objects(document: Document) -> tuple[Any, list[Any]]:
    """Return the content of a document, and its objects: itself, or the items of a List."""
    content = parse(document)
    if isinstance(content, dict) and content.get("kind") == "List":
        return content, list(content.get("items") or ())
    return content, [content]


def run(paths: Iterable[Path], world: Snapshot, *, output: str, diff: bool, explain: bool) -> bool:
    """Print what the cluster would admit of *paths*; return whether something is refused."""
    refused, errors, results = False, [], []
    for document in read_documents(paths):
        try:
            content, objects = _objects(document)
            outcomes = [admit_document(item, world) for item in objects]
        except ValueError as error:
            text = str(error)
            errors.append(text if text.startswith(document.place) else f"{document.place}: {text}")
            continue
        results.append((document, content, [o for o in outcomes if o]))
        if isinstance(content, dict) and content.get("kind") == "List":
            for i, outcome in enumerate(outcomes):
                if outcome:
                    content["items"][i] = outcome.after
    if errors:
        raise ValueError("\n".join(errors))
    for document, content, found in results:
        refused |= _print(document, content, found, output=output, diff=diff, explain=explain)
    sys.stdout.flush()
    return refused


def _print(  # the options of the command
    document: Document,
    content: Any,  # noqa: ANN401  # any YAML value
    outcomes: list[Outcome],
    *,
    output: str,
    diff: bool,
    explain: bool,
) -> bool:
    refused = _report(outcomes)
    if diff or explain:
        for outcome in outcomes:
            if diff and outcome.operations:
                present.diff(outcome.name, dumped(outcome.before), dumped(outcome.after))
            if explain and outcome.plan:
                present.explain(outcome.name, outcome.plan)
        return refused
    if output == "patch":
        for outcome in outcomes:
            present.write(json.dumps(list(outcome.operations), indent=2) + "\n")
        return refused
    kept = [o for o in outcomes if not isinstance(o.decision, Deny)]
    if len(kept) < len(outcomes):
        return refused
    if not any(o.operations for o in kept) and output == "yaml":
        present.write_bytes(document.separator + document.text)
        return refused
    whole = content if isinstance(content, dict) and content.get("kind") == "List" else None
    after = whole if whole is not None else (kept[0].after if kept else content)
    if output == "json":
        if after is not None:
            present.write(json.dumps(plain(after), indent=2) + "\n")
    else:
        present.write_bytes(document.separator)
        present.write(dumped(after))
    return refused


def dumped(value: Any) -> str:  # noqa: ANN401  # any YAML value
    """Return *value* as YAML, comments and order as they were."""
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096
    yaml.representer.ignore_aliases = lambda _: True
    yaml.indent(mapping=2, sequence=2, offset=0)
    text = io.StringIO()
    yaml.dump(value, text)
    return text.getvalue()


def _report(outcomes: Iterable[Outcome]) -> bool:
    refused = False
    for outcome in outcomes:
        for line in outcome.warnings:
            present.warning(line)
        if isinstance(outcome.decision, Deny):
            refused = True
            present.refusal(outcome.name, outcome.decision)
    return refused


def _judged(paths: Iterable[Path], world: Snapshot) -> Iterator[Outcome]:
    for document in read_documents(paths):
        for item in _objects(document)[1]:
            if outcome := admit_document(item, world):
                yield outcome


def verdicts(paths: Iterable[Path], world: Snapshot) -> bool:
    """Print a line for each object of *paths* that concerns us; return whether one is refused."""
    refused = False
    for outcome in _judged(paths, world):
        for line in outcome.warnings:
            present.warning(line)
        decision = outcome.decision
        refused |= isinstance(decision, Deny)
        present.verdict(outcome.name, decision)
    return refused
