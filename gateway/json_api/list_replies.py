"""Lists of orders as a client sees them, in answers and on its user data stream."""

from __future__ import annotations

from typing import Any

import msgspec

from gateway.json_api.order_replies import Reply, milliseconds
from gateway.orders import Order, OrderList
from vocabulary.types import Contingency

CONTINGENCY_NAMES = {
    Contingency.ONE_CANCELS_OTHER: "OCO",
    Contingency.ONE_TRIGGERS_OTHER: "OTO",
}


class ListedOrder(Reply):
    symbol: str
    order_id: int
    client_order_id: str


class OrderListReply(Reply):
    order_list_id: int
    contingency_type: str
    list_status_type: str
    list_order_status: str
    list_client_order_id: str
    transaction_time: int
    symbol: str
    orders: list[ListedOrder]
    order_reports: list[Reply] | msgspec.UnsetType = msgspec.UNSET


def list_reply(order_list: OrderList, reports: list[Reply] | None = None) -> OrderListReply:
    """Return a list as it stands; `reports` tell of its orders, where a command is answered."""
    return OrderListReply(
        order_list.list_id,
        CONTINGENCY_NAMES[order_list.contingency],
        *_status(order_list),
        order_list.client_list_id.decode(),
        milliseconds(max(order.updated_ns for order in order_list.orders)),
        order_list.orders[0].instrument.symbol,
        [_listed(order) for order in order_list.orders],
        msgspec.UNSET if reports is None else reports,
    )


def list_status(order_list: OrderList, timestamp_ns: int) -> dict[str, Any]:
    """Return the event `listStatus` (binance-spot-api-docs, user-data-stream.md)."""
    time_ms = milliseconds(timestamp_ns)
    list_status_type, list_order_status = _status(order_list)
    return {
        "e": "listStatus",
        "E": time_ms,
        "s": order_list.orders[0].instrument.symbol,
        "g": order_list.list_id,
        "c": CONTINGENCY_NAMES[order_list.contingency],
        "l": list_status_type,
        "L": list_order_status,
        "r": "NONE",
        "C": order_list.client_list_id.decode(),
        "T": time_ms,
        "O": [
            {
                "s": order.instrument.symbol,
                "i": order.order_id,
                "c": order.client_order_id.decode(),
            }
            for order in order_list.orders
        ],
    }


def _status(order_list: OrderList) -> tuple[str, str]:
    if order_list.is_done:
        return "ALL_DONE", "ALL_DONE"
    return "EXEC_STARTED", "EXECUTING"


def _listed(order: Order) -> ListedOrder:
    return ListedOrder(order.instrument.symbol, order.order_id, order.client_order_id.decode())
