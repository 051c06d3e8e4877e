"""What the platform team decides: CachePolicy documents and the catalogue.

A default is an annotation that the platform wrote for its users. Where several
policies select a namespace, the one with the higher priority has the word.
Rules are not part of this version: a document that has some is refused, since
a rule that is read and not enforced would be worse than none.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from webhook.annotations import PREFIX, declared, read, unknown
from webhook.catalogue import CachedModel, Catalogue, cached_model
from webhook.decision import quoted
from webhook.request import Annotations

API_VERSION: Final = "modelcache.io/v1alpha1"
_NAME_LABEL: Final = "kubernetes.io/metadata.name"


class Requirement(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """One matchExpressions entry of a label selector."""

    key: str
    operator: str
    values: tuple[str, ...] = ()

    def holds(self, labels: Mapping[str, str]) -> bool:
        """Whether *labels* meet it (meta/v1 LabelSelectorRequirement)."""
        value = labels.get(self.key)
        match self.operator:
            case "In":
                return value in self.values
            case "NotIn":
                return value not in self.values
            case "Exists":
                return value is not None
            case _:
                return value is None


class Selector(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A label selector; empty selects every namespace."""

    match_labels: dict[str, str] = {}
    match_expressions: tuple[Requirement, ...] = ()

    def holds(self, labels: Mapping[str, str]) -> bool:
        """Whether a namespace with *labels* is selected."""
        return all(labels.get(k) == v for k, v in self.match_labels.items()) and all(
            requirement.holds(labels) for requirement in self.match_expressions
        )


class PolicySpec(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The part of a CachePolicy that this version knows."""

    namespace_selector: Selector = Selector()
    priority: int = 0
    defaults: dict[str, str] = {}
    rules: tuple[Any, ...] = ()


class CachePolicy(msgspec.Struct, frozen=True):
    """Defaults for the namespaces that a selector names."""

    name: str
    selector: Selector
    priority: int
    defaults: dict[str, str]


def cache_policy(document: dict[str, Any]) -> CachePolicy:
    """Return the policy of a CachePolicy document; ValueError names every fault."""
    name = str((document.get("metadata") or {}).get("name") or "")
    if not name:
        raise ValueError("metadata.name: is missing")
    spec = msgspec.convert(document.get("spec") or {}, PolicySpec)
    problems = []
    if spec.rules:
        problems.append("spec.rules: this version enforces no rules; remove them")
    for requirement in spec.namespace_selector.match_expressions:
        if requirement.operator not in ("In", "NotIn", "Exists", "DoesNotExist"):
            problems.append(
                f"spec.namespaceSelector: {quoted(requirement.operator)} is not one of "
                "In, NotIn, Exists, DoesNotExist"
            )
    defaults = {k.removeprefix(PREFIX): v for k, v in spec.defaults.items()}
    known = {a.name: (f, a) for f, a in declared(Annotations).items() if a.platform}
    faults = unknown(defaults, known) + read(known.values(), defaults)[1]
    problems += [
        f"spec.defaults.{fault.where.removeprefix(PREFIX)}: {fault.what}" for fault in faults
    ]
    if problems:
        raise ValueError("; ".join(problems))
    return CachePolicy(
        name=name,
        selector=spec.namespace_selector,
        priority=spec.priority,
        defaults=defaults,
    )


class Policy:
    """Everything that the platform team wrote, ready to be asked."""

    def __init__(
        self, models: Iterable[CachedModel] = (), policies: Iterable[CachePolicy] = ()
    ) -> None:
        self.catalogue = Catalogue(models)
        self.policies = sorted(policies, key=lambda p: (p.priority, p.name))

    def defaults(self, namespace: str, labels: Mapping[str, str] | None) -> dict[str, str]:
        """Return annotation name → default for a namespace; unknown labels match nothing."""
        known = {_NAME_LABEL: namespace, **(labels or {})}
        merged: dict[str, str] = {}
        for policy in self.policies:
            if policy.selector.holds(known):
                merged |= policy.defaults
        return merged


def load_policy(documents: Iterable[tuple[str, Any]]) -> Policy:
    """Return the policy of *documents* (place, content); ValueError names every fault."""
    models, policies, faults = [], [], []
    for place, document in documents:
        try:
            if not isinstance(document, dict):
                raise ValueError("is not a Kubernetes object")
            kind = document.get("kind")
            if document.get("apiVersion") != API_VERSION or kind not in (
                "CachedModel",
                "CachePolicy",
            ):
                raise ValueError(
                    f"is {document.get('apiVersion')} {kind}, "
                    f"but must be {API_VERSION} CachedModel or CachePolicy"
                )
            if kind == "CachedModel":
                models.append(cached_model(document))
            else:
                policies.append(cache_policy(document))
        except ValueError as error:
            faults.append(f"{place}: {error}")
    seen: set[str] = set()
    for model in models:
        if model.name in seen:
            faults.append(f"CachedModel {model.name}: is given twice")
        seen.add(model.name)
    if faults:
        raise ValueError("\n".join(faults))
    return Policy(models, policies)
