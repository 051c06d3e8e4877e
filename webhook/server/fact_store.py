"""Keep what is known of the cluster, as the controller reports it, and build Facts from it.

The Facts of a namespace are built when a review needs them, and kept until something of that
namespace changes. So the same object means that nothing has changed.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

import msgspec

from webhook.models.layout import NODE_LABEL_VALUE
from webhook.objects.defaulting import limits_of
from webhook.objects.facts import (
    CLAIMS,
    LIMIT_RANGES,
    NAMESPACES,
    NODES,
    QUOTAS,
    Claim,
    Facts,
    LimitRangeItem,
    Quota,
)
from webhook.objects.kinds import Limits

_MOST_NAMESPACES: Final = 10_000
_LONGEST_NAMESPACE: Final = 63


def _claim(kept: Any) -> Claim:  # noqa: ANN401  # JSON
    modes, phase = kept
    return Claim(access_modes=tuple(modes) or None, phase=phase or None)


def _limit_range(name: str, kept: Any) -> tuple[LimitRangeItem, ...]:  # noqa: ANN401  # JSON
    return tuple(limits_of(name, entry) for entry in msgspec.convert(kept, tuple[Limits, ...]))


def _quota(name: str, kept: Any) -> Quota:  # noqa: ANN401  # JSON
    return Quota(name=name, hard=kept["hard"], used=kept["used"])


_READ: Final[Mapping[str, Callable[[str, Any], Any]]] = {
    CLAIMS: lambda _, kept: _claim(kept),
    LIMIT_RANGES: _limit_range,
    QUOTAS: _quota,
}
"""Kind of a namespace → what is made of the name of an object and what is kept of it."""


class FactStore:
    """The objects of each kind that facts are made of."""

    def __init__(self, everywhere: Facts) -> None:
        """*everywhere*: what the operator says of the whole cluster. It wins."""
        self._given = everywhere
        self.everywhere = everywhere
        """What is known of the whole cluster."""
        self._labels: dict[str, dict[str, str]] = {}
        self._nodes: dict[str, frozenset[str]] = {}
        self._held: dict[str, dict[str, dict[str, Any]]] = {kind: {} for kind in _READ}
        self._unknown: frozenset[str] = frozenset((NAMESPACES, NODES, *_READ))
        self._facts: dict[str, Facts] = {}

    def facts(self, namespace: str) -> Facts:
        """Return the facts of *namespace*: the same object until something of it changes."""
        if (found := self._facts.get(namespace)) is None:
            found = self._built(namespace)
            # Callers may invent namespaces, so the number that is kept has a limit.
            if len(self._facts) < _MOST_NAMESPACES and len(namespace) <= _LONGEST_NAMESPACE:
                self._facts[namespace] = found
        return found

    def change(self, kind: str, there: Mapping[str, Any], gone: list[str]) -> None:
        """Take objects that are new or different, and the keys of those that are gone."""
        if kind == NODES:
            self._nodes |= {name: frozenset(labels) for name, labels in there.items()}
            for name in gone:
                self._nodes.pop(name, None)
            self._facts.clear()
            return
        if kind == NAMESPACES:
            self._labels |= there
            for name in gone:
                self._labels.pop(name, None)
            for name in (*there, *gone):
                self._facts.pop(name, None)
            return
        held, read = self._held[kind], _READ[kind]
        for key, kept in there.items():
            namespace, _, name = key.partition("/")
            held.setdefault(namespace, {})[name] = read(name, kept)
            self._facts.pop(namespace, None)
        for key in gone:
            namespace, _, name = key.partition("/")
            held.get(namespace, {}).pop(name, None)
            self._facts.pop(namespace, None)

    def keys(self, kind: str) -> list[str]:
        """Return the keys of all objects of *kind*."""
        if kind == NODES:
            return list(self._nodes)
        if kind == NAMESPACES:
            return list(self._labels)
        return [f"{ns}/{name}" for ns, objects in self._held[kind].items() for name in objects]

    def numbers(self) -> dict[str, int]:
        """Return kind → number of objects."""
        held = {kind: sum(map(len, objects.values())) for kind, objects in self._held.items()}
        return {NODES: len(self._nodes), NAMESPACES: len(self._labels), **held}

    def know(self, unknown: frozenset[str], stale: Mapping[str, str]) -> None:
        """Take which kinds are not known now. *stale*: for how long, of those that are watched."""
        if (unknown, stale) != (self._unknown, self.everywhere.stale):
            self._unknown = unknown
            self.everywhere = replace(self.everywhere, stale=stale)
            self._facts.clear()

    def version(self, major: int, minor: int) -> None:
        """Take the version of the API server; one that the operator names wins."""
        if self._given.kube_version is None and self.everywhere.kube_version != (major, minor):
            self.everywhere = replace(self.everywhere, kube_version=(major, minor))
            self._facts.clear()

    def _built(self, namespace: str) -> Facts:
        known = {kind: held for kind, held in self._held.items() if kind not in self._unknown}
        claims = known.get(CLAIMS)
        ranges = known.get(LIMIT_RANGES, {}).get(namespace, {})
        quotas = known.get(QUOTAS, {}).get(namespace, {})
        return replace(
            self.everywhere,
            namespace=namespace,
            namespace_labels=None if NAMESPACES in self._unknown else self._labels.get(namespace),
            claims=None if claims is None else dict(claims.get(namespace, {})),
            nodes=None if NODES in self._unknown else self._labelled(),
            limit_ranges=tuple(item for _, items in sorted(ranges.items()) for item in items),
            quotas=tuple(quota for _, quota in sorted(quotas.items())),
        )

    def _labelled(self) -> tuple[Mapping[str, str], ...]:
        """Return the labels of each node. Nodes with the same labels share one mapping."""
        found: list[Mapping[str, str]] = []
        for labels, number in Counter(self._nodes.values()).items():
            found += [dict.fromkeys(labels, NODE_LABEL_VALUE)] * number
        return tuple(found)
