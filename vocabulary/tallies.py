"""Counters and histograms for what happens with each order or batch.

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
    """A number that rises."""

    def __init__(self) -> None:
        self.total = 0

    def add(self, count: int) -> None:
        self.total += count


class Distribution:
    """How many values were within each bucket; `bounds` are the buckets' upper ones, ascending."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self._kept_bounds = array("d", bounds)
        self._kept_counts = array("q", bytes(8 * (len(bounds) + 1)))  # the last without a bound
        self._bounds = self._kept_bounds
        self._counts = self._kept_counts
        self._bounded = len(bounds)
        self.sum = 0.0

    def add(self, value: float) -> None:
        bucket = 0
        while bucket < self._bounded and value > self._bounds[bucket]:
            bucket += 1
        self._counts[bucket] += 1
        self.sum += value

    def buckets(self) -> list[tuple[str, float]]:
        """Return each bound with how many values are not above it, as Prometheus has it."""
        found: list[tuple[str, float]] = []
        below = 0
        bounds = [*map(str, self._kept_bounds), "+Inf"]
        for bound, count in zip(bounds, self._kept_counts, strict=True):
            below += count
            found.append((bound, below))
        return found


class Counts:
    """A counter, `name` without its `_total`: a `Count` for each combination of labels."""

    def __init__(self, name: str, meaning: str, label_names: Sequence[str] = ()) -> None:
        self.label_names = tuple(label_names)
        self._name = name
        self._meaning = meaning
        self._counts: dict[tuple[str, ...], Count] = {}
        REGISTRY.register(self)

    def labels(self, *values: str) -> Count:
        return self._counts.setdefault(values, Count())

    def describe(self) -> list[CounterMetricFamily]:
        return [CounterMetricFamily(self._name, self._meaning)]

    def collect(self) -> Iterator[CounterMetricFamily]:
        family = CounterMetricFamily(self._name, self._meaning, labels=self.label_names)
        for values, count in self._counts.items():
            family.add_metric(values, count.total)
        return iter([family])


class Distributions:
    """A histogram: a `Distribution` for each combination of labels."""

    def __init__(
        self, name: str, meaning: str, bounds: Sequence[float], label_names: Sequence[str] = ()
    ) -> None:
        self.label_names = tuple(label_names)
        self._name = name
        self._meaning = meaning
        self._bounds = bounds
        self._distributions: dict[tuple[str, ...], Distribution] = {}
        REGISTRY.register(self)

    def labels(self, *values: str) -> Distribution:
        return self._distributions.setdefault(values, Distribution(self._bounds))

    def describe(self) -> list[HistogramMetricFamily]:
        return [HistogramMetricFamily(self._name, self._meaning)]

    def collect(self) -> Iterator[HistogramMetricFamily]:
        family = HistogramMetricFamily(self._name, self._meaning, labels=self.label_names)
        for values, distribution in self._distributions.items():
            family.add_metric(values, distribution.buckets(), distribution.sum)
        return iter([family])
