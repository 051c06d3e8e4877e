"""Facts: the state of the cluster at the moment of one review.

They are an argument, since the core makes no calls. None means unknown, and what is
unknown is not an obstacle.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from webhook.objects.names import DEFAULT_LOADER_IMAGE

CLAIMS: Final = "persistentvolumeclaims"
NODES: Final = "nodes"
NAMESPACES: Final = "namespaces"
LIMIT_RANGES: Final = "limitranges"
QUOTAS: Final = "resourcequotas"
"""Kinds of facts, as the API server names them."""


ADMISSION_LABEL: Final = "modelcache.io/admission"
DISABLED: Final = "disabled"
"""A namespace's label with this value keeps the webhook out of it (namespaceSelector)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A PersistentVolumeClaim."""

    access_modes: tuple[str, ...] | None = None
    phase: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitRangeItem:
    """One entry of a LimitRange: resource name → quantity as written."""

    name: str
    type: str
    minimum: Mapping[str, str] = field(default_factory=dict)
    maximum: Mapping[str, str] = field(default_factory=dict)
    ratio: Mapping[str, str] = field(default_factory=dict)
    default: Mapping[str, str] = field(default_factory=dict)
    default_request: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """A ResourceQuota: resource name → quantity as written, allowed and in use."""

    name: str
    hard: Mapping[str, str]
    used: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The state of the cluster, for the pods of one namespace."""

    namespace: str = "default"
    namespace_labels: Mapping[str, str] | None = None
    claims: Mapping[str, Claim] | None = None
    nodes: tuple[Mapping[str, str], ...] | None = None
    kube_version: tuple[int, int] | None = None
    image_volumes: bool = False
    """Whether the operator says that the ImageVolume gate is on, whatever the version is."""
    limit_ranges: tuple[LimitRangeItem, ...] = ()
    quotas: tuple[Quota, ...] = ()
    stale: Mapping[str, str] = field(default_factory=dict)
    """Kind of facts → for how long they could not be looked at, in words: {"nodes": "3 min"}.
    Facts of such a kind are None."""
    only_warn: bool = False
    """Whether what the cluster can't do is a warning, and no refusal."""
    loader_image: str = DEFAULT_LOADER_IMAGE
    loader_env: Mapping[str, str] = field(default_factory=dict)
    """Variables of a loader that downloads, such as its endpoint and its proxies."""
    loader_user: int | None = None
    """User ID of our init containers; None: the pod's, or else the image's."""
    loader_pull_secrets: tuple[str, ...] = ()
    """Secrets of the pod's namespace that our image is pulled with."""

    def why_unknown(self, kind: str) -> str:
        """Return why facts of *kind* are None, in words."""
        what = "claims" if kind == CLAIMS else kind
        if kind in self.stale:
            return f"{what} could not be looked at for {self.stale[kind]}"
        return f"{what} are not known"

    def older_than(self, minor: int) -> bool:
        """Whether the server is known to be older than 1.*minor*."""
        return self.kube_version is not None and self.kube_version < (1, minor)

    @property
    def switched_off(self) -> bool:
        """Whether the namespace is known to have the label that keeps the webhook out of it."""
        return (self.namespace_labels or {}).get(ADMISSION_LABEL) == DISABLED

    @property
    def pod_security(self) -> str | None:
        """The level that the namespace's label enforces; None if unknown or unset."""
        return (self.namespace_labels or {}).get("pod-security.kubernetes.io/enforce")
