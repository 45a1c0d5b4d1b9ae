"""What the services' metrics say: read from their endpoints, and rates and quantiles made of it."""

import math
import time
import urllib.request
from collections import defaultdict
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.client import HTTPException

from prometheus_client.parser import text_string_to_metric_families

from agio import venue

TIMEOUT_S = 2.0

Labels = frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Scrape:
    """A service's metrics by name and labels, at a monotonic time; none if it is down."""

    at_s: float
    values: Mapping[str, Mapping[Labels, float]] = field(default_factory=dict)

    @property
    def is_up(self) -> bool:
        return bool(self.values)

    def value(self, name: str, **labels: str) -> float | None:
        """Return the sum of a metric over all labels that hold these, None where it is not."""
        wanted = set(labels.items())
        found = [value for each, value in self.values.get(name, {}).items() if wanted <= each]
        return math.fsum(found) if found else None

    def by_label(self, name: str, label: str) -> dict[str, float]:
        """Return a metric by the values of a label, summed over the other labels."""
        sums: defaultdict[str, float] = defaultdict(float)
        for labels, value in self.values.get(name, {}).items():
            sums[dict(labels).get(label, "")] += value
        return dict(sums)


def scrape(url: str) -> Scrape:
    """Return what stands at a `/metrics`; nothing if it can't be had, or is no such thing."""
    values: defaultdict[str, dict[Labels, float]] = defaultdict(dict)
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_S) as response:  # noqa: S310 (our own URL)
            text = response.read().decode()
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                values[sample.name][frozenset(sample.labels.items())] = sample.value
    except (OSError, HTTPException, ValueError):
        return Scrape(time.monotonic())
    return Scrape(time.monotonic(), values)


def scrape_all(health_urls: Mapping[str, str]) -> dict[str, Scrape]:
    """Scrape the services side by side, given their `/health` by name."""
    urls = [venue.metrics_url(url) for url in health_urls.values()]
    with ThreadPoolExecutor(max(len(urls), 1)) as threads:
        return dict(zip(health_urls, threads.map(scrape, urls), strict=True))


def rate(before: Scrape, after: Scrape, name: str, **labels: str) -> float | None:
    """Return how fast a counter rose, a second; a counter that fell began anew."""
    first, last = before.value(name, **labels), after.value(name, **labels)
    if last is None or not before.is_up:
        return None
    rise = last - (first or 0.0)
    return (rise if rise >= 0 else last) / (after.at_s - before.at_s)


def quantiles(
    before: Scrape, after: Scrape, name: str, wanted: Iterable[float], **labels: str
) -> list[float] | None:
    """Return quantiles of what a histogram observed between two scrapes, None for nothing.

    A quantile lies somewhere in a bucket; within it, all are taken to be spread evenly.
    """
    counts = _buckets(after, name, labels)
    earlier = _buckets(before, name, labels)
    rises = {bound: count - earlier.get(bound, 0.0) for bound, count in counts.items()}
    bounds = sorted(rises)
    if not bounds or rises[bounds[-1]] <= 0:
        return None
    return [_quantile(rises, bounds, share) for share in wanted]


def _buckets(one: Scrape, name: str, labels: Mapping[str, str]) -> dict[float, float]:
    """Return the cumulative counts by upper bound, summed over the labels not named."""
    sums: defaultdict[float, float] = defaultdict(float)
    wanted = set(labels.items())
    for each, count in one.values.get(f"{name}_bucket", {}).items():
        if wanted <= each:
            sums[float(dict(each)["le"])] += count
    return dict(sums)


def _quantile(counts: Mapping[float, float], bounds: list[float], share: float) -> float:
    rank = share * counts[bounds[-1]]
    lower, below = 0.0, 0.0
    for bound in bounds:
        if counts[bound] >= rank:
            if math.isinf(bound):  # beyond the last bound: it is at least that
                return lower
            inside = counts[bound] - below
            return lower + (bound - lower) * ((rank - below) / inside if inside else 1.0)
        lower, below = bound, counts[bound]
    return lower
