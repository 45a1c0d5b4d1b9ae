"""Own events as an execution engine would report them."""

from __future__ import annotations

from typing import Any

from trading.decisions import Action, OrderStyle
from trading.events import DecisionTaken, OrderReported, ReportKind, TradeAmended
from vocabulary.types import Side

EPOCH = 1_795_348_800


def taken(number: int, **changes: Any) -> DecisionTaken:
    """Return decision `number` of the strategy `maker` in BTCUSDT, which places an order."""
    fields: dict[str, Any] = {
        "stream_sequence": 0,
        "symbol": "BTCUSDT",
        "source_sequence": 0,
        "exchange_ns": 5,
        "received_ns": 0,
        "strategy": "maker",
        "epoch": EPOCH,
        "number": number,
        "cause": 3,
        "action": Action.PLACE,
        "order": number,
        "side": Side.BUY,
        "price_ticks": 10_000,
        "lots": 10,
        "style": OrderStyle.RESTING,
    }
    return DecisionTaken(**(fields | changes))


def reported(order: int, report_id: str, **changes: Any) -> OrderReported:
    """Return a report on the order that decision `order` placed: that it was accepted."""
    fields: dict[str, Any] = {
        "stream_sequence": 0,
        "symbol": "BTCUSDT",
        "source_sequence": 9,
        "exchange_ns": 6,
        "received_ns": 0,
        "strategy": "maker",
        "epoch": EPOCH,
        "order": order,
        "number": order,
        "kind": ReportKind.ACCEPTED,
        "side": Side.BUY,
        "price_ticks": 10_000,
        "lots": 10,
        "cumulative_lots": 0,
        "leaves_lots": 10,
        "fill_price_ticks": 0,
        "fill_lots": 0,
        "fee_units": 0,
        "trade_id": 0,
        "is_maker": False,
        "report_id": report_id,
        "reason": "",
    }
    return OrderReported(**(fields | changes))


def filled(order: int, report_id: str, **changes: Any) -> OrderReported:
    """Return the report that all of the order has traded."""
    fields: dict[str, Any] = {
        "kind": ReportKind.TRADED,
        "cumulative_lots": 10,
        "leaves_lots": 0,
        "fill_price_ticks": 10_000,
        "fill_lots": 10,
        "fee_units": 1,
        "trade_id": 77,
        "is_maker": True,
    }
    return reported(order, report_id, **(fields | changes))


def amended(order: int, amendment: int = 1, **changes: Any) -> TradeAmended:
    """Return that the venue undid what `filled` reports."""
    fields: dict[str, Any] = {
        "stream_sequence": 0,
        "symbol": "BTCUSDT",
        "source_sequence": 12,
        "exchange_ns": 8,
        "received_ns": 0,
        "strategy": "maker",
        "epoch": EPOCH,
        "order": order,
        "trade_id": 77,
        "amendment": amendment,
        "side": Side.BUY,
        "undone_price_ticks": 10_000,
        "undone_lots": 10,
        "undone_fee_units": 1,
        "price_ticks": 0,
        "lots": 0,
        "fee_units": 0,
    }
    return TradeAmended(**(fields | changes))
