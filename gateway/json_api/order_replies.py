"""Orders and fills as a client sees them, in answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from gateway.orders import Fill, Order
from vocabulary.types import OrderFlags, OrderType, Side, TimeInForce

TIME_IN_FORCE_NAMES = {
    TimeInForce.GOOD_TILL_CANCEL: "GTC",
    TimeInForce.IMMEDIATE_OR_CANCEL: "IOC",
    TimeInForce.FILL_OR_KILL: "FOK",
    TimeInForce.DAY: "DAY",
    TimeInForce.GOOD_TILL_DATE: "GTD",
}


_TYPE_NAMES = {
    OrderType.MARKET: "MARKET",
    OrderType.LIMIT: "LIMIT",
    OrderType.STOP: "STOP_LOSS",
    OrderType.STOP_LIMIT: "STOP_LOSS_LIMIT",
    OrderType.TAKE_PROFIT: "TAKE_PROFIT",
    OrderType.TAKE_PROFIT_LIMIT: "TAKE_PROFIT_LIMIT",
}


class Reply(msgspec.Struct, rename="camel", gc=False):
    """JSON's names are those of the fields in camel case."""


class OrderAck(Reply):
    symbol: str
    order_id: int
    order_list_id: int
    client_order_id: str
    transact_time: int


class OrderResult(OrderAck):
    price: str
    orig_qty: str
    executed_qty: str
    orig_quote_order_qty: str
    cummulative_quote_qty: str
    status: str
    time_in_force: str
    type: str
    side: str
    working_time: int
    self_trade_prevention_mode: str


class FillReply(Reply):
    price: str
    qty: str
    commission: str
    commission_asset: str
    trade_id: int


class OrderFull(OrderResult):
    fills: list[FillReply]


class CancelReply(Reply):
    symbol: str
    orig_client_order_id: str
    order_id: int
    order_list_id: int
    client_order_id: str
    transact_time: int
    price: str
    orig_qty: str
    executed_qty: str
    orig_quote_order_qty: str
    cummulative_quote_qty: str
    status: str
    time_in_force: str
    type: str
    side: str
    self_trade_prevention_mode: str


class OrderReply(Reply):
    symbol: str
    order_id: int
    order_list_id: int
    client_order_id: str
    price: str
    orig_qty: str
    executed_qty: str
    cummulative_quote_qty: str
    status: str
    time_in_force: str
    type: str
    side: str
    stop_price: str
    iceberg_qty: str
    time: int
    update_time: int
    is_working: bool
    working_time: int
    orig_quote_order_qty: str
    self_trade_prevention_mode: str
    prevented_match_id: int | msgspec.UnsetType = msgspec.UNSET
    prevented_quantity: str | msgspec.UnsetType = msgspec.UNSET


class MyTrade(Reply):
    symbol: str
    id: int
    order_id: int
    order_list_id: int
    price: str
    qty: str
    quote_qty: str
    commission: str
    commission_asset: str
    time: int
    is_buyer: bool
    is_maker: bool
    is_best_match: bool
    amendment: str | msgspec.UnsetType = msgspec.UNSET
    """`BUSTED` or `CORRECTED`, by the desk; ours."""


def milliseconds(time_ns: int) -> int:
    return time_ns // 1_000_000


def original_lots(order: Order) -> int:
    """Return what was ordered, with what prevented matches and busts took off it."""
    return order.quantity_lots + order.decreased_lots + order.undone_lots


def order_list_id(order: Order) -> int:
    """Return the id of its list, -1 where it is in none, as Binance says it."""
    return -1 if order.order_list is None else order.order_list.list_id


def order_type_name(order: Order) -> str:
    if order.flags & OrderFlags.POST_ONLY:
        return "LIMIT_MAKER"
    return _TYPE_NAMES[order.order_type]


def placed(order: Order, fills: Sequence[Fill], response_type: str) -> Reply:
    """Return the answer to a new order; FULL has the trades that it made at once."""
    ack = (
        order.instrument.symbol,
        order.order_id,
        order_list_id(order),
        order.client_order_id.decode(),
        milliseconds(order.entered_ns),
    )
    if response_type == "ACK":
        return OrderAck(*ack)
    result = (
        *ack,
        *_terms(order),
        milliseconds(order.entered_ns),
        order.self_trade_prevention.name,
    )
    if response_type == "RESULT":
        return OrderResult(*result)
    return OrderFull(*result, [_fill(fill) for fill in fills])


def canceled(order: Order, client_order_id: bytes) -> CancelReply:
    """Return the answer to a cancel, which `client_order_id` names."""
    return CancelReply(
        order.instrument.symbol,
        order.client_order_id.decode(),
        order.order_id,
        order_list_id(order),
        client_order_id.decode(),
        milliseconds(order.updated_ns),
        *_terms(order),
        order.self_trade_prevention.name,
    )


def order_reply(order: Order) -> OrderReply:
    instrument = order.instrument
    price, quantity, executed, amount, quote, status, in_force, order_type, side = _terms(order)
    return OrderReply(
        instrument.symbol,
        order.order_id,
        order_list_id(order),
        order.client_order_id.decode(),
        price,
        quantity,
        executed,
        quote,
        status,
        in_force,
        order_type,
        side,
        stop_price=instrument.price_text(order.trigger_price_ticks),
        iceberg_qty=instrument.quantity_text(order.display_lots),
        time=milliseconds(order.entered_ns),
        update_time=milliseconds(order.updated_ns),
        is_working=order.is_working(),
        working_time=milliseconds(order.entered_ns),
        orig_quote_order_qty=amount,
        self_trade_prevention_mode=order.self_trade_prevention.name,
        **_prevented(order),
    )


def my_trade(fill: Fill) -> MyTrade:
    instrument = fill.instrument
    return MyTrade(
        instrument.symbol,
        fill.trade_id,
        fill.order_id,
        -1,
        instrument.price_text(fill.price_ticks),
        instrument.quantity_text(fill.quantity_lots),
        instrument.quote.text(fill.quote_units),
        fill.fee_asset.text(fill.fee_units),
        fill.fee_asset.name,
        milliseconds(fill.timestamp_ns),
        is_buyer=fill.side is Side.BUY,
        is_maker=fill.is_maker,
        is_best_match=True,
        amendment=amendment(fill.amendments, is_busted=fill.is_busted),
    )


def amendment(amendments: int, *, is_busted: bool) -> str | msgspec.UnsetType:
    """Return what the desk did to a trade, nothing where it stands as it was made."""
    if not amendments:
        return msgspec.UNSET
    return "BUSTED" if is_busted else "CORRECTED"


def _terms(order: Order) -> tuple[str, str, str, str, str, str, str, str, str]:
    """Return the fields from `price` to `side`, which all answers share."""
    instrument = order.instrument
    return (
        instrument.price_text(order.price_ticks),
        instrument.quantity_text(original_lots(order)),
        instrument.quantity_text(order.cumulative_lots),
        instrument.quote.text(order.quote_amount_units),
        instrument.quote.text(order.quote_units),
        order.status.name,
        TIME_IN_FORCE_NAMES[order.time_in_force],
        order_type_name(order),
        order.side.name,
    )


def _prevented(order: Order) -> dict[str, Any]:
    if order.prevented is None:
        return {}
    return {
        "prevented_match_id": order.prevented.prevented_match_id,
        "prevented_quantity": order.instrument.quantity_text(order.prevented_lots),
    }


def _fill(fill: Fill) -> FillReply:
    return FillReply(
        fill.instrument.price_text(fill.price_ticks),
        fill.instrument.quantity_text(fill.quantity_lots),
        fill.fee_asset.text(fill.fee_units),
        fill.fee_asset.name,
        fill.trade_id,
    )
