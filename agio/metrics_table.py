"""Every metric that our services have, as the table of docs/metrics.md.

Run as a program it prints the document: `python -m agio.metrics_table > docs/metrics.md`.
"""

import importlib
import pkgutil
from collections.abc import Iterator
from itertools import groupby
from typing import Any, NamedTuple

from prometheus_client import REGISTRY
from prometheus_client.metrics import MetricWrapperBase

import accounts
import agio
import gateway
import marketdata
import matching
import trading

PACKAGES = (accounts, agio, gateway, marketdata, matching, trading)
PREFIX = "agio_"
HEAD = """# Metrics

Every service serves its own of these at `/metrics`, beside `process_*` and `python_*`. Counters
count from the process's start; a histogram NAME has NAME_bucket, NAME_sum and NAME_count.
`python -m agio.metrics_table` writes this file, and a test compares it with the code.
"""


class Metric(NamedTuple):
    """A metric as it is scraped: counters have their `_total`."""

    name: str
    kind: str
    labels: tuple[str, ...]
    meaning: str


def metrics() -> list[Metric]:
    """Return the metrics of all services, by name. Imports every module of ours."""
    for module in _modules():
        importlib.import_module(module)
    ours = {
        collector
        for name, collector in REGISTRY._names_to_collectors.items()
        if name.startswith(PREFIX)
    }
    return sorted(map(_metric, ours))


def document() -> str:
    """Return docs/metrics.md."""
    parts = [HEAD]
    for service, each in groupby(metrics(), key=lambda metric: metric.name.split("_")[1]):
        parts.append(f"\n## {service}\n\n| metric | kind | labels | meaning |\n|---|---|---|---|\n")
        parts += [
            f"| `{name}` | {kind} | {', '.join(labels)} | {meaning} |\n"
            for name, kind, labels, meaning in each
        ]
    return "".join(parts)


def _modules() -> Iterator[str]:
    for package in PACKAGES:
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not found.name.endswith("__main__") and "migrations" not in found.name:
                yield found.name


def _metric(collector: Any) -> Metric:
    [family] = collector.describe()
    suffix = "_total" if family.type == "counter" else ""
    is_library_s = isinstance(collector, MetricWrapperBase)
    labels = tuple(collector._labelnames if is_library_s else collector.label_names)
    return Metric(family.name + suffix, family.type, labels, family.documentation)


if __name__ == "__main__":
    print(document(), end="")  # noqa: T201
