"""Strategy hostPath: a directory of the node that a DaemonSet has filled."""

from collections.abc import Iterator

from webhook import names
from webhook.decision import Json, Problem
from webhook.facts import Facts
from webhook.strategies import node_cache
from webhook.strategies.strategy import Strategy


class HostPath(Strategy):
    """A directory of the node that a DaemonSet has filled."""

    __slots__ = ()
    name = "hostPath"

    def volumes(self) -> list[Json]:
        return node_cache.node_volumes(self, names.MODEL_VOLUME)

    def obstacles(self, facts: Facts) -> Iterator[Problem]:
        yield from node_cache.node_obstacles(facts, self.request)

    def node_labels(self) -> list[str]:
        return node_cache.labels(self.request)
