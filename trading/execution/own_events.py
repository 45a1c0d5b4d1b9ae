"""The firm's own events: that a decision is taken over, and what became of its order.

A report's id names what happened, not who told of it: whichever instance learns it, from whichever
door or by asking, the id is the same, and the stream holds it once. The data feeds handler gives
the events their numbers and the time of their receipt.
"""

from __future__ import annotations

from trading.events import OrderReported, ReportKind, TradeAmended
from trading.execution.strategy_orders import CancelTaken, KnownFill, OpenOrder, StrategyOrders
from trading.execution.venue import Ended, Traded

REASON_CHARACTERS_MAX = 200


def accepted(order: OpenOrder, sequence: int, time_ns: int) -> OrderReported:
    return _report(
        order,
        ReportKind.ACCEPTED,
        "execution-accepted",
        number=order.name.number,
        sequence=sequence,
        time_ns=time_ns,
        leaves_lots=order.leaves_lots,
    )


def refused(order: OpenOrder, reason: str, now_ns: int, *, by_risk: bool) -> OrderReported:
    """Return the report of an order that the venue does not have."""
    return _report(
        order,
        ReportKind.REFUSED,
        "risk-refused" if by_risk else "execution-refused",
        number=order.name.number,
        time_ns=now_ns,
        reason=reason,
    )


def traded(order: OpenOrder, fill: Traded) -> OrderReported:
    return OrderReported(
        0,
        order.name.symbol,
        fill.sequence,
        fill.time_ns,
        0,
        order.name.strategy,
        order.name.epoch,
        order.name.number,
        0,
        ReportKind.TRADED,
        order.side,
        order.price_ticks,
        order.lots,
        order.cumulative_lots + fill.lots,
        order.leaves_lots - fill.lots,
        fill.price_ticks,
        fill.lots,
        fill.fee_units,
        fill.trade_id,
        fill.is_maker,
        f"execution-trade-{fill.trade_id}",
        "",
    )


def amended(orders: StrategyOrders, known: KnownFill, fill: Traded) -> TradeAmended:
    """Return that a fill came to something else than what is `known` of it."""
    return TradeAmended(
        0,
        orders.symbol,
        fill.sequence,
        fill.time_ns,
        0,
        orders.strategy,
        orders.epoch,
        known.order,
        fill.trade_id,
        known.amendments + 1,
        fill.side,
        known.price_ticks,
        known.lots,
        known.fee_units,
        fill.price_ticks,
        fill.lots,
        fill.fee_units,
    )


def ended(order: OpenOrder, end: Ended, number: int) -> OrderReported:
    """Return the report of an order that left the book; `number` is the cancel's decision, or 0."""
    return _report(
        order,
        end.kind,
        "execution-ended",
        number=number,
        sequence=end.sequence,
        time_ns=end.time_ns,
        reason=end.reason,
    )


def cancel_refused(
    orders: StrategyOrders, number: int, cancel: CancelTaken, reason: str, now_ns: int
) -> OrderReported:
    order = orders.open.get(cancel.order)
    return OrderReported(
        0,
        orders.symbol,
        0,
        now_ns,
        0,
        orders.strategy,
        orders.epoch,
        cancel.order,
        number,
        ReportKind.CANCEL_REFUSED,
        cancel.side,
        cancel.price_ticks,
        cancel.lots,
        order.cumulative_lots if order else 0,
        order.leaves_lots if order else 0,
        0,
        0,
        0,
        0,
        False,
        f"execution-cancel-{number}",
        reason[:REASON_CHARACTERS_MAX],
    )


def _report(
    order: OpenOrder,
    kind: ReportKind,
    report_id: str,
    *,
    number: int,
    time_ns: int,
    sequence: int = 0,
    leaves_lots: int = 0,
    reason: str = "",
) -> OrderReported:
    name = order.name
    return OrderReported(
        0,
        name.symbol,
        sequence,
        time_ns,
        0,
        name.strategy,
        name.epoch,
        name.number,
        number,
        kind,
        order.side,
        order.price_ticks,
        order.lots,
        order.cumulative_lots,
        leaves_lots,
        0,
        0,
        0,
        0,
        False,
        report_id,
        reason[:REASON_CHARACTERS_MAX],
    )
