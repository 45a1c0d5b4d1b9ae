"""The venue's Grafana dashboard: `python -m deploy.grafana.dashboard` writes agio.json.

A FIX door's label `service` is scraped as `exported_service`: the target's own has that name.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

FILE = Path(__file__).with_name("agio.json")
SOURCE = {"type": "prometheus", "uid": "${source}"}
WIDTH, HEIGHT = 8, 7  # of a panel; Grafana's grid has 24 columns


class Panel(NamedTuple):
    """A graph of PromQL expressions by legend."""

    title: str
    unit: str
    expressions: dict[str, str]
    kind: str = "timeseries"


def rate(metric: str, by: str = "") -> str:
    return f"sum{f' by ({by})' if by else ''} (rate({metric}[$__rate_interval]))"


def latencies(**metrics: str) -> dict[str, str]:
    """Return median and 99th of 100 of histograms, by what their legend begins with."""
    return {
        f"{title.replace('_', ' ')} p{percent}": (
            f"histogram_quantile({percent / 100}, "
            f"sum by (le) (rate({metric}_bucket[$__rate_interval])))"
        )
        for title, metric in metrics.items()
        for percent in (50, 99)
    }


ROWS: dict[str, list[Panel]] = {
    "Venue": [
        Panel("Ready", "bool_yes_no", {"{{service}}": "agio_service_ready"}, "stat"),
        Panel(
            "Commands and trades",
            "ops",
            {
                "commands": rate("agio_matching_commands_total"),
                "trades": rate("agio_accounts_trades_settled_total"),
            },
        ),
        Panel(
            "Readers' lag",
            "short",
            {
                "gateway {{instance}}": "agio_gateway_lag_records",
                "marketdata": "agio_marketdata_lag_records",
                "settlement": "agio_accounts_settlement_lag_records",
                "event stream": "agio_stream_lag_records",
                "trade history": "agio_trade_history_lag_records",
                "archive": "agio_archive_lag_records",
            },
        ),
    ],
    "An order's way": [
        Panel(
            "Gateway",
            "s",
            latencies(
                command_to_record="agio_link_round_trip_seconds",
                record_to_gateway="agio_gateway_record_age_seconds",
                report="agio_gateway_report_seconds",
            ),
        ),
        Panel(
            "Matching",
            "s",
            latencies(
                execute="agio_matching_apply_seconds",
                write_and_sync="agio_matching_commit_seconds",
                publish="agio_matching_publish_seconds",
            ),
        ),
        Panel(
            "Behind it",
            "s",
            latencies(
                record_to_Redis="agio_marketdata_publish_seconds",
                record_to_WebSocket="agio_gateway_feed_age_seconds",
                record_to_ledger="agio_accounts_settlement_seconds",
            ),
        ),
    ],
    "Doors": [
        Panel(
            "Requests",
            "reqps",
            {
                "FIX {{exported_service}}": rate(
                    "agio_gateway_fix_messages_received_total", "exported_service"
                ),
                "REST": rate("agio_gateway_rest_requests_total"),
                "WebSocket": rate("agio_gateway_websocket_requests_total"),
            },
        ),
        Panel(
            "Sessions",
            "short",
            {
                "FIX {{exported_service}}": "sum by (exported_service) (agio_gateway_fix_sessions)",
                "WebSocket": "sum(agio_gateway_websocket_connections)",
            },
        ),
        Panel(
            "Refused, by reason",
            "ops",
            {"{{reason}}": rate("agio_gateway_rejects_total", "reason")},
        ),
    ],
    "Journal, queues and money": [
        Panel(
            "Age of journal and snapshot",
            "s",
            {
                "last record": "time() - agio_matching_last_record_timestamp_seconds",
                "last snapshot": "time() - (agio_matching_snapshot_timestamp_seconds > 0)",
            },
        ),
        Panel(
            "What waits",
            "short",
            {
                "requests for a batch": "agio_matching_waiting_requests",
                "commands for a record": "agio_gateway_unanswered_commands",
                "JSON requests": "agio_gateway_json_waiting_requests",
                "records for settlement": "agio_accounts_waiting_records",
            },
        ),
        Panel(
            "Ledger differences, unknown outcomes",
            "short",
            {
                "differences": "agio_accounts_reconciliation_differences",
                "unknown": "increase(agio_gateway_json_timeouts_total[$__rate_interval])",
            },
        ),
    ],
    "Market data": [
        Panel("Published", "ops", {"messages": rate("agio_marketdata_messages_total")}),
        Panel(
            "Gaps and refills",
            "ops",
            {
                "gaps": rate("agio_gateway_feed_gaps_total"),
                "refills": rate("agio_gateway_feed_refills_total"),
                "clients cut off": rate("agio_gateway_websocket_cuts_total"),
            },
        ),
        Panel("Write to Redis", "s", latencies(write="agio_marketdata_write_seconds")),
    ],
    "Processes": [
        Panel("Cores", "none", {"{{service}}": rate("process_cpu_seconds_total", "service")}),
        Panel("Memory", "bytes", {"{{service}}": "process_resident_memory_bytes"}),
        Panel(
            "How late timers are, p99",
            "s",
            {
                "{{service}}": "histogram_quantile(0.99, sum by (service, le) "
                "(rate(agio_event_loop_lag_seconds_bucket[$__rate_interval])))"
            },
        ),
    ],
}


def dashboard() -> dict[str, Any]:
    """Return the dashboard in Grafana's JSON model."""
    panels: list[dict[str, Any]] = []
    for number, (title, row) in enumerate(ROWS.items()):
        top = number * (HEIGHT + 1)
        place = {"x": 0, "y": top, "w": 24, "h": 1}
        panels.append({"type": "row", "title": title, "gridPos": place, "panels": []})
        for column, panel in enumerate(row):
            place = {"x": column * WIDTH, "y": top + 1, "w": WIDTH, "h": HEIGHT}
            panels.append(_panel(panel, place))
    for number, each in enumerate(panels, 1):
        each["id"] = number
    return {
        "uid": "agio-venue",
        "title": "agio",
        "schemaVersion": 39,
        "editable": True,
        "refresh": "10s",
        "time": {"from": "now-1h", "to": "now"},
        "templating": {
            "list": [
                {"name": "source", "label": "Source", "type": "datasource", "query": "prometheus"}
            ]
        },
        "panels": panels,
    }


def _panel(panel: Panel, place: dict[str, int]) -> dict[str, Any]:
    targets = [
        {
            "refId": chr(ord("A") + number),
            "datasource": SOURCE,
            "expr": expr,
            "legendFormat": legend,
        }
        for number, (legend, expr) in enumerate(panel.expressions.items())
    ]
    return {
        "type": panel.kind,
        "title": panel.title,
        "datasource": SOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "targets": targets,
    }


if __name__ == "__main__":
    FILE.write_text(json.dumps(dashboard(), indent=1) + "\n")
