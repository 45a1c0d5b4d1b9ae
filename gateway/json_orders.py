"""Orders of REST and WebSocket clients: requests into commands, records into answers.

All clients of a gateway process share one session towards the matching process. A request is
answered when the record of its command arrives; one whose record is late is answered "unknown",
never "rejected": it may still execute.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from typing import Any, NamedTuple

from gateway.countdowns import Target
from gateway.json_api import list_requests as lists
from gateway.json_api import order_replies, replace_replies
from gateway.json_api import replace_requests as replaces
from gateway.json_api import requests as r
from gateway.json_api.errors import (
    ApiError,
    ErrorCode,
    internal_error,
    not_now,
    outcome_unknown,
    refusal,
)
from gateway.json_api.list_replies import list_reply
from gateway.order_entry import OrderEntry
from gateway.order_tracker import Orders
from gateway.orders import Order, Report, ReportKind
from gateway.throttle import Throttle, Throttled
from vocabulary import commands as c
from vocabulary.codec import Record
from vocabulary.rejects import Refused, RejectReason
from vocabulary.types import OrderFlags, OrderType, SelfTradePrevention, Side, Sides, TimeInForce

Answer = Callable[[Any], None]
"""Called once: with an `ApiError`, or with what msgspec encodes."""

ANSWER_TIMEOUT_NS = 5_000_000_000
ORDERS_PER_S_MAX = 1_000

_SIDES = {"BUY": Side.BUY, "SELL": Side.SELL}
_TIMES_IN_FORCE = {name: member for member, name in order_replies.TIME_IN_FORCE_NAMES.items()}
_ORDER_TYPES = {
    "LIMIT": (OrderType.LIMIT, OrderFlags.NONE),
    "LIMIT_MAKER": (OrderType.LIMIT, OrderFlags.POST_ONLY),
    "MARKET": (OrderType.MARKET, OrderFlags.NONE),
    "STOP_LOSS": (OrderType.STOP, OrderFlags.NONE),
    "STOP_LOSS_LIMIT": (OrderType.STOP_LIMIT, OrderFlags.NONE),
    "TAKE_PROFIT": (OrderType.TAKE_PROFIT, OrderFlags.NONE),
    "TAKE_PROFIT_LIMIT": (OrderType.TAKE_PROFIT_LIMIT, OrderFlags.NONE),
}


class _Pending(NamedTuple):
    """A command on its way. `reply` makes the answer of its record's reports."""

    answer: Answer
    reply: Callable[[list[Report]], Any]
    deadline_ns: int


class JsonOrders:
    """The session that JSON orders share. Methods raise `ApiError` for what is refused at once.

    `submit` hands a command on; it raises `ApiError` if it can't take one more.
    """

    def __init__(
        self,
        *,
        session_id: int,
        order_entry: OrderEntry,
        orders: Orders,
        submit: Callable[[c.Command], None],
        orders_per_s_max: int = ORDERS_PER_S_MAX,
    ) -> None:
        self.session_id = session_id
        self.orders_per_s_max = orders_per_s_max
        self.timeouts = 0
        self._entry = order_entry
        self._orders = orders
        self._submit = submit
        self._last_number = 0
        self._pending: dict[int, _Pending] = {}  # by session number, so the oldest comes first
        self._throttles: dict[int, Throttle] = {}  # by account

    @property
    def pending_count(self) -> int:
        return len(self._pending)

    def place(self, account_id: int, request: r.PlaceOrder, now_ns: int, answer: Answer) -> None:
        self._throttle(account_id, Throttle.take_order, now_ns)
        self._place(account_id, request, now_ns, answer)

    def place_list(
        self, account_id: int, request: lists.AnyList, now_ns: int, answer: Answer
    ) -> None:
        number = self._last_number + 1
        name = self._client_order_id(request.list_client_order_id, number)
        placed = request.orders(name.decode())
        for _ in placed:
            self._throttle(account_id, Throttle.take_order, now_ns)
        orders = [self._enter(account_id, order, number) for order in placed]
        try:
            command = self._entry.order_list(request.contingency, name, *orders)
        except Refused as refused:
            raise refusal(refused.reason) from None
        self._send(command, now_ns, answer, _listed)

    def cancel_list(
        self, account_id: int, request: lists.CancelList, now_ns: int, answer: Answer
    ) -> None:
        request.check(request.list_client_order_id)
        self._throttle(account_id, Throttle.take_cancel, now_ns)
        found = self._orders.order_list(
            account_id,
            list_id=request.order_list_id,
            client_list_id=(request.list_client_order_id or "").encode(),
        )
        if found is None or found.is_done or found.orders[0].instrument.symbol != request.symbol:
            raise refusal(RejectReason.UNKNOWN_ORDER)
        number = self._last_number + 1
        try:
            command = self._entry.cancel_order(
                self.session_id,
                number,
                account_id,
                symbol=request.symbol,
                order_id=next(each.order_id for each in found.orders if each.status.is_open),
                client_order_id=self._client_order_id(request.new_client_order_id, number),
            )
        except Refused as refused:
            raise refusal(refused.reason) from None
        self._send(command, now_ns, answer, _list_canceled)

    def test(self, account_id: int, request: r.PlaceOrder) -> None:
        """Check a new order as far as can be seen without sending it."""
        self._enter(account_id, request, self._last_number + 1)

    def cancel(self, account_id: int, request: r.CancelOrder, now_ns: int, answer: Answer) -> None:
        request.check()
        self._throttle(account_id, Throttle.take_cancel, now_ns)
        number = self._last_number + 1
        try:
            command = self._entry.cancel_order(
                self.session_id,
                number,
                account_id,
                symbol=request.symbol,
                order_id=request.order_id or 0,
                original_client_order_id=(request.orig_client_order_id or "").encode(),
                client_order_id=self._client_order_id(request.new_client_order_id, number),
            )
        except Refused as refused:
            raise refusal(refused.reason) from None
        self._send(command, now_ns, answer, _canceled)

    def cancel_replace(
        self, account_id: int, request: replaces.CancelReplace, now_ns: int, answer: Answer
    ) -> None:
        """Cancel an order, and enter another one when that is known to be done.

        A new order that can't be, and one too many, is refused before anything is canceled.
        """
        self.test(account_id, request)
        self._throttle(account_id, Throttle.take_order, now_ns)

        def go_on(canceled: Any) -> None:
            if isinstance(canceled, ApiError):
                if not _is_final(canceled):
                    answer(canceled)  # as who only cancels is told: it may yet be done
                    return
                if request.cancel_replace_mode == "STOP_ON_FAILURE":
                    finish(canceled, None)
                    return
            try:
                self._place(account_id, request, now_ns, partial(finish, canceled))
            except ApiError as error:
                finish(canceled, error)

        def finish(canceled: Any, placed: Any) -> None:
            answer(replace_replies.cancel_replaced(canceled, placed))

        self.cancel(account_id, request.cancel(), now_ns, go_on)

    def amend(self, account_id: int, request: replaces.Amend, now_ns: int, answer: Answer) -> None:
        """Take a part of an order's quantity away; what is left keeps its place."""
        request.check()
        self._throttle(account_id, Throttle.take_order, now_ns)
        order = self._orders.order(
            account_id,
            order_id=request.order_id or 0,
            client_order_id=(request.orig_client_order_id or "").encode(),
        )
        if order is None or not order.status.is_open or order.instrument.symbol != request.symbol:
            raise refusal(RejectReason.UNKNOWN_ORDER)
        if not order.has_limit():
            raise refusal(RejectReason.NOT_REPLACEABLE)
        try:
            command = self._entry.replace_order(
                self.session_id,
                self._last_number + 1,
                account_id,
                symbol=request.symbol,
                order_id=order.order_id,
                price=order.instrument.price_text(order.price_ticks),
                quantity=request.new_qty,
                client_order_id=(request.new_client_order_id or "").encode(),
            )
        except Refused as refused:
            raise refusal(refused.reason) from None
        if command.quantity_lots >= order.quantity_lots:
            raise ApiError(
                ErrorCode.ORDER_AMEND_REJECTED, "The new quantity is not below the order's."
            )
        self._send(command, now_ns, answer, _amended)

    def cancel_all(
        self, account_id: int, request: r.CancelOpenOrders, now_ns: int, answer: Answer
    ) -> None:
        self._throttle(account_id, Throttle.take_cancel, now_ns)
        sides = Sides[request.side] if request.side is not None else Sides.BOTH
        self._cancel_all(Target(account_id, request.symbol), now_ns, answer, sides)

    def on_record(self, record: Record, reports: list[Report]) -> None:
        """Answer the request whose record this is, if it is one of ours and still waited for."""
        if record.session_id != self.session_id:
            return
        pending = self._pending.pop(record.session_number, None)
        if pending is not None:
            pending.answer(pending.reply(reports))

    def on_refused(self, session_number: int, why: str | None) -> None:
        """Answer a request that was not executed: for now, and `why`, or never."""
        pending = self._pending.pop(session_number, None)
        if pending is not None:
            pending.answer(internal_error() if why is None else not_now(why))

    def cancel_at_end(self, target: Target, now_ns: int, done: Callable[[bool], None]) -> None:
        """Cancel all orders of whose countdown is over; tell `done` whether that was executed."""
        try:
            self._cancel_all(target, now_ns, lambda result: done(_is_final(result)))
        except ApiError as error:
            done(_is_final(error))

    def expire(self, now_ns: int) -> None:
        """Answer "unknown" to whoever has waited too long."""
        while self._pending:
            number, pending = next(iter(self._pending.items()))
            if pending.deadline_ns > now_ns:
                return
            del self._pending[number]
            self.timeouts += 1
            pending.answer(outcome_unknown())

    def _place(self, account_id: int, request: r.PlaceOrder, now_ns: int, answer: Answer) -> None:
        command = self._enter(account_id, request, self._last_number + 1)
        response_type = request.response_type
        self._send(command, now_ns, answer, lambda reports: self._placed(reports, response_type))

    def _enter(self, account_id: int, request: r.PlaceOrder, number: int) -> c.EnterOrder:
        request.check()
        order_type, flags = _ORDER_TYPES[request.type]
        try:
            return self._entry.enter_order(
                self.session_id,
                number,
                account_id,
                symbol=request.symbol,
                side=_SIDES[request.side],
                order_type=order_type,
                time_in_force=_TIMES_IN_FORCE[request.time_in_force]
                if request.time_in_force is not None
                else TimeInForce.GOOD_TILL_CANCEL,
                flags=flags,
                price=request.price,
                quantity=request.quantity,
                quote_amount=request.quote_order_qty,
                display_quantity=request.iceberg_qty,
                client_order_id=self._client_order_id(request.new_client_order_id, number),
                expire_time_ns=(request.good_till_date or 0) * 1_000_000,
                trigger_price=request.stop_price,
                trailing_bps=request.trailing_delta or 0,
                self_trade_prevention=SelfTradePrevention[
                    request.self_trade_prevention_mode or "ACCOUNT_DEFAULT"
                ],
            )
        except Refused as refused:
            raise refusal(refused.reason) from None

    def _cancel_all(
        self, target: Target, now_ns: int, answer: Answer, sides: Sides = Sides.BOTH
    ) -> None:
        number = self._last_number + 1
        try:
            command = self._entry.cancel_all_orders(
                self.session_id,
                number,
                target.account_id,
                symbol=target.symbol,
                client_order_id=self._client_order_id(None, number),
                sides=sides,
            )
        except Refused as refused:
            raise refusal(refused.reason) from None
        self._send(command, now_ns, answer, _all_canceled)

    def _send(
        self,
        command: c.Command,
        now_ns: int,
        answer: Answer,
        reply: Callable[[list[Report]], Any],
    ) -> None:
        self._submit(command)
        self._last_number = command.session_number
        self._pending[command.session_number] = _Pending(answer, reply, now_ns + ANSWER_TIMEOUT_NS)

    def _client_order_id(self, given: str | None, number: int) -> bytes:
        # Unique for ever, as both parts are, and at most 33 characters.
        return given.encode() if given is not None else b"%x-%x" % (self.session_id, number)

    def _throttle(
        self, account_id: int, take: Callable[[Throttle, int], None], now_ns: int
    ) -> None:
        throttle = self._throttles.get(account_id)
        if throttle is None:
            throttle = self._throttles[account_id] = Throttle(self.orders_per_s_max)
        try:
            take(throttle, now_ns)
        except Throttled:
            raise ApiError(
                ErrorCode.TOO_MANY_ORDERS,
                f"Too many new orders; current limit is {self.orders_per_s_max} orders per SECOND.",
            ) from None

    def _placed(self, reports: list[Report], response_type: str) -> Any:
        first = reports[0]
        order = first.order
        if order is None:
            return _refused(first)
        fills = [each.fill for each in reports if each.order is order and each.fill is not None]
        if first.kind is ReportKind.REPEATED:
            known = self._orders.fills(order.account_id)
            fills = [fill for fill in known if fill.order_id == order.order_id]
        return order_replies.placed(order, fills, response_type)


def _is_final(result: Any) -> bool:
    """Say whether nothing would be gained by trying again."""
    return not isinstance(result, ApiError) or result.http_status < HTTPStatus.INTERNAL_SERVER_ERROR


def _listed(reports: list[Report]) -> Any:
    order = reports[0].order
    if order is None:
        return _refused(reports[0])
    assert order.order_list is not None
    placed = [order_replies.placed(each, [], "RESULT") for each in order.order_list.orders]
    return list_reply(order.order_list, placed)


def _list_canceled(reports: list[Report]) -> Any:
    first = reports[0]
    if first.kind is not ReportKind.CANCELED or first.order is None:
        return _refused(first)
    assert first.order.order_list is not None
    return list_reply(first.order.order_list, [_cancel_reply(each) for each in reports])


def _canceled(reports: list[Report]) -> Any:
    first = reports[0]
    if first.kind is not ReportKind.CANCELED:
        return _refused(first)
    return _cancel_reply(first)


def _amended(reports: list[Report]) -> Any:
    first = reports[0]
    return replace_replies.amended(first) if first.kind is ReportKind.REPLACED else _refused(first)


def _all_canceled(reports: list[Report]) -> Any:
    if reports and reports[0].kind is not ReportKind.CANCELED:
        return _refused(reports[0])
    # Binance, too, answers so where there was nothing to cancel.
    return [_cancel_reply(each) for each in reports] or refusal(RejectReason.UNKNOWN_ORDER)


def _cancel_reply(report: Report) -> order_replies.CancelReply:
    order: Order | None = report.order
    assert order is not None
    return order_replies.canceled(order, report.client_order_id)


def _refused(report: Report) -> ApiError:
    assert isinstance(report.reason, RejectReason)
    return refusal(report.reason)
