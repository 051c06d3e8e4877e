"""The kinds of objects whose state matters to a review, and the fields that are read."""

from typing import Final

import msgspec

from webhook.objects.container import Amounts


class _Read(msgspec.Struct, frozen=True, rename="camel"):
    pass


class ClusterMetadata(_Read, frozen=True):
    """The metadata of an object."""

    name: str
    namespace: str | None = None
    labels: dict[str, str] | None = None


class ClusterObject(_Read, frozen=True):
    """An object of a cluster, with the fields that all have."""

    metadata: ClusterMetadata


class Namespace(ClusterObject, frozen=True):
    """A namespace, read for its labels."""


class Node(ClusterObject, frozen=True):
    """A node, read for its labels."""


class ClaimSpec(_Read, frozen=True):
    """How a claim can be mounted."""

    access_modes: tuple[str, ...] | None = None


class ClaimStatus(_Read, frozen=True):
    """Whether a claim is bound."""

    phase: str | None = None


class PersistentVolumeClaim(ClusterObject, frozen=True):
    """A claim."""

    spec: ClaimSpec | None = None
    status: ClaimStatus | None = None


class Limits(_Read, frozen=True):
    """One entry of a LimitRange."""

    type: str
    min: Amounts | None = None
    max: Amounts | None = None
    max_limit_request_ratio: Amounts | None = None
    default: Amounts | None = None
    default_request: Amounts | None = None


class LimitRangeSpec(_Read, frozen=True):
    """The entries of a LimitRange."""

    limits: tuple[Limits, ...] | None = None


class LimitRange(ClusterObject, frozen=True):
    """The bounds and defaults of a namespace."""

    spec: LimitRangeSpec | None = None


class QuotaSpec(_Read, frozen=True):
    """The amounts that a quota allows."""

    hard: Amounts | None = None


class QuotaStatus(_Read, frozen=True):
    """The amounts of a quota that are in use."""

    used: Amounts | None = None


class ResourceQuota(ClusterObject, frozen=True):
    """The sum of what the pods of a namespace may request."""

    spec: QuotaSpec | None = None
    status: QuotaStatus | None = None


KINDS: Final[dict[str, type[ClusterObject]]] = {
    "Namespace": Namespace,
    "PersistentVolumeClaim": PersistentVolumeClaim,
    "Node": Node,
    "LimitRange": LimitRange,
    "ResourceQuota": ResourceQuota,
}
