"""The user data stream's `executionReport` (binance-spot-api-docs, user-data-stream.md)."""

from __future__ import annotations

from typing import Any

import msgspec

from gateway.json_api.order_replies import (
    TIME_IN_FORCE_NAMES,
    milliseconds,
    order_list_id,
    order_type_name,
    original_lots,
)
from gateway.maintenance import Maintenance
from gateway.orders import Order, Report, ReportKind

EXECUTION_TYPES = {
    ReportKind.ACCEPTED: "NEW",
    ReportKind.TRADE: "TRADE",
    ReportKind.CANCELED: "CANCELED",
    ReportKind.EXPIRED: "EXPIRED",
    ReportKind.REPLACED: "REPLACED",
    ReportKind.DECREMENTED: "TRADE_PREVENTION",
    ReportKind.TRIGGERED: "NEW",
    ReportKind.TRADE_BUSTED: "TRADE_CANCEL",
    ReportKind.TRADE_CORRECTED: "TRADE_CORRECT",
}
"""What a report becomes. A refusal has none: it changed no order, and its sender has the answer."""


def execution_report(report: Report, order: Order) -> dict[str, Any]:
    """Return the event for a report about an order; its kind is one of `EXECUTION_TYPES`."""
    instrument = order.instrument
    fill = report.fill
    prevented = report.prevented
    time_ms = milliseconds(report.timestamp_ns)
    event = {
        "e": "executionReport",
        "E": time_ms,
        "s": instrument.symbol,
        "c": report.client_order_id.decode(),
        "S": order.side.name,
        "o": order_type_name(order),
        "f": TIME_IN_FORCE_NAMES[order.time_in_force],
        "q": instrument.quantity_text(original_lots(order)),
        "p": instrument.price_text(order.price_ticks),
        "P": instrument.price_text(order.trigger_price_ticks),
        "F": instrument.quantity_text(order.display_lots),
        "g": order_list_id(order),
        "C": report.original_client_order_id.decode(),
        "x": EXECUTION_TYPES[report.kind],
        "X": report.status.name,
        "r": "NONE",
        "i": order.order_id,
        "l": instrument.quantity_text(fill.quantity_lots if fill else 0),
        "z": instrument.quantity_text(report.cumulative_lots),
        "L": instrument.price_text(fill.price_ticks if fill else 0),
        "n": fill.fee_asset.text(fill.fee_units) if fill else "0",
        "N": fill.fee_asset.name if fill else None,
        "T": time_ms,
        "t": fill.trade_id if fill else -1,
        # Ours: one per report, the same over FIX, where it is ExecID(17).
        "I": report.exec_id,
        "w": report.status.is_open and order.is_working(),
        "m": fill.is_maker if fill else False,
        "M": False,
        "O": milliseconds(order.entered_ns),
        "Z": instrument.quote.text(report.quote_units),
        "Y": instrument.quote.text(fill.quote_units if fill else 0),
        "Q": instrument.quote.text(order.quote_amount_units),
        "W": milliseconds(order.entered_ns),
        "V": order.self_trade_prevention.name,
    }
    if report.exec_ref_id:
        event["Ir"] = report.exec_ref_id  # ours: `I` of the trade that was busted or corrected
    if order.trailing_bps:
        event["d"] = order.trailing_bps
    if prevented is not None:
        event |= {
            "x": "TRADE_PREVENTION",
            "v": prevented.prevented_match_id,
            "A": instrument.quantity_text(order.prevented_lots),
            "B": instrument.quantity_text(prevented.quantity_lots),
            "U": prevented.counter_order_id,
            "Cs": instrument.symbol,
            "pL": instrument.price_text(prevented.price_ticks),
        }
    return event


def stream_terminated(time_ms: int) -> dict[str, Any]:
    """Return the last event of a stream that its owner did not end."""
    return {"e": "eventStreamTerminated", "E": time_ms}


def subscription_event(subscription_id: int, event: bytes) -> bytes:
    """Return what one subscription of a WebSocket API connection receives."""
    return b'{"subscriptionId":%d,"event":%b}' % (subscription_id, event)


def encode(event: dict[str, Any]) -> bytes:
    return msgspec.json.encode(event)


def server_shutdown(maintenance: Maintenance, now_ns: int) -> bytes:
    """Return Binance's event of this name; when (`T`) and why (`text`) are ours."""
    event = {
        "e": "serverShutdown",
        "E": milliseconds(now_ns),
        "T": milliseconds(maintenance.at_ns),
        "text": maintenance.text,
    }
    return msgspec.json.encode(event)
