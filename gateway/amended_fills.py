"""Fills of trades that the desk undid, or let have been other ones."""

from __future__ import annotations

from collections import deque

from gateway.orders import Fill, Order, OrderStatus, ReportKind
from vocabulary import commands as c
from vocabulary import events as e
from vocabulary.catalogue import Catalogue
from vocabulary.codec import Record
from vocabulary.types import Side

AMENDED_KINDS = (ReportKind.TRADE_CORRECTED, ReportKind.TRADE_BUSTED)
"""What a report of an amended fill is, by whether it was busted."""


def amended_fill(record: Record, event: e.TradeBusted, side: Side, catalogue: Catalogue) -> Fill:
    """Return a side of an amended trade: as it is now, or as it was if it was busted."""
    command = record.command
    assert isinstance(command, c.BustTrade | c.CorrectTrade)
    is_buyer = side is Side.BUY
    price_ticks, lots, quote_units = event.price_ticks, event.quantity_lots, event.quote_units
    fees = (event.buyer_fee_units, event.seller_fee_units)
    if isinstance(event, e.TradeCorrected):
        price_ticks, lots = event.corrected_price_ticks, event.corrected_quantity_lots
        quote_units = event.corrected_quote_units
        fees = (event.corrected_buyer_fee_units, event.corrected_seller_fee_units)
    fill = Fill(catalogue.instruments[event.instrument_id])
    fill.trade_id = event.trade_id
    fill.order_id = event.buyer_order_id if is_buyer else event.seller_order_id
    fill.account_id = event.buyer_account_id if is_buyer else event.seller_account_id
    fill.side = side
    fill.price_ticks = price_ticks
    fill.quantity_lots = lots
    fill.quote_units = quote_units
    fill.fee_units = fees[0] if is_buyer else fees[1]
    fill.is_maker = is_buyer == command.buyer_is_maker
    fill.timestamp_ns = record.timestamp_ns
    fill.sequence = command.trade_sequence
    fill.amendments = event.amendments
    fill.is_busted = not isinstance(event, e.TradeCorrected)
    return fill


def remember_amended(fills: deque[Fill], amended: Fill) -> None:
    """Put an amended fill in the place of what is remembered of it, if anything is.

    It takes over what only memory knows, such as when the trade was.
    """
    for index, fill in enumerate(fills):
        if (fill.trade_id, fill.side) == (amended.trade_id, amended.side) and (
            fill.instrument is amended.instrument
        ):
            amended.is_maker = fill.is_maker
            amended.timestamp_ns = fill.timestamp_ns
            amended.client_order_id = fill.client_order_id
            amended.sequence = fill.sequence
            fills[index] = amended
            return


def amend_order(order: Order, event: e.TradeBusted, fill: Fill, timestamp_ns: int) -> None:
    """Let an order have traded what holds now. In the book it stays as it is."""
    lots, quote_units = (0, 0) if fill.is_busted else (fill.quantity_lots, fill.quote_units)
    undone_lots = event.quantity_lots - lots
    order.cumulative_lots -= undone_lots
    order.quote_units += quote_units - event.quote_units
    order.updated_ns = timestamp_ns
    if order.status.is_open:  # what was undone is not traded again, so less is ordered
        order.quantity_lots -= undone_lots
        order.undone_lots += undone_lots
        if not order.cumulative_lots:
            order.status = OrderStatus.NEW
    elif order.status is OrderStatus.FILLED and undone_lots:
        order.status = OrderStatus.CANCELED
