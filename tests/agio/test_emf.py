"""The embedded metric format, as its specification has it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from agio.child_process import free_port
from agio.emf import EmfReporter
from tests.agio.running_venue import wait_for

NOW_MS = 1_767_225_600_000
UNITS = {"Seconds", "Bytes", "Count", "None"}


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


def assert_valid(document: dict[str, Any], now_ms: int | None = NOW_MS) -> None:
    """Check what the specification asks of a document."""
    root = document["_aws"]
    assert isinstance(root["Timestamp"], int)
    assert now_ms is None or root["Timestamp"] == now_ms
    [directive] = root["CloudWatchMetrics"]
    assert directive["Namespace"] == "agio"
    [dimensions] = directive["Dimensions"]
    assert 1 <= len(dimensions) <= 30
    assert all(isinstance(document[name], str) and document[name] for name in dimensions)
    assert 1 <= len(directive["Metrics"]) <= 100
    for metric in directive["Metrics"]:
        assert metric["Unit"] in UNITS
        assert isinstance(document[metric["Name"]], int | float)
    assert len(json.dumps(document)) < 256 * 1024


def by_dimensions(reporter: EmfReporter) -> dict[tuple[str, ...], dict[str, Any]]:
    found = {}
    for document in reporter.documents(NOW_MS):
        assert_valid(document)
        [dimensions] = document["_aws"]["CloudWatchMetrics"][0]["Dimensions"]
        found[tuple(document[name] for name in dimensions)] = document
    return found


def test_counters_tell_their_rise_and_gauges_what_they_are(registry: CollectorRegistry) -> None:
    orders = Counter("agio_orders", "-", ["door"], registry=registry)
    lag = Gauge("agio_lag_records", "-", registry=registry)
    reporter = EmfReporter("gateway", None, registry)
    orders.labels("fix").inc(5)
    lag.set(3)
    first = by_dimensions(reporter)
    assert first["gateway", "fix"]["agio_orders"] == 5
    assert first["gateway",]["agio_lag_records"] == 3
    orders.labels("fix").inc(2)
    assert by_dimensions(reporter)["gateway", "fix"]["agio_orders"] == 2


def test_a_histogram_tells_quantiles_of_what_came_between(registry: CollectorRegistry) -> None:
    seconds = Histogram("agio_commit_seconds", "-", buckets=[0.001, 0.01, 0.1], registry=registry)
    reporter = EmfReporter("matching", None, registry)
    seconds.observe(0.05)
    by_dimensions(reporter)
    for _ in range(100):
        seconds.observe(0.0005)
    told = by_dimensions(reporter)["matching",]
    assert told["agio_commit_seconds_count"] == 100
    assert told["agio_commit_seconds_sum"] == pytest.approx(0.05)
    assert told["agio_commit_seconds_p99"] == pytest.approx(0.00099)
    units = {each["Name"]: each["Unit"] for each in told["_aws"]["CloudWatchMetrics"][0]["Metrics"]}
    assert units["agio_commit_seconds_p99"] == "Seconds"
    assert "agio_commit_seconds_p50" not in by_dimensions(reporter)["matching",]  # nothing came


def test_many_metrics_are_told_in_several_documents(registry: CollectorRegistry) -> None:
    for number in range(230):
        Gauge(f"agio_gauge_{number}", "-", registry=registry)
    documents = list(EmfReporter("matching", None, registry).documents(NOW_MS))
    assert len(documents) == 3
    for document in documents:
        assert_valid(document)


def test_without_a_file_they_go_where_a_container_s_log_is_read(
    registry: CollectorRegistry, capsys: pytest.CaptureFixture[str]
) -> None:
    Gauge("agio_lag_records", "-", registry=registry).set(7)
    EmfReporter("gateway", None, registry).report(NOW_MS)
    [line] = capsys.readouterr().out.splitlines()
    assert_valid(json.loads(line))


def test_a_service_writes_them_where_it_is_told_to(tmp_path: Path) -> None:
    settings = {
        "AGIO_DATA": tmp_path,
        "AGIO_LOG_DIRECTORY": tmp_path / "logs",
        "AGIO_MATCHING_METRICS_PORT": free_port(),
        "AGIO_EMF_SECONDS": 0.2,
    }
    file = tmp_path / "logs" / "matching.emf"
    process = subprocess.Popen(
        [sys.executable, "-m", "agio", "matching"],
        env=os.environ | {name: str(value) for name, value in settings.items()},
    )
    try:
        wait_for(lambda: file.exists() and file.read_text().count("\n") > 20, "no EMF lines")
    finally:
        process.terminate()
        assert process.wait(20) == 0
    documents = [json.loads(line) for line in file.read_text().splitlines()]
    for document in documents:
        assert_valid(document, None)
        assert document["Process"] == "matching"
    assert any("agio_matching_sequence" in document for document in documents)
    assert any(document.get("agio_service_ready") == 1 for document in documents)
