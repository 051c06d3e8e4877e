"""Read the documents of the platform team: CachePolicy and CachedModel.

A default is an annotation that the platform team writes for its users. If several
policies select a namespace, the one with the highest priority wins. A policy whose selector
can't be judged, because a label of the namespace is not known, does not apply.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from webhook.admission import codes
from webhook.admission.policy.cache_policy import CachePolicy, cache_policy
from webhook.admission.policy.cache_policy import known_fields as known_policy
from webhook.admission.problem import Problem
from webhook.admission.strategies import STRATEGIES
from webhook.models.cached_model import CachedModel, cached_model
from webhook.models.cached_model import known_fields as known_model
from webhook.models.catalogue import Catalogue

API_VERSION: Final = "modelcache.io/v1alpha1"
MODEL: Final = "CachedModel"
POLICY: Final = "CachePolicy"
MODELS: Final = "cachedmodels"
POLICIES: Final = "cachepolicies"
"""The resources of both kinds."""
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
        *,
        complete: bool = True,
    ) -> None:
        """*complete*: whether all CachedModels of the cluster are known."""
        self.generation = generation
        """The digest of the documents: 12 hexadecimal digits, or "none" without documents."""
        self.models = tuple(models)
        """The CachedModels, without built-in ones."""
        self.catalogue = Catalogue(self.models, complete=complete)
        self.policies = sorted(policies, key=lambda p: (p.priority, p.name))
        self.by_label = [p for p in self.policies if p.selector.keys - {NAME_LABEL}]
        """Those that select namespaces by more than their names."""
        self.ruling = [p for p in self.policies if p.rules or p.refuses_unknown]
        """Those that refuse something, or find something."""

    @property
    def judges_every_pod(self) -> bool:
        """Whether a rule concerns pods that request no model too."""
        return any(map(_judges_every_pod, self.ruling))

    def selecting(self, namespace: str, labels: Mapping[str, str] | None) -> list[CachePolicy]:
        """Return the policies that select a namespace, the one that wins last."""
        known = {NAME_LABEL: namespace, **(labels or {})}
        return [p for p in self.policies if p.selector.holds(known, complete=labels is not None)]

    def defaults(self, namespace: str, labels: Mapping[str, str] | None) -> dict[str, str]:
        """Return annotation → default for a namespace. *labels*: None if they are not known."""
        merged: dict[str, str] = {}
        for policy in self.selecting(namespace, labels):
            merged |= policy.defaults
        return merged

    def behind(
        self,
        models: Sequence[CachedModel],
        policies: Sequence[CachePolicy],
        generation: str = "",
        *,
        complete: bool = True,
    ) -> "Policy":
        """Return *models* and *policies* of a cluster, and those of this policy with other names.

        *generation*: its digest, if anybody asks for it. *complete*: whether *models* are all.
        """
        names = {one.name for one in models}, {one.name for one in policies}
        return Policy(
            [*models, *(one for one in self.models if one.name not in names[0])],
            [*policies, *(one for one in self.policies if one.name not in names[1])],
            generation or self.generation,
            complete=complete,
        )

    def twice(self, models: Iterable[CachedModel], policies: Iterable[CachePolicy]) -> list[str]:
        """Return the objects of this policy that are among those of a cluster too, by name."""
        names = {one.name for one in models}, {one.name for one in policies}
        return [
            *(f"{MODEL} {one.name}" for one in self.models if one.name in names[0]),
            *(f"{POLICY} {one.name}" for one in self.policies if one.name in names[1]),
        ]

    def unjudged(
        self,
        namespace: str,
        labels: Mapping[str, str] | None,
        unseen: str | None = None,
        *,
        requested: bool = True,
    ) -> list[Problem]:
        """Return a remark for each policy that may select the namespace, by labels not known.

        *unseen*: for how long namespaces could not be looked at, in words; None: nobody looks.
        *requested*: whether the pod gets a model; if not, only rules of every pod concern it.
        """
        if labels is not None:
            return []
        code, remedy = codes.UNJUDGED, ": give the Namespace with --cluster, or use --live"
        why = f"the labels of namespace {namespace} are not known"
        if unseen:
            code, remedy = codes.UNSEEN, ""
            why = f"namespaces could not be looked at for {unseen}"
        return [
            Problem(
                code,
                f"CachePolicy {policy.name}",
                f"selects namespaces by {_labels(policy)}, but {why}, so it does not apply{remedy}",
            )
            for policy in self.by_label
            if requested or _judges_every_pod(policy)
            if policy.selector.holds({NAME_LABEL: namespace}, complete=False) is None
        ]

    def not_judged_by_name(self) -> Iterator[str]:
        """Yield why each policy can't be used by a server that knows only names of namespaces."""
        for policy in self.by_label:
            yield (
                f"CachePolicy {policy.name}: spec.namespaceSelector: uses {_labels(policy)}, but "
                f"of a namespace this server knows only {NAME_LABEL}: use that label"
            )


def _judges_every_pod(policy: CachePolicy) -> bool:
    """Whether a rule of *policy* concerns pods that request no model too."""
    return any(rule.of_all for rule in policy.rules)


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
            if _kind(document) == MODEL:
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


class ObjectOfCluster(NamedTuple):
    """A CachedModel or CachePolicy of a cluster, as far as this version knows its fields."""

    document: dict[str, Any]
    dropped: list[str]
    """The fields that this version does not know, so that nothing is done for them."""
    read: CachedModel | CachePolicy


def read_object_of_cluster(document: Any) -> ObjectOfCluster:  # noqa: ANN401  # any JSON value
    """Return what *document*, an object of the API server, says. ValueError with every fault.

    The cluster's schema may be newer than we are. So fields that are not known are left out
    and reported, while in files (load_policy) they are faults.
    """
    is_model = _kind(document) == MODEL
    known, dropped = (known_model if is_model else known_policy)(document)
    read = cached_model(known, STRATEGIES) if is_model else cache_policy(known)
    return ObjectOfCluster(known, dropped, read)


def _kind(document: Any) -> str:  # noqa: ANN401  # any JSON value
    """Return the kind of *document*; ValueError if it is none of ours."""
    if not isinstance(document, dict):
        raise ValueError("is not a Kubernetes object")
    version, kind = document.get("apiVersion"), document.get("kind")
    if version != API_VERSION or kind not in (MODEL, POLICY):
        raise ValueError(f"is {version} {kind}, but must be {API_VERSION} {MODEL} or {POLICY}")
    return str(kind)


def _generation(contents: list[Any]) -> str:
    """Return a digest of the documents in their order, since the first model of a source wins."""
    canonical = json.dumps(contents, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:_DIGITS]
