"""The orders of all accounts, folded from the matching process's records.

`Orders.apply` takes every record once and in order, and says what to report about it. Whoever reads
the same records has the same orders: nothing here is kept on disk.

This is a hot path: what most records tell is read from their words (`gateway.packed_events`), and
everything else, as well as a record that is no bytes, from the events as objects. Both ways meet
where an order changes (`gateway.order_changes`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gateway import packed_events
from gateway.amended_fills import AMENDED_KINDS, amend_order, amended_fill, remember_amended
from gateway.order_changes import OrderChanges
from gateway.orders import (
    Order,
    OrderList,
    OrderStatus,
    PreventedMatch,
    Report,
    ReportKind,
    order_of,
)
from vocabulary import commands as c
from vocabulary import events as e
from vocabulary import packed
from vocabulary.catalogue import Catalogue
from vocabulary.codec import Record, unpack
from vocabulary.rejects import RejectReason
from vocabulary.types import (
    OrderType,
    Side,
    place_in_list,
)


class Orders(OrderChanges):
    """All open orders, and each account's newest closed ones and fills."""

    def __init__(self, catalogue: Catalogue) -> None:
        super().__init__(catalogue)
        # By type, since a chain of isinstance costs more than what most events do.
        self._apply: dict[type[e.Event], Callable[[Any], None]] = {
            e.CommandRejected: self._apply_rejected,
            e.OrderAccepted: self._apply_accepted,
            e.OrderListAccepted: self._apply_list_accepted,
            e.OrderActivated: self._apply_activated,
            e.OrderRepeated: self._apply_repeated,
            e.OrderReplaced: self._apply_replaced,
            e.OrderRested: _apply_nothing,
            e.OrderRefreshed: _apply_nothing,
            e.IndicativePriceChanged: _apply_nothing,
            e.TradeExecuted: self._apply_trade,
            e.AuctionTradeExecuted: self._apply_trade,
            e.OrderCanceled: self._apply_canceled,
            e.MatchPrevented: self._apply_prevented,
            e.OrderTriggered: self._apply_triggered,
            e.SelfTradePreventionSet: self._apply_prevention_set,
            e.TradeBusted: self._apply_amended,
            e.TradeCorrected: self._apply_amended,
        }

    def apply(self, record: Record) -> list[Report]:
        """Take a record in; return what to report, in the order in which it happened."""
        self._record = record
        self._requested_id = 0
        self._order_list = None
        self._reports = []
        if record.data:
            self._apply_words(record.data)
        else:
            for event in record.events:
                self._apply_event(event)
        return self._reports

    def _apply_words(self, data: bytes) -> None:
        words = packed.words_of(data)
        at, stop = self._record.events_at, self._record.stop
        kind = self._record.command_kind
        while at < stop:
            head = words[at]
            if head == packed_events.ORDER_ACCEPTED and kind == packed_events.ENTER_ORDER:
                self._take_accepted(words, at)
            elif head == packed_events.TRADE_EXECUTED:
                self._take_trade(words, at)
            elif head == packed_events.ORDER_CANCELED:
                self._take_canceled(words, at)
            elif head == packed_events.ORDER_REPLACED and kind == packed_events.REPLACE_ORDER:
                self._take_replaced(words, at)
            elif head != packed_events.ORDER_RESTED:  # which its owner need not be told
                self._apply_event(unpack(data, packed_events.WORD_BYTES * at)[0])
            at += packed_events.words_of_message(head)

    def _apply_event(self, event: Any) -> None:
        self._apply.get(type(event), self.catalogue.apply)(event)

    # Events as words

    def _take_accepted(self, words: memoryview, at: int) -> None:
        owner_and_instrument = words[at + packed_events.OWNER_AND_INSTRUMENT]
        instrument_id = packed_events.second_id(owner_and_instrument)
        order = Order(self._instruments[instrument_id], self._units_of(instrument_id))
        packed_events.read_terms(order, self._record.data, words, self._record.command_at)
        self._accept(order, words[at + packed_events.ORDER_ID])

    def _take_trade(self, words: memoryview, at: int) -> None:
        self._trade(
            packed_events.first_id(words[at + packed_events.TRADE_INSTRUMENT]),
            words[at + packed_events.TRADE_ID],
            words[at + packed_events.TRADE_PRICE_TICKS],
            words[at + packed_events.TRADE_LOTS],
            words[at + packed_events.TRADE_QUOTE_UNITS],
            words[at + packed_events.RESTING_ORDER_ID],
            words[at + packed_events.RESTING_LEAVES_LOTS],
            words[at + packed_events.RESTING_FEE_UNITS],
            words[at + packed_events.INCOMING_ORDER_ID],
            words[at + packed_events.INCOMING_LEAVES_LOTS],
            words[at + packed_events.INCOMING_FEE_UNITS],
        )

    def _take_canceled(self, words: memoryview, at: int) -> None:
        order = self._orders[words[at + packed_events.ORDER_ID]]
        self._cancel(order, packed_events.cancel_reason(words[at + packed_events.CANCEL_TERMS]))

    def _take_replaced(self, words: memoryview, at: int) -> None:
        record = self._record
        self._replace(
            self._orders[words[at + packed_events.ORDER_ID]],
            packed_events.name_at(
                record.data, words, record.command_at + packed_events.REPLACE_NAMES
            ),
            words[at + packed_events.NEW_PRICE_TICKS],
            words[at + packed_events.NEW_QUANTITY_LOTS],
            words[at + packed_events.NEW_LEAVES_LOTS],
        )

    # Events as objects

    def _apply_list_accepted(self, event: e.OrderListAccepted) -> None:
        command = self._record.command
        assert isinstance(command, c.EnterOrderList)
        self._order_list = OrderList(event.list_id, event.contingency, command.client_list_id)
        self._account(event.account_id).lists[event.list_id] = self._order_list

    def _apply_activated(self, event: e.OrderActivated) -> None:
        order = self._orders[event.order_id]
        order.status = OrderStatus.NEW
        order.is_waiting = order.order_type > OrderType.LIMIT
        order.updated_ns = self._record.timestamp_ns
        self._report(ReportKind.TRIGGERED, order).is_requester = self._is_requested(order)

    def _apply_accepted(self, event: e.OrderAccepted) -> None:
        command = self._record.command
        if isinstance(command, c.EnterOrderList):
            command = command.orders[place_in_list(event.order_id)]
        assert isinstance(command, c.EnterOrder)
        instrument = self._instruments[event.instrument_id]
        order = order_of(command, instrument, self._units_of(event.instrument_id))
        if event.quantity_lots:
            order.quantity_lots = event.quantity_lots
        self._accept(order, event.order_id)

    def _apply_repeated(self, event: e.OrderRepeated) -> None:
        order = self._orders.get(event.order_id)
        if order is not None:
            self._report(ReportKind.REPEATED, order)
        elif not self._reports:
            # The engine remembers more names than we do orders. It was not entered again, either.
            self._refuse_entry(RejectReason.DUPLICATE_CLIENT_ORDER_ID)

    def _apply_replaced(self, event: e.OrderReplaced) -> None:
        command = self._record.command
        assert isinstance(command, c.ReplaceOrder)
        self._replace(
            self._orders[event.order_id],
            command.client_order_id,
            event.price_ticks,
            event.quantity_lots,
            event.leaves_lots,
        )

    def _apply_trade(self, event: e.TradeExecuted) -> None:
        self._trade(
            event.instrument_id,
            event.trade_id,
            event.price_ticks,
            event.quantity_lots,
            event.quote_units,
            event.resting_order_id,
            event.resting_leaves_lots,
            event.resting_fee_units,
            event.incoming_order_id,
            event.incoming_leaves_lots,
            event.incoming_fee_units,
        )

    def _apply_canceled(self, event: e.OrderCanceled) -> None:
        self._cancel(self._orders[event.order_id], event.reason)

    def _apply_triggered(self, event: e.OrderTriggered) -> None:
        order = self._orders[event.order_id]
        order.is_waiting = False
        order.trigger_price_ticks = event.trigger_price_ticks  # that of a stop that trails moves
        order.updated_ns = self._record.timestamp_ns
        self._report(ReportKind.TRIGGERED, order).is_requester = False

    def _apply_prevented(self, event: e.MatchPrevented) -> None:
        sides = (
            (event.resting_order_id, event.incoming_order_id, event.resting_decrease_lots),
            (event.incoming_order_id, event.resting_order_id, event.incoming_decrease_lots),
        )
        for order_id, counter_order_id, decrease_lots in sides:
            order = self._orders[order_id]
            order.prevented = PreventedMatch(
                event.prevented_match_id, event.price_ticks, event.quantity_lots, counter_order_id
            )
            if decrease_lots:
                order.prevented_lots += decrease_lots
                order.decreased_lots += decrease_lots
                order.quantity_lots -= decrease_lots
                order.leaves_lots -= decrease_lots
                order.updated_ns = self._record.timestamp_ns
                report = self._report(ReportKind.DECREMENTED, order)
                report.is_requester = self._is_requested(order)
                report.prevented = order.prevented

    def _apply_amended(self, event: e.TradeBusted) -> None:
        for side in (Side.BUY, Side.SELL):
            fill = amended_fill(self._record, event, side, self.catalogue)
            account = self._accounts.get(fill.account_id)
            if account is not None:
                remember_amended(account.fills, fill)
            order = self._orders.get(fill.order_id)
            if order is not None:
                amend_order(order, event, fill, self._record.timestamp_ns)
                report = self._report(AMENDED_KINDS[fill.is_busted], order)
                report.is_requester = False
                report.fill = fill

    def _apply_prevention_set(self, event: e.SelfTradePreventionSet) -> None:
        self._preventions[event.account_id] = event.self_trade_prevention

    def _apply_rejected(self, event: e.CommandRejected) -> None:
        command = self._record.command
        match command:
            case c.EnterOrder() | c.EnterOrderList():
                return self._refuse_entry(event.reason)
            case c.CancelOrder() | c.ReplaceOrder():
                is_cancel = isinstance(command, c.CancelOrder)
                order = self.order(
                    command.account_id,
                    order_id=command.order_id,
                    client_order_id=command.original_client_order_id,
                )
                report = self._report(
                    ReportKind.CANCEL_REJECTED if is_cancel else ReportKind.REPLACE_REJECTED, order
                )
                report.original_client_order_id = command.original_client_order_id or (
                    order.client_order_id if order is not None else b""
                )
            case c.CancelAllOrders():
                report = self._report(ReportKind.CANCEL_REJECTED, None)
            case _:
                return None  # the ops desk's, who reads records itself
        report.client_order_id = command.client_order_id or report.client_order_id
        report.reason = event.reason
        return None

    def _refuse_entry(self, reason: RejectReason) -> None:
        command = self._record.command
        assert isinstance(command, c.EnterOrder | c.EnterOrderList)
        report = self._report(ReportKind.REJECTED, None)
        report.client_order_id = (
            command.client_list_id
            if isinstance(command, c.EnterOrderList)
            else command.client_order_id
        )
        report.reason = reason


def _apply_nothing(_: e.Event) -> None:
    """Nothing happened to an order that its owner does not know yet."""
