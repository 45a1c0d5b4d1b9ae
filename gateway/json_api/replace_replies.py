"""Answers to who replaces or amends an order."""

from __future__ import annotations

from typing import Any

from gateway.json_api.errors import ApiError, ErrorCode
from gateway.json_api.order_replies import Reply, milliseconds, order_list_id, order_reply
from gateway.orders import Report


class CancelReplaceReply(Reply):
    """Each result is SUCCESS, FAILURE or NOT_ATTEMPTED; each response what it alone would get."""

    cancel_result: str
    new_order_result: str
    cancel_response: Any
    new_order_response: Any


class AmendedOrder(Reply):
    symbol: str
    order_id: int
    order_list_id: int
    orig_client_order_id: str
    client_order_id: str
    price: str
    qty: str
    executed_qty: str
    prevented_qty: str
    quote_order_qty: str
    cumulative_quote_qty: str
    status: str
    time_in_force: str
    type: str
    side: str
    working_time: int
    self_trade_prevention_mode: str


class AmendReply(Reply):
    transact_time: int
    execution_id: int
    amended_order: AmendedOrder


def cancel_replaced(cancel: Any, new_order: Any) -> CancelReplaceReply | ApiError:
    """Return the answer for what came of both; `new_order` is None if it was not attempted."""
    both = CancelReplaceReply(
        _result(cancel), _result(new_order), _response(cancel), _response(new_order)
    )
    is_canceled = not isinstance(cancel, ApiError)
    is_placed = new_order is not None and not isinstance(new_order, ApiError)
    if is_canceled and is_placed:
        return both
    if is_canceled or is_placed:
        code, text = (
            ErrorCode.CANCEL_REPLACE_PARTIALLY_FAILED,
            "Order cancel-replace partially failed.",
        )
    else:
        code, text = ErrorCode.CANCEL_REPLACE_FAILED, "Order cancel-replace failed."
    return ApiError(code, text, data=both)


def amended(report: Report) -> AmendReply:
    """Return the answer to an amendment, of the report that the order is replaced."""
    order = report.order
    assert order is not None
    told = order_reply(order)
    time_ms = milliseconds(order.updated_ns)
    return AmendReply(
        time_ms,
        report.record.sequence,
        AmendedOrder(
            told.symbol,
            told.order_id,
            order_list_id(order),
            report.original_client_order_id.decode(),
            told.client_order_id,
            told.price,
            told.orig_qty,
            told.executed_qty,
            order.instrument.quantity_text(order.prevented_lots),
            told.orig_quote_order_qty,
            told.cummulative_quote_qty,
            told.status,
            told.time_in_force,
            told.type,
            told.side,
            told.working_time,
            told.self_trade_prevention_mode,
        ),
    )


def _result(result: Any) -> str:
    if result is None:
        return "NOT_ATTEMPTED"
    return "FAILURE" if isinstance(result, ApiError) else "SUCCESS"


def _response(result: Any) -> Any:
    return result.body() if isinstance(result, ApiError) else result
