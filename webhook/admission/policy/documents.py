"""Read the documents of the platform team: CachePolicy and CachedModel.

A default is an annotation that the platform team writes for its users. If several
policies select a namespace, the one with the highest priority wins.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from webhook.admission.policy.cache_policy import CachePolicy, cache_policy
from webhook.admission.strategies import STRATEGIES
from webhook.models.cached_model import CachedModel, cached_model
from webhook.models.catalogue import Catalogue

API_VERSION: Final = "modelcache.io/v1alpha1"
_DIGITS: Final = 12
_NAME_LABEL: Final = "kubernetes.io/metadata.name"


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
        self.catalogue = Catalogue(models)
        self.policies = sorted(policies, key=lambda p: (p.priority, p.name))

    def defaults(self, namespace: str, labels: Mapping[str, str] | None) -> dict[str, str]:
        """Return annotation → default for a namespace. *labels*: None if they are not known."""
        known = {_NAME_LABEL: namespace, **(labels or {})}
        merged: dict[str, str] = {}
        for policy in self.policies:
            if policy.selector.holds(known):
                merged |= policy.defaults
        return merged


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
