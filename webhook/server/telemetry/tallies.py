"""Count with plain numbers, for metrics that every review touches.

prometheus_client locks each number, because threads may share it. These numbers belong to the event
loop alone: it counts, and it makes the samples when /metrics is read.
"""

import time
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate
from math import inf

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString


class Tally(Collector):
    """A counter with labels; a sample exists once its labels have been counted."""

    def __init__(
        self, name: str, documentation: str, label_names: Sequence[str], registry: CollectorRegistry
    ) -> None:
        self._name, self._documentation, self.label_names = name, documentation, label_names
        self._counts: dict[tuple[object, ...], int] = {}
        self._created: dict[tuple[object, ...], float] = {}
        registry.register(self)

    def count(self, *labels: object) -> None:
        """Add one to the sample with *labels*."""
        try:
            self._counts[labels] += 1
        except KeyError:
            self._counts[labels] = 1
            self._created[labels] = time.time()

    def collect(self) -> Iterator[CounterMetricFamily]:
        """Yield what was counted."""
        family = CounterMetricFamily(self._name, self._documentation, labels=self.label_names)
        for labels, number in self._counts.items():
            family.add_metric([str(label) for label in labels], number, self._created[labels])
        yield family

    describe = collect


class Distribution(Collector):
    """A histogram without labels; *bounds* are the upper ends of its buckets."""

    def __init__(
        self, name: str, documentation: str, bounds: Sequence[float], registry: CollectorRegistry
    ) -> None:
        self._name, self._documentation = name, documentation
        self._bounds = (*bounds, inf)
        self._counts = [0] * len(self._bounds)
        self._sum = 0.0
        self._created = time.time()
        registry.register(self)

    def observe(self, value: float) -> None:
        """Count *value*."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """Yield what was counted."""
        ends = map(floatToGoString, self._bounds)
        buckets = list(zip(ends, accumulate(self._counts), strict=True))
        family = HistogramMetricFamily(self._name, self._documentation, buckets, self._sum)
        family.add_sample(f"{self._name}_created", {}, self._created)
        yield family

    describe = collect
