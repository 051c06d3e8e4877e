"""A cluster as files describe it: what kubectl get -o yaml printed, turned into Facts.

A kind of which no object is given is unknown, and so no obstacle; once one
claim or one node is given, those that are not given do not exist.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import msgspec

from webhook.decision import quoted
from webhook.documents.shape import faults
from webhook.facts import Claim, Facts, LimitRangeItem, Quota
from webhook.objects.container import Amounts
from webhook.policy import API_VERSION, Policy, load_policy
from webhook.quantity import Quantity


class _Object(msgspec.Struct, frozen=True, rename="camel"):
    pass


class _Metadata(_Object, frozen=True):
    name: str
    namespace: str | None = None
    labels: dict[str, str] | None = None


class _Cluster(_Object, frozen=True):
    """What every object has."""

    metadata: _Metadata


class _Namespace(_Cluster, frozen=True):
    pass


class _Node(_Cluster, frozen=True):
    pass


class _ClaimSpec(_Object, frozen=True):
    access_modes: tuple[str, ...] | None = None


class _ClaimStatus(_Object, frozen=True):
    phase: str | None = None


class _Claim(_Cluster, frozen=True):
    spec: _ClaimSpec | None = None
    status: _ClaimStatus | None = None


class _Limits(_Object, frozen=True):
    type: str
    min: Amounts | None = None
    max: Amounts | None = None
    max_limit_request_ratio: Amounts | None = None
    default: Amounts | None = None
    default_request: Amounts | None = None


class _LimitRangeSpec(_Object, frozen=True):
    limits: tuple[_Limits, ...] | None = None


class _LimitRange(_Cluster, frozen=True):
    spec: _LimitRangeSpec | None = None


class _QuotaSpec(_Object, frozen=True):
    hard: Amounts | None = None


class _QuotaStatus(_Object, frozen=True):
    used: Amounts | None = None


class _ResourceQuota(_Cluster, frozen=True):
    spec: _QuotaSpec | None = None
    status: _QuotaStatus | None = None


KINDS: Final[dict[str, type[_Cluster]]] = {
    "Namespace": _Namespace,
    "PersistentVolumeClaim": _Claim,
    "Node": _Node,
    "LimitRange": _LimitRange,
    "ResourceQuota": _ResourceQuota,
}
T = TypeVar("T", bound=_Cluster)


def _texts(amounts: Amounts | None) -> dict[str, str]:
    return {key: str(value) for key, value in (amounts or {}).items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What is known of a cluster."""

    objects: tuple[_Cluster, ...]
    policy: Policy
    namespace: str
    kube_version: tuple[int, int] | None
    image_volumes: bool
    loader_image: str

    @classmethod
    def of(
        cls,
        objects: Iterable[tuple[str, Any]],
        policy: Iterable[tuple[str, Any]],
        *,
        namespace: str,
        kube_version: tuple[int, int] | None,
        image_volumes: bool,
        loader_image: str,
    ) -> "Snapshot":
        """Return the snapshot of (place, object) pairs; ValueError names every fault."""
        ours = list(policy)
        others: list[_Cluster] = []
        mistakes: list[str] = []
        for place, item in objects:
            if isinstance(item, dict) and item.get("apiVersion") == API_VERSION:
                ours.append((place, item))
                continue
            try:
                others.append(_read(item))
            except ValueError as error:
                mistakes += [f"{place}: {line}" for line in str(error).splitlines()]
        for place, item in ours:
            if isinstance(item, dict) and (found := list(faults(item, _Cluster))):
                mistakes += [f"{place}: {fault.where}: {fault.what}" for fault in found]
        if not mistakes:
            try:
                loaded = load_policy(ours)
            except ValueError as error:
                mistakes.append(str(error))
        if mistakes:
            raise ValueError("\n".join(mistakes))
        return cls(
            objects=tuple(others),
            policy=loaded,
            namespace=namespace,
            kube_version=kube_version,
            image_volumes=image_volumes,
            loader_image=loader_image,
        )

    def _of(self, kind: type[T], namespace: str | None = None) -> list[T]:
        return [
            item
            for item in self.objects
            if isinstance(item, kind)
            and namespace in (None, item.metadata.namespace or self.namespace)
        ]

    def facts(self, namespace: str) -> Facts:
        """Return what is known of *namespace*."""
        labels = [
            item.metadata.labels or {}
            for item in self._of(_Namespace)
            if item.metadata.name == namespace
        ]
        claims = {
            item.metadata.name: Claim(
                access_modes=(item.spec and item.spec.access_modes) or None,
                phase=item.status.phase if item.status else None,
            )
            for item in self._of(_Claim, namespace)
        }
        return Facts(
            namespace=namespace,
            namespace_labels=labels[0] if labels else None,
            claims=claims if self._of(_Claim) else None,
            nodes=tuple(item.metadata.labels or {} for item in self._of(_Node)) or None,
            kube_version=self.kube_version,
            image_volumes=self.image_volumes,
            limit_ranges=tuple(
                _limits(item.metadata.name, entry)
                for item in self._of(_LimitRange, namespace)
                for entry in (item.spec and item.spec.limits) or ()
            ),
            quotas=tuple(
                Quota(
                    name=item.metadata.name,
                    hard=_texts(item.spec.hard if item.spec else None),
                    used=_texts(item.status.used if item.status else None),
                )
                for item in self._of(_ResourceQuota, namespace)
            ),
            loader_image=self.loader_image,
        )


def _read(item: Any) -> _Cluster:  # noqa: ANN401  # any JSON value
    if not isinstance(item, dict) or not isinstance(item.get("kind"), str):
        raise ValueError("is not a Kubernetes object")
    kind = KINDS.get(item["kind"])
    if kind is None:
        raise ValueError(
            f"{quoted(item['kind'])} tells nothing here: give {', '.join(KINDS)}, "
            "CachedModel or CachePolicy"
        )
    name = f"{item['kind'].lower()}: "
    if found := list(faults(item, kind)):
        raise ValueError("\n".join(f"{name}{fault.where}: {fault.what}" for fault in found))
    read = msgspec.convert(item, kind)
    if wrong := list(_unreadable(read)):
        raise ValueError("\n".join(f"{name}{fault}" for fault in wrong))
    return read


def _unreadable(item: _Cluster) -> Iterable[str]:
    """Yield the amounts of memory that are no quantities; other resources are not read."""
    amounts: list[tuple[str, Mapping[str, Any] | None]] = []
    if isinstance(item, _LimitRange):
        for i, entry in enumerate((item.spec and item.spec.limits) or ()):
            amounts += [
                (f"spec.limits[{i}].{name}", value)
                for name, value in msgspec.to_builtins(entry).items()
                if isinstance(value, dict)
            ]
    if isinstance(item, _ResourceQuota):
        amounts.append(("spec.hard", item.spec.hard if item.spec else None))
        amounts.append(("status.used", item.status.used if item.status else None))
    for where, found in amounts:
        for key, value in (found or {}).items():
            if key.rpartition(".")[2] == "memory":
                try:
                    Quantity.parse(str(value))
                except ValueError as error:
                    yield f"{where}.{key}: {error}"


def _limits(name: str, entry: _Limits) -> LimitRangeItem:
    """Return one entry with the defaults that it gets itself (core/v1 SetDefaults_LimitRangeItem).

    The maximum stands in for a default limit; that, or else the minimum, for a
    default request.
    """
    least, most = _texts(entry.min), _texts(entry.max)
    default = {**most, **_texts(entry.default)}
    return LimitRangeItem(
        name=name,
        type=entry.type,
        minimum=least,
        maximum=most,
        ratio=_texts(entry.max_limit_request_ratio),
        default=default,
        default_request={**least, **default, **_texts(entry.default_request)},
    )
