"""What Prometheus and Grafana are told to look at exists, and what they say is explained."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from agio.hot_paths import ROOT
from agio.metrics_table import metrics
from deploy.grafana import dashboard

ALERTS = yaml.safe_load((ROOT / "deploy" / "prometheus" / "alerts.yml").read_text())
RULES = [rule for group in ALERTS["groups"] for rule in group["rules"]]
SCRAPES = yaml.safe_load((ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text())
METRIC = re.compile(r"\b(?:agio|process|python)_[a-z0-9_]+")
# prometheus_client's own, of every process on Linux.
OF_PROCESSES = {
    "process_cpu_seconds_total",
    "process_resident_memory_bytes",
    "process_start_time_seconds",
}


def expressions() -> Iterator[str]:
    for rule in RULES:
        yield rule["expr"]
    for row in dashboard.ROWS.values():
        for panel in row:
            yield from panel.expressions.values()


def served() -> set[str]:
    """Return the names that are scraped."""
    names = set(OF_PROCESSES)
    for metric in metrics():
        names.add(metric.name)
        if metric.kind == "histogram":
            names |= {f"{metric.name}_{part}" for part in ("bucket", "sum", "count")}
    return names


def test_every_metric_that_is_looked_at_exists() -> None:
    labels = {label for metric in metrics() for label in metric.labels} | {"agio_matching_takes"}
    named = {name for expression in expressions() for name in METRIC.findall(expression)}
    assert len(named) > 40
    assert not named - served() - labels


def test_every_metric_that_cloudwatch_watches_exists() -> None:
    told = served() | {f"{metric.name}_p99" for metric in metrics() if metric.kind == "histogram"}
    source = (ROOT / "deploy" / "aws" / "telemetry.py").read_text()
    watched = set(re.findall(r'"(agio_[a-z0-9_]+)"', source))
    assert len(watched) >= 4
    assert not watched - told


def test_rates_are_of_counters_and_quantiles_of_histograms() -> None:
    kinds = {metric.name: metric.kind for metric in metrics()}
    for expression in expressions():
        for name in re.findall(r"(?:rate|increase)\((\w+)[\[{]", expression):
            histogram = re.sub(r"_(bucket|sum|count)$", "", name)
            assert (
                kinds.get(name) == "counter"
                or kinds.get(histogram) == "histogram"
                or (name in OF_PROCESSES)
            ), expression
        assert expression.count("(") == expression.count(")")
        if "histogram_quantile" in expression:
            assert re.search(r"by \((?:\w+, )*le\)", expression), expression


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule["alert"]))
def test_every_alert_is_explained(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert rule["annotations"]["summary"]
    explained = (ROOT / "docs" / "operations.md").read_text()
    assert f"`{rule['alert']}`" in explained


def test_no_alert_is_explained_that_there_is_not() -> None:
    explained = (ROOT / "docs" / "operations.md").read_text()
    known = {rule["alert"] for rule in RULES}
    assert set(re.findall(r"`(Agio[A-Z]\w+)`", explained)) == known
    assert len(RULES) == len(known)


def test_the_dashboard_is_what_its_source_makes() -> None:
    assert json.loads(dashboard.FILE.read_text()) == dashboard.dashboard(), (
        "run: python -m deploy.grafana.dashboard"
    )


def test_panels_lie_beside_each_other() -> None:
    panels = dashboard.dashboard()["panels"]
    taken = [
        (x, y)
        for panel in panels
        for place in [panel["gridPos"]]
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(taken) == len(set(taken))
    assert max(x for x, _ in taken) == 23
    assert len({panel["id"] for panel in panels}) == len(panels)


def test_the_scrape_job_finds_the_services_where_they_are() -> None:
    from agio.configuration import Configuration
    from agio.services import SERVICES, metrics_port

    [job] = SCRAPES["scrape_configs"]
    found = {each["labels"]["service"]: each["targets"] for each in job["static_configs"]}
    assert found == {
        name: [f"127.0.0.1:{metrics_port(Configuration(), name)}"] for name in SERVICES
    }
