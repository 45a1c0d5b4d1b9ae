"""A counter and a histogram for what happens with each batch.

The client library's take 0.7 and 2.3 us to be told something: a lock, labels, and each bucket's own
value. These are told by the event loop alone, in a tenth of a microsecond, and are put into the
library's form when somebody asks.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence

from prometheus_client import REGISTRY
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily


class Count:
    """A counter, `name` without its `_total`."""

    def __init__(self, name: str, meaning: str) -> None:
        self._name = name
        self._meaning = meaning
        self._total = 0
        REGISTRY.register(self)

    def add(self, count: int) -> None:
        self._total += count

    def describe(self) -> list[CounterMetricFamily]:
        return [CounterMetricFamily(self._name, self._meaning)]

    def collect(self) -> Iterator[CounterMetricFamily]:
        return iter([CounterMetricFamily(self._name, self._meaning, value=self._total)])


class Distribution:
    """A histogram of values; `bounds` are its buckets' upper ones, ascending."""

    def __init__(self, name: str, meaning: str, bounds: Sequence[float]) -> None:
        self._name = name
        self._meaning = meaning
        self._kept_bounds = array("d", bounds)
        self._kept_counts = array("q", bytes(8 * (len(bounds) + 1)))  # the last without a bound
        self._bounds = self._kept_bounds
        self._counts = self._kept_counts
        self._bounded = len(bounds)
        self._sum = 0.0
        REGISTRY.register(self)

    def add(self, value: float) -> None:
        bucket = 0
        while bucket < self._bounded and value > self._bounds[bucket]:
            bucket += 1
        self._counts[bucket] += 1
        self._sum += value

    def describe(self) -> list[HistogramMetricFamily]:
        return [HistogramMetricFamily(self._name, self._meaning)]

    def collect(self) -> Iterator[HistogramMetricFamily]:
        buckets: list[tuple[str, float]] = []
        below = 0
        bounds = [*map(str, self._kept_bounds), "+Inf"]
        for bound, count in zip(bounds, self._kept_counts, strict=True):
            below += count
            buckets.append((bound, below))
        family = HistogramMetricFamily(self._name, self._meaning, buckets, self._sum)
        return iter([family])
