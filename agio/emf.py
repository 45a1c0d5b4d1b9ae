"""A service's metrics as CloudWatch takes them from logs: the embedded metric format, EMF.

A line is JSON of one set of labels, which are its dimensions, with the metrics that bear it. Of a
counter it tells the rise since the line before, of a histogram the rise of count and sum, median
and 99th of 100 of what came between. Specification: "CloudWatch embedded metric format".
"""

import logging
import logging.handlers
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
from prometheus_client import REGISTRY, CollectorRegistry

from agio.scrape import Labels, Scrape, quantiles
from agio.telemetry import LOG_FILE_BYTES_MAX, LOG_FILES_KEPT

NAMESPACE = "agio"
METRICS_MAX = 100  # of a document, by the specification
PREFIXES = ("agio_", "process_cpu_seconds", "process_resident_memory")
PERCENTILES = {"p50": 0.5, "p99": 0.99}

Values = dict[str, tuple[float, str]]
"""A document's values and units by name."""


class EmfReporter:
    """Writes what has changed since it was last asked to, one document a line.

    To `file`, in turns of bounded size, or to standard output where a container's log is read.
    """

    def __init__(
        self, service: str, file: Path | None, registry: CollectorRegistry = REGISTRY
    ) -> None:
        self._service = service
        self._registry = registry
        self._before = Scrape(0.0)
        handler: logging.Handler = logging.StreamHandler(sys.stdout)
        if file is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            handler = logging.handlers.RotatingFileHandler(
                file, maxBytes=LOG_FILE_BYTES_MAX, backupCount=LOG_FILES_KEPT
            )
        self._handler = handler

    def report(self, now_ms: int) -> None:
        """Write the documents of the time since the last call."""
        for document in self.documents(now_ms):
            line = msgspec.json.encode(document).decode()
            self._handler.emit(logging.LogRecord("emf", logging.INFO, "", 0, line, None, None))

    def documents(self, now_ms: int) -> Iterator[dict[str, Any]]:
        """Yield the documents of the time since the last call."""
        kinds, values_now = self._collect()
        before, self._before = self._before, Scrape(time.monotonic(), values_now)
        for labels, values in _changes(before, self._before, kinds).items():
            names = list(values)
            for first in range(0, len(names), METRICS_MAX):
                chosen = {name: values[name] for name in names[first : first + METRICS_MAX]}
                yield self._document(now_ms, dict(labels), chosen)

    def _document(self, now_ms: int, labels: Mapping[str, str], values: Values) -> dict[str, Any]:
        # A label may be called service, too: ours is the process.
        dimensions = {"Process": self._service} | {
            name.title(): value for name, value in sorted(labels.items()) if value
        }
        directive = {
            "Namespace": NAMESPACE,
            "Dimensions": [list(dimensions)],
            "Metrics": [{"Name": name, "Unit": unit} for name, (_, unit) in values.items()],
        }
        told = {name: value for name, (value, _) in values.items()}
        return {
            "_aws": {"Timestamp": now_ms, "CloudWatchMetrics": [directive]},
            **dimensions,
            **told,
        }

    def _collect(self) -> tuple[dict[str, str], dict[str, dict[Labels, float]]]:
        """Return the kinds of the metrics, and their values now."""
        kinds: dict[str, str] = {}
        values: defaultdict[str, dict[Labels, float]] = defaultdict(dict)
        for family in self._registry.collect():
            if family.name.startswith(PREFIXES):
                kinds[family.name] = family.type
                for sample in family.samples:
                    values[sample.name][frozenset(sample.labels.items())] = sample.value
        return kinds, values


def _changes(before: Scrape, after: Scrape, kinds: Mapping[str, str]) -> dict[Labels, Values]:
    """Return by labels what is to be told, with its unit."""
    changes: defaultdict[Labels, Values] = defaultdict(dict)
    for name, kind in kinds.items():
        unit = _unit(name)
        if kind == "histogram":
            for labels, rise in _rises(before, after, f"{name}_count").items():
                changes[labels][f"{name}_count"] = rise, "Count"
                found = quantiles(before, after, name, PERCENTILES.values(), **dict(labels))
                for title, value in zip(PERCENTILES, found or (), strict=False):
                    changes[labels][f"{name}_{title}"] = value, unit
            for labels, rise in _rises(before, after, f"{name}_sum").items():
                changes[labels][f"{name}_sum"] = rise, unit
        elif kind == "counter":
            for labels, rise in _rises(before, after, f"{name}_total").items():
                changes[labels][name] = rise, "Seconds" if unit == "Seconds" else "Count"
        else:
            for labels, value in after.values.get(name, {}).items():
                changes[labels][name] = value, unit
    return dict(changes)


def _rises(before: Scrape, after: Scrape, name: str) -> dict[Labels, float]:
    earlier = before.values.get(name, {})
    return {
        labels: value - earlier.get(labels, 0.0)
        for labels, value in after.values.get(name, {}).items()
    }


def _unit(name: str) -> str:
    """Return CloudWatch's name of the unit that a metric's name ends with."""
    for suffix, unit in (("_seconds", "Seconds"), ("_bytes", "Bytes")):
        if name.endswith(suffix):
            return unit
    return "None"
