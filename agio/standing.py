"""The whole venue at a glance, made of two looks at its services' metrics."""

import time
from collections.abc import Mapping

import msgspec

from agio.scrape import Scrape, quantiles, rate

LAG_SUFFIX = "_lag_records"

# How long an order is where: title, service, histogram and labels, in the order of its way.
HOPS: tuple[tuple[str, str, str, dict[str, str]], ...] = (
    ("command → record", "gateway", "agio_link_round_trip_seconds", {"client": "gateway"}),
    ("  execute a batch", "matching", "agio_matching_apply_seconds", {}),
    ("  write and sync it", "matching", "agio_matching_commit_seconds", {}),
    ("  write it to readers", "matching", "agio_matching_publish_seconds", {}),
    ("  record → gateway", "gateway", "agio_gateway_record_age_seconds", {}),
    ("report it", "gateway", "agio_gateway_report_seconds", {}),
    ("REST request → answer", "gateway", "agio_gateway_rest_seconds", {}),
    ("record → Redis", "marketdata", "agio_marketdata_publish_seconds", {}),
    ("record → WebSocket feed", "gateway", "agio_gateway_feed_age_seconds", {}),
    ("record → ledger", "accounts", "agio_accounts_settlement_seconds", {}),
)
RATES: tuple[tuple[str, str, str], ...] = (
    ("commands", "matching", "agio_matching_commands_total"),
    ("trades", "accounts", "agio_accounts_trades_settled_total"),
    ("rejects", "gateway", "agio_gateway_rejects_total"),
    ("FIX messages", "gateway", "agio_gateway_fix_messages_received_total"),
    ("REST requests", "gateway", "agio_gateway_rest_requests_total"),
    ("WebSocket requests", "gateway", "agio_gateway_websocket_requests_total"),
    ("market data messages", "marketdata", "agio_marketdata_messages_total"),
)
QUEUES: tuple[tuple[str, str, str], ...] = (
    ("requests for a batch", "matching", "agio_matching_waiting_requests"),
    ("commands for a record", "gateway", "agio_gateway_unanswered_commands"),
    ("JSON requests for a record", "gateway", "agio_gateway_json_waiting_requests"),
    ("records for settlement", "accounts", "agio_accounts_waiting_records"),
)


class ServiceStanding(msgspec.Struct, frozen=True):
    """A service: `cpu` is in cores, `loop_lag_s` the worst hundredth of how late its timers are."""

    up: bool
    ready: bool
    uptime_s: float | None = None
    cpu: float | None = None
    memory_bytes: int | None = None
    loop_lag_s: float | None = None


class HopStanding(msgspec.Struct, frozen=True):
    """How long an order is at a hop: observations a second, median and 99th of 100; seconds."""

    per_s: float
    p50_s: float
    p99_s: float


class Standing(msgspec.Struct, frozen=True):
    """The venue. What a service that is down would tell is None, or not there."""

    services: dict[str, ServiceStanding]
    sequence: int | None
    rates_per_s: dict[str, float]
    hops: dict[str, HopStanding]
    queues: dict[str, int]
    lag_records: dict[str, int]
    sessions: dict[str, int]
    rejects: dict[str, int]
    open_orders: int | None
    feed_gaps: int | None
    ledger_differences: int | None
    journal_age_s: float | None
    snapshot_age_s: float | None
    records_since_snapshot: int | None
    disk_free_bytes: int | None


def standing(before: Mapping[str, Scrape], after: Mapping[str, Scrape]) -> Standing:
    """Return how the venue stands, by two scrapes of its services some time apart."""
    nothing = Scrape(0.0)

    def now(service: str, name: str, **labels: str) -> float | None:
        return after.get(service, nothing).value(name, **labels)

    def whole(service: str, name: str) -> int | None:
        value = now(service, name)
        return int(value) if value is not None else None

    sequence = whole("matching", "agio_matching_sequence")
    snapshot = whole("matching", "agio_matching_snapshot_sequence")
    gateway = after.get("gateway", nothing)
    rates = {
        title: value
        for title, service, name in RATES
        if service in after and (value := rate(before[service], after[service], name)) is not None
    }
    return Standing(
        services={name: _service(before[name], after[name]) for name in after},
        sequence=sequence,
        rates_per_s=rates,
        hops=_hops(before, after),
        queues={
            title: depth
            for title, service, name in QUEUES
            if (depth := whole(service, name)) is not None
        },
        lag_records=_lags(after),
        sessions=_sessions(gateway),
        rejects={
            reason: int(count)
            for reason, count in gateway.by_label("agio_gateway_rejects_total", "reason").items()
        },
        open_orders=whole("matching", "agio_matching_open_orders"),
        feed_gaps=whole("gateway", "agio_gateway_feed_gaps_total"),
        ledger_differences=whole("accounts", "agio_accounts_reconciliation_differences"),
        journal_age_s=_age(now("matching", "agio_matching_last_record_timestamp_seconds")),
        snapshot_age_s=_age(now("matching", "agio_matching_snapshot_timestamp_seconds")),
        records_since_snapshot=sequence - snapshot
        if sequence is not None and snapshot is not None
        else None,
        disk_free_bytes=whole("matching", "agio_matching_disk_free_bytes"),
    )


def _service(before: Scrape, after: Scrape) -> ServiceStanding:
    if not after.is_up:
        return ServiceStanding(up=False, ready=False)
    late = quantiles(before, after, "agio_event_loop_lag_seconds", [0.99])
    memory = after.value("process_resident_memory_bytes")
    return ServiceStanding(
        up=True,
        ready=after.value("agio_service_ready") == 1,
        uptime_s=_age(after.value("process_start_time_seconds")),
        cpu=rate(before, after, "process_cpu_seconds_total"),
        memory_bytes=int(memory) if memory is not None else None,
        loop_lag_s=late[0] if late is not None else None,
    )


def _hops(before: Mapping[str, Scrape], after: Mapping[str, Scrape]) -> dict[str, HopStanding]:
    hops = {}
    for title, service, name, labels in HOPS:
        if service in after:
            first, last = before[service], after[service]
            found = quantiles(first, last, name, [0.5, 0.99], **labels)
            if found is not None:
                per_s = rate(first, last, f"{name}_count", **labels) or 0.0
                hops[title.strip()] = HopStanding(per_s, *found)
    return hops


def _lags(after: Mapping[str, Scrape]) -> dict[str, int]:
    """Return how far each reader is behind, whichever there are: all call it the same."""
    return {
        service: int(one.value(name) or 0)
        for service, one in after.items()
        for name in one.values
        if name.endswith(LAG_SUFFIX)
    }


def _sessions(gateway: Scrape) -> dict[str, int]:
    sessions = {
        f"FIX {service.replace('_', ' ')}": int(count)
        for service, count in gateway.by_label("agio_gateway_fix_sessions", "service").items()
    }
    websockets = gateway.value("agio_gateway_websocket_connections")
    return sessions | ({"WebSocket": int(websockets)} if websockets is not None else {})


def _age(timestamp_s: float | None) -> float | None:
    """Return how long ago a time was; None where there was none yet, which metrics say as 0."""
    return max(time.time() - timestamp_s, 0.0) if timestamp_s else None
