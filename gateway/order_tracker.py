"""The orders of all accounts, folded from the matching process's records.

`Orders.apply` takes every record once and in order, and says what to report about it. Whoever reads
the same records has the same orders: nothing here is kept on disk.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from itertools import chain
from typing import Any

from gateway.amended_fills import AMENDED_KINDS, amend_order, amended_fill, remember_amended
from gateway.orders import Fill, Order, OrderList, OrderStatus, PreventedMatch, Report, ReportKind
from vocabulary import commands as c
from vocabulary import events as e
from vocabulary.catalogue import Catalogue
from vocabulary.codec import Record
from vocabulary.types import (
    CLOSED_ORDERS_REMEMBERED_MAX,
    SECOND_ORDER,
    CancelReason,
    Contingency,
    OrderType,
    SelfTradePrevention,
    Side,
)

CLOSED_ORDERS_MAX = CLOSED_ORDERS_REMEMBERED_MAX
"""How many closed orders of an account are remembered: the newest, which may be repeated."""

FILLS_MAX = 1_000
"""How many fills of an account are remembered, the newest ones."""

CANCELED = {
    CancelReason.REQUESTED,
    CancelReason.MASS_CANCELED,
    CancelReason.ACCOUNT_SUSPENDED,
}
"""Somebody ended the order; for any other reason it ended by its own terms or its market's."""

# What most records are about: an enumeration takes its time to look up a member.
_ACCEPTED, _TRADE = ReportKind.ACCEPTED, ReportKind.TRADE
_PARTIALLY_FILLED, _FILLED = OrderStatus.PARTIALLY_FILLED, OrderStatus.FILLED
_BUY = Side.BUY
_NO_PREVENTION = SelfTradePrevention.NONE


class _Account:
    """What is known of one account's orders."""

    def __init__(self) -> None:
        self.open: dict[int, Order] = {}
        self.closed: deque[Order] = deque()
        self.fills: deque[Fill] = deque(maxlen=FILLS_MAX)
        self.by_client_order_id: dict[bytes, Order] = {}
        self.lists: dict[int, OrderList] = {}  # those of remembered orders

    def forget_client_order_id(self, order: Order) -> None:
        # A closed order's may have been given to a newer one.
        if self.by_client_order_id.get(order.client_order_id) is order:
            del self.by_client_order_id[order.client_order_id]


class Orders:
    """All open orders, and each account's newest closed ones and fills."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.open_order_count = 0
        self._orders: dict[int, Order] = {}
        self._accounts: dict[int, _Account] = {}
        self._preventions: dict[int, SelfTradePrevention] = {}  # by account, where it has set one
        self._reports: list[Report] = []
        # The orders that the record's command entered or replaced.
        self._requested_ids: set[int] = set()
        self._order_list: OrderList | None = None  # that it entered
        self._record: Record
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
        self._requested_ids.clear()
        self._order_list = None
        self._reports = []
        for event in record.events:
            self._apply.get(type(event), self.catalogue.apply)(event)
        return self._reports

    def order(
        self, account_id: int, *, order_id: int = 0, client_order_id: bytes = b""
    ) -> Order | None:
        """Return an account's order by our id or, where that is 0, by its client order id."""
        if order_id:
            found = self._orders.get(order_id)
            return found if found is not None and found.account_id == account_id else None
        account = self._accounts.get(account_id)
        return account.by_client_order_id.get(client_order_id) if account is not None else None

    def order_list(
        self, account_id: int, *, list_id: int | None = None, client_list_id: bytes = b""
    ) -> OrderList | None:
        """Return an account's list by our id or, without one, the newest of that client's id."""
        account = self._accounts.get(account_id)
        if account is None:
            return None
        if list_id is not None:
            return account.lists.get(list_id)
        named = [each for each in account.lists.values() if each.client_list_id == client_list_id]
        return max(named, key=_list_id, default=None)

    def open_lists(self, account_id: int) -> list[OrderList]:
        """Return an account's lists that are not done, oldest first."""
        account = self._accounts.get(account_id)
        lists = account.lists.values() if account is not None else ()
        return [each for each in lists if not each.is_done]

    def open_orders(self, account_id: int, instrument_id: int = 0) -> list[Order]:
        """Return an account's open orders, oldest first, in one instrument or (0) in all."""
        account = self._accounts.get(account_id)
        return _in_instrument(account.open.values(), instrument_id) if account is not None else []

    def open_count(self, account_id: int) -> int:
        """Return how many orders an account has open."""
        account = self._accounts.get(account_id)
        return len(account.open) if account is not None else 0

    def orders(self, account_id: int, instrument_id: int = 0) -> list[Order]:
        """Return the open and the remembered closed orders of an account, oldest first."""
        account = self._accounts.get(account_id)
        if account is None:
            return []
        known = _in_instrument(chain(account.open.values(), account.closed), instrument_id)
        return sorted(known, key=lambda order: order.order_id)

    def fills(self, account_id: int, instrument_id: int = 0) -> list[Fill]:
        """Return an account's remembered fills, oldest first."""
        account = self._accounts.get(account_id)
        if account is None:
            return []
        return [
            fill
            for fill in account.fills
            if not instrument_id or fill.instrument.instrument_id == instrument_id
        ]

    def fills_known_from_ns(self, account_id: int) -> int:
        """Return behind which time all fills of an account are remembered; 0: all there ever were.

        Of those at that very time some may be forgotten.
        """
        account = self._accounts.get(account_id)
        if account is None or len(account.fills) < FILLS_MAX:
            return 0
        return account.fills[0].timestamp_ns

    # Events

    def _apply_list_accepted(self, event: e.OrderListAccepted) -> None:
        command = self._record.command
        assert isinstance(command, c.EnterOrderList)
        self._order_list = OrderList(event.list_id, event.contingency, command.client_list_id)
        account = self._accounts.setdefault(event.account_id, _Account())
        account.lists[event.list_id] = self._order_list

    def _apply_activated(self, event: e.OrderActivated) -> None:
        order = self._orders[event.order_id]
        order.status = OrderStatus.NEW
        order.is_waiting = order.order_type > OrderType.LIMIT
        order.updated_ns = self._record.timestamp_ns
        self._report(ReportKind.TRIGGERED, order).is_requester = self._is_requested(order)

    def _apply_accepted(self, event: e.OrderAccepted) -> None:
        command = self._record.command
        if isinstance(command, c.EnterOrderList):
            command = command.orders[event.order_id >= SECOND_ORDER]
        assert isinstance(command, c.EnterOrder)
        instrument = self.catalogue.instruments[event.instrument_id]
        prevention = command.self_trade_prevention or self._preventions.get(
            event.account_id, _NO_PREVENTION
        )
        order = Order(event.order_id, command, instrument, self._record.timestamp_ns, prevention)
        if self._order_list is not None:
            self._join(self._order_list, order)
        if event.quantity_lots:
            order.quantity_lots = order.leaves_lots = event.quantity_lots
        account = self._accounts.get(event.account_id)
        if account is None:
            account = self._accounts[event.account_id] = _Account()
        self._orders[order.order_id] = account.open[order.order_id] = order
        account.by_client_order_id[order.client_order_id] = order
        self.open_order_count += 1
        self._requested_ids.add(order.order_id)
        self._report(_ACCEPTED, order)

    def _join(self, order_list: OrderList, order: Order) -> None:
        order.order_list = order_list
        order_list.orders.append(order)
        order_list.orders.sort(key=_order_id)
        triggers = order_list.contingency is Contingency.ONE_TRIGGERS_OTHER
        if triggers and order.order_id >= SECOND_ORDER:
            order.status = OrderStatus.PENDING_NEW
            order.is_waiting = True

    def _apply_repeated(self, event: e.OrderRepeated) -> None:
        # The engine remembers no order that we have forgotten: both count to the same bound.
        self._report(ReportKind.REPEATED, self._orders[event.order_id])

    def _apply_replaced(self, event: e.OrderReplaced) -> None:
        command = self._record.command
        assert isinstance(command, c.ReplaceOrder)
        order = self._orders[event.order_id]
        self._requested_ids.add(order.order_id)
        original_client_order_id = order.client_order_id
        if command.client_order_id:
            account = self._accounts[event.account_id]
            account.forget_client_order_id(order)
            account.by_client_order_id[command.client_order_id] = order
            order.client_order_id = command.client_order_id
        order.price_ticks = event.price_ticks
        order.quantity_lots = event.quantity_lots - order.undone_lots
        order.decreased_lots = 0
        order.leaves_lots = event.leaves_lots
        order.updated_ns = self._record.timestamp_ns
        report = self._report(ReportKind.REPLACED, order)
        report.original_client_order_id = original_client_order_id

    def _apply_trade(self, event: e.TradeExecuted) -> None:
        self.catalogue.reference_ticks[event.instrument_id] = event.price_ticks
        resting = self._orders[event.resting_order_id]
        self._fill(resting, event, event.resting_leaves_lots, event.resting_fee_units)
        incoming = self._orders[event.incoming_order_id]
        self._fill(incoming, event, event.incoming_leaves_lots, event.incoming_fee_units)

    def _fill(self, order: Order, event: e.TradeExecuted, leaves_lots: int, fee_units: int) -> None:
        order.cumulative_lots += event.quantity_lots
        order.leaves_lots = leaves_lots
        order.quote_units += event.quote_units
        order.updated_ns = self._record.timestamp_ns
        instrument = order.instrument
        is_maker = order.order_id == event.resting_order_id
        fill = Fill(
            event.trade_id,
            instrument,
            order.order_id,
            order.account_id,
            order.side,
            event.price_ticks,
            event.quantity_lots,
            event.quote_units,
            fee_units,
            # A rebate is in the asset that its side gave.
            instrument.base if (order.side is _BUY) == (fee_units >= 0) else instrument.quote,
            is_maker,
            self._record.timestamp_ns,
            order.client_order_id,
            self._record.sequence,
        )
        self._accounts[order.account_id].fills.append(fill)
        if leaves_lots:
            order.status = _PARTIALLY_FILLED
        else:
            self._close(order, _FILLED)
        report = self._report(_TRADE, order)
        report.is_requester = self._is_requested(order)
        report.fill = fill

    def _apply_canceled(self, event: e.OrderCanceled) -> None:
        command = self._record.command
        order = self._orders[event.order_id]
        order.updated_ns = self._record.timestamp_ns
        order.leaves_lots = 0
        reason = event.reason
        if reason is CancelReason.SELF_TRADE_PREVENTED:
            assert order.prevented is not None
            order.prevented_lots += order.prevented.quantity_lots
            self._close(order, OrderStatus.EXPIRED_IN_MATCH)
            report = self._report(ReportKind.EXPIRED, order)
            report.is_requester = self._is_requested(order)
            report.prevented = order.prevented
        elif reason not in CANCELED:
            self._close(order, OrderStatus.EXPIRED)
            report = self._report(ReportKind.EXPIRED, order)
            report.is_requester = self._is_requested(order)
        else:
            self._close(order, OrderStatus.CANCELED)
            report = self._report(ReportKind.CANCELED, order)
            # Whom its sender did not name ended with the other order of its list.
            if not isinstance(command, c.CancelOrder | c.CancelAllOrders) or (
                isinstance(command, c.CancelOrder) and not _names(command, order)
            ):
                report.is_requester = False
            elif command.client_order_id:
                report.client_order_id = command.client_order_id
                report.original_client_order_id = order.client_order_id
        report.reason = reason

    def _is_requested(self, order: Order) -> bool:
        """Say whether an order is what the record's command is about, not one that it set off."""
        return order.order_id in self._requested_ids

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
                fill = remember_amended(account.fills, fill)
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
                report = self._report(ReportKind.REJECTED, None)
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
                return  # the ops desk's, who reads records itself
        name = (
            command.client_list_id
            if isinstance(command, c.EnterOrderList)
            else command.client_order_id
        )
        report.client_order_id = name or report.client_order_id
        report.reason = event.reason

    def _close(self, order: Order, status: OrderStatus) -> None:
        order.status = status
        self.open_order_count -= 1
        account = self._accounts[order.account_id]
        del account.open[order.order_id]
        account.closed.append(order)
        if len(account.closed) > CLOSED_ORDERS_MAX:
            oldest = account.closed.popleft()
            del self._orders[oldest.order_id]
            account.forget_client_order_id(oldest)
            order_list, oldest.order_list = oldest.order_list, None  # they hold each other
            if order_list is not None and order_list.is_done:
                account.lists.pop(order_list.list_id, None)

    def _report(self, kind: ReportKind, order: Order | None) -> Report:
        """Add a report, under the order's own name and to the requester, and return it."""
        record = self._record
        report = Report(record.command)
        report.kind = kind
        report.sequence = record.sequence
        report.report_index = len(self._reports)
        report.timestamp_ns = record.timestamp_ns
        if order is not None:
            report.order = order
            report.status = order.status
            report.cumulative_lots = order.cumulative_lots
            report.leaves_lots = order.leaves_lots
            report.quote_units = order.quote_units
            report.client_order_id = order.client_order_id
        self._reports.append(report)
        return report


def _order_id(order: Order) -> int:
    return order.order_id


def _list_id(order_list: OrderList) -> int:
    return order_list.list_id


def _names(command: c.CancelOrder, order: Order) -> bool:
    if command.order_id:
        return command.order_id == order.order_id
    return command.original_client_order_id == order.client_order_id


def _apply_nothing(_: e.Event) -> None:
    """Nothing happened to an order that its owner does not know yet."""


def _in_instrument(orders: Iterable[Order], instrument_id: int) -> list[Order]:
    of = instrument_id
    return [order for order in orders if not of or order.instrument.instrument_id == of]
