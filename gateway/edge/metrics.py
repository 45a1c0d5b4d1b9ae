"""What the gateway as a whole tells Prometheus; the doors have metrics of their own."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

from vocabulary.tallies import Distributions

_BUCKETS = [0.0001 * 2**power for power in range(14)]

LAST_SEQUENCE = Gauge("agio_gateway_last_sequence", "Sequence of the last record read")
LAG_RECORDS = Gauge("agio_gateway_lag_records", "Records in the journal, not yet read")
OPEN_ORDERS = Gauge("agio_gateway_open_orders", "Open orders in the venue")
UNANSWERED = Gauge("agio_gateway_unanswered_commands", "Commands that wait for their record")
RECORD_AGE_SECONDS = Distributions(
    "agio_gateway_record_age_seconds",
    "Time from a record's making to its arrival here, of each chunk's last record",
    _BUCKETS,
).labels()
REPORT_SECONDS = Distributions(
    "agio_gateway_report_seconds",
    "Time from a chunk of records' arrival to the reports being written",
    _BUCKETS,
).labels()
REJECTS = Counter(
    "agio_gateway_rejects",
    "Requests refused, by the gateway or by the engine, by reason",
    ["by", "reason"],
)
JSON_WAITING = Gauge("agio_gateway_json_waiting_requests", "JSON requests that wait for a record")
JSON_TIMEOUTS = Counter("agio_gateway_json_timeouts", "JSON requests answered `unknown`")
FEED_AGE_SECONDS = Histogram(
    "agio_gateway_feed_age_seconds",
    "Time from a record's making to the market data's writing to WebSockets, of each write's first",
    buckets=_BUCKETS,
)
