import re

from agio.hot_paths import ROOT
from agio.metrics_table import document, metrics

# Prometheus, "Metric and label naming": base units, in the plural, and _total for counters.
NOT_BASE_UNITS = re.compile(r"_(ms|us|ns|millis|micros|milliseconds|minutes|kib|mib|percent)(_|$)")


def test_the_table_of_metrics_is_that_of_the_code() -> None:
    assert (ROOT / "docs" / "metrics.md").read_text() == document(), (
        "run: python -m agio.metrics_table > docs/metrics.md"
    )


def test_metrics_are_named_as_prometheus_names_them() -> None:
    wrong = [
        metric.name
        for metric in metrics()
        if NOT_BASE_UNITS.search(metric.name)
        or (metric.kind == "counter") is not metric.name.endswith("_total")
        or not re.fullmatch(r"[a-z][a-z0-9_]*", metric.name)
        or not metric.meaning
    ]
    assert not wrong


def test_every_hop_and_age_that_an_operator_asks_for_is_there() -> None:
    names = {metric.name for metric in metrics()}
    assert {
        "agio_link_round_trip_seconds",
        "agio_matching_apply_seconds",
        "agio_matching_commit_seconds",
        "agio_matching_publish_seconds",
        "agio_matching_waiting_requests",
        "agio_matching_last_record_timestamp_seconds",
        "agio_matching_snapshot_timestamp_seconds",
        "agio_gateway_report_seconds",
        "agio_gateway_rejects_total",
        "agio_gateway_fix_sessions",
        "agio_gateway_feed_gaps_total",
        "agio_accounts_settlement_lag_records",
        "agio_accounts_settlement_seconds",
        "agio_marketdata_publish_seconds",
    } <= names
