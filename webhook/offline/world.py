"""What files are judged by: the policy of a cluster, and the facts of its namespaces."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Protocol

from webhook.admission.policy.cache_policy import CachePolicy
from webhook.admission.policy.documents import Policy, read_object_of_cluster
from webhook.models.cached_model import CachedModel
from webhook.objects.defaulting import as_written, limits_of
from webhook.objects.facts import Claim, Facts, Quota
from webhook.objects.json import Json
from webhook.objects.kinds import LimitRange, Namespace, Node, PersistentVolumeClaim, ResourceQuota


class World(Protocol):
    """A cluster, as far as it is known."""

    @property
    def policy(self) -> Policy:
        """Its policies and models."""

    @property
    def namespace(self) -> str:
        """The namespace of objects that name none."""

    def facts(self, namespace: str) -> Facts:
        """Return what is known about *namespace*: the same object each time."""

    @property
    def notes(self) -> Sequence[str]:
        """What is not known of it, and why, as far as files have needed it; one line each."""

    @property
    def nothing(self) -> bool:
        """Whether it was asked, and nothing of it may be read."""


def ours_of(
    documents: Iterable[Json],
) -> tuple[list[CachedModel], list[CachePolicy], list[str]]:
    """Return the models and policies of a cluster, and notes on what of them is left out.

    Like the webhook, which leaves out an object with a mistake and fields of a newer schema.
    """
    models: list[CachedModel] = []
    policies: list[CachePolicy] = []
    notes = []
    for document in documents:
        title = f"{document.get('kind')} {document['metadata'].get('name')}"
        try:
            _, dropped, read = read_object_of_cluster(document)
        except ValueError as error:
            notes += [f"{title}: left out: {line}" for line in str(error).splitlines()]
            continue
        if dropped:
            notes.append(f"{title}: {', '.join(dropped)} is newer than this version, and not read")
        if isinstance(read, CachedModel):
            models.append(read)
        else:
            policies.append(read)
    return models, policies, notes


def facts_of(
    everywhere: Facts,
    name: str,
    *,
    namespace: Namespace | None,
    claims: Iterable[PersistentVolumeClaim] | None,
    nodes: Sequence[Node] | None,
    limit_ranges: Iterable[LimitRange],
    quotas: Iterable[ResourceQuota],
) -> Facts:
    """Return *everywhere* with what the objects say of the namespace *name*. None: not known."""
    return replace(
        everywhere,
        namespace=name,
        namespace_labels=(namespace.metadata.labels or {}) if namespace else None,
        claims=None if claims is None else {one.metadata.name: _claim(one) for one in claims},
        nodes=None if nodes is None else tuple(node.metadata.labels or {} for node in nodes),
        limit_ranges=tuple(
            limits_of(one.metadata.name, entry)
            for one in limit_ranges
            for entry in (one.spec and one.spec.limits) or ()
        ),
        quotas=tuple(map(_quota, quotas)),
    )


def _claim(claim: PersistentVolumeClaim) -> Claim:
    return Claim(
        access_modes=(claim.spec and claim.spec.access_modes) or None,
        phase=claim.status.phase if claim.status else None,
    )


def _quota(quota: ResourceQuota) -> Quota:
    return Quota(
        name=quota.metadata.name,
        hard=as_written(quota.spec.hard if quota.spec else None),
        used=as_written(quota.status.used if quota.status else None),
    )
