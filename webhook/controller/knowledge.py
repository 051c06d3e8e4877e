"""Watch what reviews must know of the cluster, and send it to the server.

Policy (CachePolicies and CachedModels), labels of namespaces and nodes, claims, LimitRanges and
ResourceQuotas: of each object only what a decision reads. It asks for the version of the API server
every ten minutes.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from sys import intern
from typing import Any, Final, NamedTuple

import msgspec

from webhook.admission.policy.documents import (
    API_VERSION,
    MODELS,
    POLICIES,
    read_object_of_cluster,
)
from webhook.admission.request.annotations import PREFIX
from webhook.api_server.collection import Collection
from webhook.api_server.controller_client import ControllerApi
from webhook.api_server.errors import RequestFailed
from webhook.api_server.reflector import Kind, Reflector
from webhook.api_server.version import version_of
from webhook.controller.acceptance import Acceptance, not_read, without_acceptance
from webhook.controller.messages import (
    Changed,
    Message,
    Relisted,
    Seen,
    Synced,
    Topic,
    Version,
)
from webhook.controller.options import Options
from webhook.models.layout import NODE_LABEL_VALUE
from webhook.objects.facts import CLAIMS, LIMIT_RANGES, NAMESPACES, NODES, QUOTAS
from webhook.objects.kinds import LimitRange, PersistentVolumeClaim, ResourceQuota

SEEN_SECONDS: Final = 5.0
"""Between two messages about which watches live."""
VERSION_SECONDS: Final = 600.0
LINE: Final = 64 * 1024
"""Bytes of a message, about. The server takes one between two reviews."""
_GROUP: Final = f"/apis/{API_VERSION}"
_CORE: Final = "/api/v1"


class _Labels(msgspec.Struct):
    labels: dict[str, str] | None = None


class _Labelled(msgspec.Struct):
    metadata: _Labels


_labelled: Final = msgspec.json.Decoder(_Labelled).decode
_claim: Final = msgspec.json.Decoder(PersistentVolumeClaim).decode
_limit_range: Final = msgspec.json.Decoder(LimitRange).decode
_quota: Final = msgspec.json.Decoder(ResourceQuota).decode


def _namespace(raw: bytes) -> dict[str, str]:
    return {intern(k): intern(v) for k, v in (_labelled(raw).metadata.labels or {}).items()}


def _node(raw: bytes) -> list[str]:
    labels = _labelled(raw).metadata.labels or {}
    return sorted(
        intern(k) for k, v in labels.items() if v == NODE_LABEL_VALUE and k.startswith(PREFIX)
    )


def _claim_facts(raw: bytes) -> tuple[tuple[str, ...], str]:
    claim = _claim(raw)
    modes = (claim.spec and claim.spec.access_modes) or ()
    phase = (claim.status and claim.status.phase) or ""
    return tuple(map(intern, modes)), intern(phase)


def _limits(raw: bytes) -> list[Any]:
    spec = _limit_range(raw).spec
    return list(msgspec.to_builtins(spec.limits)) if spec and spec.limits else []


def _amounts(raw: bytes) -> dict[str, dict[str, str]]:
    quota = _quota(raw)
    found = {"hard": quota.spec and quota.spec.hard, "used": quota.status and quota.status.used}
    return {
        name: {k: str(v) for k, v in (amounts or {}).items() if k.endswith("memory")}
        for name, amounts in found.items()
    }


def _document(raw: bytes) -> dict[str, Any]:
    """Return an object of ours without what no decision reads."""
    found: dict[str, Any] = msgspec.json.decode(raw)
    kept = {key: found[key] for key in ("apiVersion", "kind", "spec", "status") if key in found}
    if "status" in kept:
        kept["status"] = without_acceptance(kept["status"])
    return kept | {"metadata": {"name": found["metadata"]["name"]}}


class Kept(NamedTuple):
    """What is kept of a CachedModel or a CachePolicy."""

    document: dict[str, Any]
    dropped: list[str]
    """The fields of a newer schema, which are not read."""


def _kept(raw: bytes) -> Kept:
    return Kept(*read_object_of_cluster(_document(raw))[:2])


KINDS: Final[tuple[Kind[Any], ...]] = (
    Kind(POLICIES, f"{_GROUP}/{POLICIES}", _kept),
    Kind(MODELS, f"{_GROUP}/{MODELS}", _kept),
    Kind(NAMESPACES, f"{_CORE}/{NAMESPACES}", _namespace, metadata_only=True),
    Kind(CLAIMS, f"{_CORE}/{CLAIMS}", _claim_facts),
    Kind(NODES, f"{_CORE}/{NODES}", _node, metadata_only=True),
    Kind(LIMIT_RANGES, f"{_CORE}/{LIMIT_RANGES}", _limits),
    Kind(QUOTAS, f"{_CORE}/{QUOTAS}", _amounts),
)


class Knowledge:
    """The watches, and what they send."""

    def __init__(
        self, api: ControllerApi, options: Options, send: Callable[[Message], None]
    ) -> None:
        self._api, self._send = api, send
        self._acceptance = Acceptance(api)
        self._reflectors = [
            Reflector(Collection(api, kind.path, kind.metadata_only), self._judging(kind), self)
            for kind in KINDS
            if options.node_facts or kind.name != NODES
        ]

    def _judging(self, kind: Kind[Any]) -> Kind[Any]:
        """Return *kind*; if it is ours, with a verdict on each object."""
        if kind.name not in (POLICIES, MODELS):
            return kind
        return replace(kind, kept=self._acceptance.reading(kind.path, kind.kept))

    def start(self) -> None:
        """Watch for ever, in threads."""
        for reflector in self._reflectors:
            reflector.start()
        self._acceptance.start()
        threading.Thread(target=self._report, name="report watches", daemon=True).start()

    def concerns(self) -> dict[Topic, str]:
        """Return what somebody should fix: kinds that can't be read, objects that can't be used."""
        found: dict[Topic, str] = {}
        troubles = [f"{r.kind.name}: {r.trouble}" for r in self._reflectors if r.trouble]
        if self._acceptance.trouble:
            troubles.append(self._acceptance.trouble)
        if troubles:
            found["facts"] = "; ".join(troubles)
        faults = [
            f"{reflector.kind.name}/{key}: {fault}"
            for reflector in self._reflectors
            for key, fault in sorted(reflector.faults.copy().items())
        ]
        faults += [
            f"{kind}/{key}: {not_read(kept.dropped)}"
            for kind, key, kept in self._ours()
            if kept.dropped
        ]
        if faults:
            found["policy"] = "; ".join(faults)
        return found

    def _ours(self) -> Iterator[tuple[str, str, Kept]]:
        """Yield kind, key and content of each CachedModel and CachePolicy."""
        for reflector in self._reflectors:
            if reflector.kind.name in (POLICIES, MODELS):
                for key, kept in sorted(reflector.objects.copy().items()):
                    yield reflector.kind.name, key, kept

    def changed(self, kind: str, there: Mapping[str, object], gone: list[str]) -> None:
        """Send objects, in lines of a bounded size."""
        if kind in (POLICIES, MODELS):
            there = {key: kept.document for key, kept in there.items() if isinstance(kept, Kept)}
            for name in gone:
                self._acceptance.forget(f"{_GROUP}/{kind}", name)
        for part in _parts(there):
            self._send(Changed(kind, part))
        for start in range(0, len(gone), 500):
            self._send(Changed(kind, gone=gone[start : start + 500]))

    def synced(self, kind: str) -> None:
        """Send that all objects of the kind were sent."""
        self._send(Synced(kind))

    def relisted(self, kind: str, reason: str) -> None:
        """Send that the kind is listed again."""
        self._send(Relisted(kind, reason))

    def _report(self) -> None:
        never, until_version = threading.Event(), 0.0
        while True:
            ages = {r.kind.name: r.age for r in self._reflectors}
            self._send(Seen({kind: age for kind, age in ages.items() if age != float("inf")}))
            until_version -= SEEN_SECONDS
            if until_version <= 0 and self._ask_version():
                until_version = VERSION_SECONDS
            never.wait(SEEN_SECONDS)

    def _ask_version(self) -> bool:
        try:
            found = version_of(self._api.request("GET", "/version").good().json())
        except RequestFailed:
            return False
        if found:
            self._send(Version(*found))
        return found is not None


def _parts(there: Mapping[str, object]) -> Iterator[dict[str, Any]]:
    """Yield *there* in parts of LINE bytes, or one object each if that is larger."""
    part: dict[str, Any] = {}
    size = 0
    for key, value in there.items():
        encoded = msgspec.json.encode(value)
        if part and size + len(encoded) + len(key) > LINE:
            yield part
            part, size = {}, 0
        part[key] = msgspec.Raw(encoded)
        size += len(encoded) + len(key)
    if part:
        yield part
