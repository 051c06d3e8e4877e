"""Strategy hostPath: a directory of the node, filled by a DaemonSet."""

from collections.abc import Iterator

from webhook.admission.problem import Problem
from webhook.admission.strategies import node_cache
from webhook.admission.strategies.store import Store
from webhook.admission.strategies.strategy import Strategy
from webhook.objects import names
from webhook.objects.facts import Facts
from webhook.objects.json import Json
from webhook.objects.volume import Volume


class HostPath(Strategy):
    """A directory of the node, filled by a DaemonSet."""

    __slots__ = ()
    name = "hostPath"
    reads = ("host-path", "placement")

    def volumes(self) -> list[Json]:
        return node_cache.node_volumes(self, names.MODEL_VOLUME)

    def receipt(self, volume: Volume, ours: Json) -> bool:
        return node_cache.same_directory(volume, ours)

    def obstacles(self, facts: Facts) -> Iterator[Problem]:
        yield from node_cache.node_obstacles(facts, self.request)

    def node_labels(self) -> list[str]:
        return node_cache.labels(self.request)

    def store(self) -> Store:
        return node_cache.NodeStore(self.request)
