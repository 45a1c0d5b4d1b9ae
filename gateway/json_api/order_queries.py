"""What an account's owner may ask about orders and trades, answered from `gateway.orders`."""

from __future__ import annotations

from gateway.json_api import list_requests as lists
from gateway.json_api import requests as r
from gateway.json_api.errors import invalid_symbol, no_such_list, no_such_order
from gateway.json_api.list_replies import OrderListReply, list_reply
from gateway.json_api.order_replies import (
    MyTrade,
    OrderReply,
    milliseconds,
    my_trade,
    order_reply,
)
from gateway.order_tracker import Orders
from vocabulary.types import INT64_MAX


def order_status(orders: Orders, account_id: int, request: r.QueryOrder) -> OrderReply:
    """Return an order. Raises `ApiError`."""
    request.check()
    _instrument_id(orders, request.symbol)
    order = orders.order(
        account_id,
        order_id=request.order_id or 0,
        client_order_id=(request.orig_client_order_id or "").encode(),
    )
    if order is None or order.instrument.symbol != request.symbol:
        raise no_such_order()
    return order_reply(order)


def list_status(orders: Orders, account_id: int, request: lists.QueryList) -> OrderListReply:
    """Return a list. Raises `ApiError`."""
    request.check(request.orig_client_order_id)
    found = orders.order_list(
        account_id,
        list_id=request.order_list_id,
        client_list_id=(request.orig_client_order_id or "").encode(),
    )
    if found is None:
        raise no_such_list()
    return list_reply(found)


def open_lists(orders: Orders, account_id: int, _: lists.OpenLists) -> list[OrderListReply]:
    """Return the lists that are not done, oldest first."""
    return [list_reply(each) for each in orders.open_lists(account_id)]


def open_orders(orders: Orders, account_id: int, request: r.OpenOrders) -> list[OrderReply]:
    """Return open orders, oldest first. Raises `ApiError`."""
    instrument_id = _instrument_id(orders, request.symbol) if request.symbol is not None else 0
    return [order_reply(order) for order in orders.open_orders(account_id, instrument_id)]


def all_orders(orders: Orders, account_id: int, request: r.AllOrders) -> list[OrderReply]:
    """Return orders, oldest first: from `orderId` or `startTime` on, else the newest."""
    start, end = _window(request.start_time, request.end_time)
    found = [
        order
        for order in orders.orders(account_id, _instrument_id(orders, request.symbol))
        if order.order_id >= (request.order_id or 0)
        and start <= milliseconds(order.entered_ns) <= end
    ]
    is_from_start = request.order_id is not None or request.start_time is not None
    found = found[: request.limit] if is_from_start else found[-request.limit :]
    return [order_reply(order) for order in found]


def my_trades(orders: Orders, account_id: int, request: r.MyTrades) -> list[MyTrade]:
    """Return fills, oldest first: from `fromId` or `startTime` on, else the newest."""
    start, end = _window(request.start_time, request.end_time)
    found = [
        fill
        for fill in orders.fills(account_id, _instrument_id(orders, request.symbol))
        if fill.trade_id >= (request.from_id or 0)
        and request.order_id in {None, fill.order_id}
        and start <= milliseconds(fill.timestamp_ns) <= end
    ]
    is_from_start = request.from_id is not None or request.start_time is not None
    found = found[: request.limit] if is_from_start else found[-request.limit :]
    return [my_trade(fill) for fill in found]


def _instrument_id(orders: Orders, symbol: str) -> int:
    instrument = orders.catalogue.instrument_by_symbol.get(symbol)
    if instrument is None:
        raise invalid_symbol()
    return instrument.instrument_id


def _window(start_ms: int | None, end_ms: int | None) -> tuple[int, int]:
    return start_ms or 0, INT64_MAX if end_ms is None else end_ms
