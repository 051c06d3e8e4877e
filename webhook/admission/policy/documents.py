"""Read the documents of the platform team: CachePolicy and CachedModel.

A default is an annotation that the platform team writes for its users. If several
policies select a namespace, the one with the highest priority wins. A policy whose selector
can't be judged, because a label of the namespace is not known, does not apply.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from webhook.admission import codes
from webhook.admission.policy.cache_policy import CachePolicy, cache_policy
from webhook.admission.problem import Problem
from webhook.admission.strategies import STRATEGIES
from webhook.models.cached_model import CachedModel, cached_model
from webhook.models.catalogue import Catalogue

API_VERSION: Final = "modelcache.io/v1alpha1"
_DIGITS: Final = 12
NAME_LABEL: Final = "kubernetes.io/metadata.name"
"""The API server gives it to every namespace, so its value is always known."""


class Policy:
    """All documents of the platform team: defaults by namespace, and the catalogue."""

    def __init__(
        self,
        models: Iterable[CachedModel] = (),
        policies: Iterable[CachePolicy] = (),
        generation: str = "none",
    ) -> None:
        self.generation = generation
        """The digest of the documents: 12 hexadecimal digits, or "none" without documents."""
        self.models = tuple(models)
        """The CachedModels, without built-in ones."""
        self.catalogue = Catalogue(self.models)
        self.policies = sorted(policies, key=lambda p: (p.priority, p.name))
        self.by_label = [p for p in self.policies if p.selector.keys - {NAME_LABEL}]
        """Those that select namespaces by more than their names."""

    def defaults(self, namespace: str, labels: Mapping[str, str] | None) -> dict[str, str]:
        """Return annotation → default for a namespace. *labels*: None if they are not known."""
        known = {NAME_LABEL: namespace, **(labels or {})}
        merged: dict[str, str] = {}
        for policy in self.policies:
            if policy.selector.holds(known, complete=labels is not None):
                merged |= policy.defaults
        return merged

    def unjudged(self, namespace: str, labels: Mapping[str, str] | None) -> list[Problem]:
        """Return a remark for each policy that may select the namespace, by labels not known."""
        if labels is not None:
            return []
        return [
            Problem(
                codes.UNJUDGED,
                f"CachePolicy {policy.name}",
                f"selects namespaces by {_labels(policy)}, but the labels of namespace "
                f"{namespace} are not known, so its defaults are not used: give the Namespace "
                "with --cluster",
            )
            for policy in self.by_label
            if policy.selector.holds({NAME_LABEL: namespace}, complete=False) is None
        ]

    def not_judged_by_name(self) -> Iterator[str]:
        """Yield why each policy can't be used by a server that knows only names of namespaces."""
        for policy in self.by_label:
            yield (
                f"CachePolicy {policy.name}: spec.namespaceSelector: uses {_labels(policy)}, but "
                f"of a namespace this server knows only {NAME_LABEL}: use that label"
            )


def _labels(policy: CachePolicy) -> str:
    """Return the labels by which *policy* selects, except the name of the namespace."""
    keys = sorted(policy.selector.keys - {NAME_LABEL})
    return f"label{'s' * (len(keys) > 1)} {', '.join(keys)}"


def load_policy(documents: Iterable[tuple[str, Any]]) -> Policy:
    """Return the policy of *documents*, pairs of place and content.

    Raises ValueError with every fault, one line each.
    """
    documents = list(documents)
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
                models.append(cached_model(document, STRATEGIES))
            else:
                policies.append(cache_policy(document))
        except ValueError as error:
            faults.append(f"{place}: {error}")
    seen: set[str] = set()
    for model in models:
        if model.name in seen:
            faults.append(f"CachedModel {model.name}: occurs twice; remove one")
        seen.add(model.name)
    if faults:
        raise ValueError("\n".join(faults))
    return Policy(models, policies, _generation([content for _, content in documents]))


def _generation(contents: list[Any]) -> str:
    """Return a digest of the documents in their order, since the first model of a source wins."""
    canonical = json.dumps(contents, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:_DIGITS]
