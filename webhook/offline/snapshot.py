"""Describe a cluster by files, as kubectl get -o yaml prints them, and turn them into Facts.

If no object of a kind is given, that kind is unknown, and nothing is refused because of it. Once
one claim or one node is given, those that are not given do not exist.

A CachedModel or CachePolicy that an API server has written is read as the webhook reads it. One
that a person wrote has every mistake reported.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from webhook.admission.policy.documents import API_VERSION, Policy, load_policy
from webhook.objects.cluster_object import read_object
from webhook.objects.facts import Facts
from webhook.objects.json import Json
from webhook.objects.kinds import (
    ClusterObject,
    LimitRange,
    Namespace,
    Node,
    PersistentVolumeClaim,
    ResourceQuota,
)
from webhook.offline.world import facts_of, ours_of
from webhook.values.shape import faults

T = TypeVar("T", bound=ClusterObject)


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What is known about a cluster."""

    objects: tuple[ClusterObject, ...]
    policy: Policy
    namespace: str
    everywhere: Facts
    """What is true in every namespace: the version of the API server, and how loaders run."""
    _facts: dict[str, Facts] = field(default_factory=dict)
    """Namespace → what is known about it."""
    notes: tuple[str, ...] = ()
    nothing: bool = False

    @classmethod
    def of(
        cls,
        objects: Iterable[tuple[str, Any]],
        policy: Iterable[tuple[str, Any]],
        *,
        namespace: str,
        everywhere: Facts,
    ) -> "Snapshot":
        """Return the snapshot of (place, object) pairs; ValueError names every mistake."""
        ours, of_cluster = list(policy), list[Json]()
        others: list[ClusterObject] = []
        mistakes: list[str] = []
        for place, item in objects:
            if isinstance(item, dict) and item.get("apiVersion") == API_VERSION:
                if _has_uid(item):
                    of_cluster.append(item)
                else:
                    ours.append((place, item))
                continue
            try:
                others.append(read_object(item))
            except ValueError as error:
                mistakes += [f"{place}: {line}" for line in str(error).splitlines()]
        for place, item in ours:
            if isinstance(item, dict) and (found := list(faults(item, ClusterObject))):
                mistakes += [f"{place}: {fault.where}: {fault.what}" for fault in found]
        if not mistakes:
            try:
                loaded = load_policy(ours)
            except ValueError as error:
                mistakes.append(str(error))
        if mistakes:
            raise ValueError("\n".join(mistakes))
        models, policies, notes = ours_of(of_cluster)
        if twice := loaded.twice(models, policies):
            notes.append(f"{', '.join(twice)}: in --cluster too, which wins")
        return cls(
            objects=tuple(others),
            policy=loaded.behind(models, policies),
            namespace=namespace,
            everywhere=everywhere,
            notes=tuple(notes),
        )

    def _of(self, kind: type[T], namespace: str | None = None) -> list[T]:
        return [
            item
            for item in self.objects
            if isinstance(item, kind)
            and namespace in (None, item.metadata.namespace or self.namespace)
        ]

    def facts(self, namespace: str) -> Facts:
        """Return what is known about *namespace*."""
        if namespace not in self._facts:
            self._facts[namespace] = self._known_of(namespace)
        return self._facts[namespace]

    def _known_of(self, namespace: str) -> Facts:
        named = [one for one in self._of(Namespace) if one.metadata.name == namespace]
        claims = self._of(PersistentVolumeClaim, namespace)
        return facts_of(
            self.everywhere,
            namespace,
            namespace=named[0] if named else None,
            claims=claims if self._of(PersistentVolumeClaim) else None,
            nodes=self._of(Node) or None,
            limit_ranges=self._of(LimitRange, namespace),
            quotas=self._of(ResourceQuota, namespace),
        )


def _has_uid(item: Json) -> bool:
    """Whether an API server has written *item*: each gives an object its uid."""
    metadata = item.get("metadata")
    return isinstance(metadata, dict) and "uid" in metadata
