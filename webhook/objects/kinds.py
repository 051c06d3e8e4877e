"""The objects of a cluster that tell something here, as far as they are read."""

from typing import Final

import msgspec

from webhook.objects.container import Amounts


class _Read(msgspec.Struct, frozen=True, rename="camel"):
    pass


class ClusterMetadata(_Read, frozen=True):
    """Name, namespace, labels."""

    name: str
    namespace: str | None = None
    labels: dict[str, str] | None = None


class ClusterObject(_Read, frozen=True):
    """What every object has."""

    metadata: ClusterMetadata


class Namespace(ClusterObject, frozen=True):
    """Tells its labels."""


class Node(ClusterObject, frozen=True):
    """Tells its labels."""


class ClaimSpec(_Read, frozen=True):
    """Of a claim, who may mount it."""

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
    """Bounds and defaults of a namespace."""

    spec: LimitRangeSpec | None = None


class QuotaSpec(_Read, frozen=True):
    """What a quota allows."""

    hard: Amounts | None = None


class QuotaStatus(_Read, frozen=True):
    """What of a quota is in use."""

    used: Amounts | None = None


class ResourceQuota(ClusterObject, frozen=True):
    """The sum that a namespace may ask for."""

    spec: QuotaSpec | None = None
    status: QuotaStatus | None = None


KINDS: Final[dict[str, type[ClusterObject]]] = {
    "Namespace": Namespace,
    "PersistentVolumeClaim": PersistentVolumeClaim,
    "Node": Node,
    "LimitRange": LimitRange,
    "ResourceQuota": ResourceQuota,
}
