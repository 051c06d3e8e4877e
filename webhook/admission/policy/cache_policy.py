"""Read a CachePolicy document: defaults and rules, by namespace."""

from collections.abc import Collection, Iterator
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from webhook.admission.policy.rules.catalogue import BY_NAME
from webhook.admission.policy.rules.rule import Rule
from webhook.admission.reading import DECLARED
from webhook.admission.request.annotations import PREFIX, read, unknown
from webhook.models.model_document import Named
from webhook.objects.label_selector import Selector
from webhook.values.constraints import broken, nearest
from webhook.values.lenient import known_part
from webhook.values.readers import object_name
from webhook.values.shape import Fault, faults

_DEFAULTS: Final = {a.name: (field, a) for field, a in DECLARED.items() if a.platform}
"""The annotations that a policy may give a default, by name."""


class PolicySpec(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The namespaces, defaults and rules of a CachePolicy."""

    namespace_selector: Annotated[
        Selector, Meta(description="The namespaces that it is for, by their labels; default: all.")
    ] = Selector()
    priority: Annotated[
        int,
        Meta(
            description="If several policies give the same default, the one with the highest "
            "priority wins, then the one with the later name.",
            ge=-1_000_000,
            le=1_000_000,
        ),
    ] = 0
    defaults: Annotated[
        dict[str, str],
        Meta(
            description="Annotations that the platform writes for its users, without "
            "modelcache.io/. Those of a pod win over them."
        ),
    ] = {}
    unknown_annotations: Annotated[
        Literal["Warn", "Refuse"],
        Meta(
            description="What happens to pods with an annotation below modelcache.io/ that is not "
            "known.",
            extra={"order": ("Warn", "Refuse")},
        ),
    ] = "Warn"
    rules: Annotated[
        dict[str, Any],
        Meta(
            description="What is refused. A rule that is left out refuses nothing. The rules of "
            "all policies that select a namespace hold."
        ),
    ] = {}


class CachePolicy(msgspec.Struct, frozen=True):
    """Defaults and rules for the namespaces that a selector names."""

    name: str
    selector: Selector
    priority: int
    defaults: dict[str, str]
    refuses_unknown: bool = False
    rules: tuple[Rule, ...] = ()


class _PolicyDocument(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A whole CachePolicy document. Nothing of its status is read."""

    metadata: Named
    spec: PolicySpec
    api_version: str | None = None
    kind: str | None = None
    status: dict[str, Any] | None = None


def known_fields(document: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return a document without what this version doesn't know, and the places of it.

    The schema of a cluster may be newer than we are, and have another default or rule.
    """
    known, dropped = known_part(document, _PolicyDocument)
    spec = known.get("spec")
    if not isinstance(spec, dict):
        return known, dropped
    spec = dict(spec)
    if isinstance(defaults := spec.get("defaults"), dict):
        spec["defaults"], unknown_defaults = _split(defaults, _DEFAULTS)
        dropped += [f"spec.defaults.{name}" for name in unknown_defaults]
    if isinstance(rules := spec.get("rules"), dict):
        spec["rules"], unknown_rules = _split(rules, BY_NAME)
        dropped += [f"spec.rules.{name}" for name in unknown_rules]
        for name, content in spec["rules"].items():
            spec["rules"][name], fields = known_part(content, BY_NAME[name])
            dropped += [f"spec.rules.{name}.{field}" for field in fields]
    return {**known, "spec": spec}, dropped


def _split(content: dict[str, Any], known: Collection[str]) -> tuple[dict[str, Any], list[str]]:
    """Return what of *content* has a *known* name, and the other names."""
    names = {key: key.removeprefix(PREFIX) in known for key in content}
    return {key: content[key] for key in names if names[key]}, [
        key for key in names if not names[key]
    ]


def cache_policy(document: dict[str, Any]) -> CachePolicy:
    """Return the policy of a CachePolicy document. Raises ValueError with every fault."""
    found = [*faults(document, _PolicyDocument), *broken(document, _PolicyDocument)]
    problems = [f"{fault.where}: {fault.what}" for fault in found]
    metadata, content = document.get("metadata"), document.get("spec")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    if isinstance(name, str):
        try:
            object_name(name)
        except ValueError as error:
            problems.append(f"metadata.name: {error}")
    if not isinstance(content, dict):
        raise ValueError("; ".join(problems))
    wrong = {fault.path[1] for fault in found if fault.path[0] == "spec" and len(fault.path) > 1}
    spec = msgspec.convert({k: v for k, v in content.items() if k not in wrong}, PolicySpec)
    problems += [
        f"spec.namespaceSelector: {fault}"
        for requirement in spec.namespace_selector.match_expressions
        for fault in requirement.faults()
    ]
    defaults = {k.removeprefix(PREFIX): v for k, v in spec.defaults.items()}
    problems += [
        f"spec.defaults.{fault.where.removeprefix(PREFIX)}: {fault.what}"
        for fault in unknown(defaults, _DEFAULTS) + read(_DEFAULTS.values(), defaults)[1]
    ]
    rules, wrong_rules = _rules(spec.rules)
    problems += [f"spec.{fault.where}: {fault.what}" for fault in wrong_rules]
    problems += [f"spec.{fault}" for rule in rules for fault in rule.faults(defaults)]
    if problems:
        raise ValueError("; ".join(problems))
    return CachePolicy(
        name=str(name),
        selector=spec.namespace_selector,
        priority=spec.priority,
        defaults=defaults,
        refuses_unknown=spec.unknown_annotations == "Refuse",
        rules=tuple(rules),
    )


def _rules(content: dict[str, Any]) -> tuple[list[Rule], list[Fault]]:
    """Return the rules of spec.rules in the order of their catalogue, and every fault."""
    rules, found = [], list(_unknown(content))
    for name, kind in BY_NAME.items():
        if name not in content:
            continue
        at = ("rules", name)
        wrong = [Fault((*at, *fault.path), fault.what) for fault in faults(content[name], kind)]
        wrong += broken(content[name], kind, at)
        if not wrong:
            rules.append(msgspec.convert(content[name], kind))
        found += wrong
    return rules, found


def _unknown(content: dict[str, Any]) -> Iterator[Fault]:
    for name in content:
        if name not in BY_NAME:
            yield Fault(("rules", name), f"is not known; {nearest(name, list(BY_NAME))}")
