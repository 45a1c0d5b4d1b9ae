"""The orders of all accounts, folded from the matching process's records.

`Orders.apply` takes every record once and in order, and says what to report about it. Whoever reads
the same records has the same orders: nothing here is kept on disk.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from itertools import chain
from typing import Any

from gateway.orders import Fill, Order, OrderStatus, PreventedMatch, Report, ReportKind
from vocabulary import commands as c
from vocabulary import events as e
from vocabulary.catalogue import Catalogue
from vocabulary.codec import Record
from vocabulary.rejects import RejectReason
from vocabulary.types import CLOSED_ORDERS_REMEMBERED_MAX, CancelReason, SelfTradePrevention, Side

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


class _Account:
    """What is known of one account's orders."""

    __slots__ = ("by_client_order_id", "closed", "fills", "open")

    def __init__(self) -> None:
        self.open: dict[int, Order] = {}
        self.closed: deque[Order] = deque()
        self.fills: deque[Fill] = deque(maxlen=FILLS_MAX)
        self.by_client_order_id: dict[bytes, Order] = {}

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
        self._requested_id = 0  # the order that the record's command entered or replaced
        self._record: Record
        # By type, since a chain of isinstance costs more than what most events do.
        self._apply: dict[type[e.Event], Callable[[Any], None]] = {
            e.CommandRejected: self._apply_rejected,
            e.OrderAccepted: self._apply_accepted,
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
        }

    def apply(self, record: Record) -> list[Report]:
        """Take a record in; return what to report, in the order in which it happened."""
        self._record = record
        self._requested_id = 0
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

    def open_orders(self, account_id: int, instrument_id: int = 0) -> list[Order]:
        """Return an account's open orders, oldest first, in one instrument or (0) in all."""
        account = self._accounts.get(account_id)
        return _in_instrument(account.open.values(), instrument_id) if account is not None else []

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

    def _apply_accepted(self, event: e.OrderAccepted) -> None:
        command = self._record.command
        assert isinstance(command, c.EnterOrder)
        instrument = self.catalogue.instruments[event.instrument_id]
        prevention = command.self_trade_prevention or self._preventions.get(
            event.account_id, SelfTradePrevention.NONE
        )
        order = Order(event.order_id, command, instrument, self._record.timestamp_ns, prevention)
        if event.quantity_lots:
            order.quantity_lots = order.leaves_lots = event.quantity_lots
        account = self._accounts.get(event.account_id)
        if account is None:
            account = self._accounts[event.account_id] = _Account()
        self._orders[order.order_id] = account.open[order.order_id] = order
        account.by_client_order_id[order.client_order_id] = order
        self.open_order_count += 1
        self._requested_id = order.order_id
        self._report(ReportKind.ACCEPTED, order, is_requester=True)

    def _apply_repeated(self, event: e.OrderRepeated) -> None:
        # The engine remembers no order that we have forgotten: both count to the same bound.
        self._report(ReportKind.REPEATED, self._orders[event.order_id], is_requester=True)

    def _apply_replaced(self, event: e.OrderReplaced) -> None:
        command = self._record.command
        assert isinstance(command, c.ReplaceOrder)
        order = self._orders[event.order_id]
        self._requested_id = order.order_id
        original_client_order_id = order.client_order_id
        if command.client_order_id:
            account = self._accounts[event.account_id]
            account.forget_client_order_id(order)
            account.by_client_order_id[command.client_order_id] = order
            order.client_order_id = command.client_order_id
        order.price_ticks = event.price_ticks
        order.quantity_lots = event.quantity_lots
        order.decreased_lots = 0
        order.leaves_lots = event.leaves_lots
        order.updated_ns = self._record.timestamp_ns
        self._report(
            ReportKind.REPLACED,
            order,
            is_requester=True,
            original_client_order_id=original_client_order_id,
        )

    def _apply_trade(self, event: e.TradeExecuted) -> None:
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
            instrument.base if (order.side is Side.BUY) == (fee_units >= 0) else instrument.quote,
            is_maker,
            self._record.timestamp_ns,
            order.client_order_id,
        )
        self._accounts[order.account_id].fills.append(fill)
        if leaves_lots:
            order.status = OrderStatus.PARTIALLY_FILLED
        else:
            self._close(order, OrderStatus.FILLED)
        self._report(ReportKind.TRADE, order, fill=fill, is_requester=self._is_requested(order))

    def _apply_canceled(self, event: e.OrderCanceled) -> None:
        command = self._record.command
        order = self._orders[event.order_id]
        order.updated_ns = self._record.timestamp_ns
        order.leaves_lots = 0
        if event.reason is CancelReason.SELF_TRADE_PREVENTED:
            assert order.prevented is not None
            order.prevented_lots += order.prevented.quantity_lots
            self._close(order, OrderStatus.EXPIRED_IN_MATCH)
            self._report(
                ReportKind.EXPIRED,
                order,
                reason=event.reason,
                is_requester=self._is_requested(order),
                prevented=order.prevented,
            )
            return
        if event.reason not in CANCELED:
            self._close(order, OrderStatus.EXPIRED)
            is_requester = self._is_requested(order)
            self._report(ReportKind.EXPIRED, order, reason=event.reason, is_requester=is_requester)
            return
        self._close(order, OrderStatus.CANCELED)
        if not isinstance(command, c.CancelOrder | c.CancelAllOrders):
            self._report(ReportKind.CANCELED, order, reason=event.reason, is_requester=False)
            return
        self._report(
            ReportKind.CANCELED,
            order,
            reason=event.reason,
            is_requester=True,
            client_order_id=command.client_order_id,
            original_client_order_id=order.client_order_id if command.client_order_id else b"",
        )

    def _is_requested(self, order: Order) -> bool:
        """Say whether an order is what the record's command is about, not one that it set off."""
        return order.order_id == self._requested_id

    def _apply_triggered(self, event: e.OrderTriggered) -> None:
        order = self._orders[event.order_id]
        order.is_waiting = False
        order.trigger_price_ticks = event.trigger_price_ticks  # that of a stop that trails moves
        order.updated_ns = self._record.timestamp_ns
        self._report(ReportKind.TRIGGERED, order, is_requester=False)

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
                self._report(
                    ReportKind.DECREMENTED,
                    order,
                    is_requester=self._is_requested(order),
                    prevented=order.prevented,
                )

    def _apply_prevention_set(self, event: e.SelfTradePreventionSet) -> None:
        self._preventions[event.account_id] = event.self_trade_prevention

    def _apply_rejected(self, event: e.CommandRejected) -> None:
        command = self._record.command
        match command:
            case c.EnterOrder():
                self._report(
                    ReportKind.REJECTED,
                    None,
                    reason=event.reason,
                    is_requester=True,
                    client_order_id=command.client_order_id,
                )
            case c.CancelOrder() | c.ReplaceOrder():
                is_cancel = isinstance(command, c.CancelOrder)
                order = self.order(
                    command.account_id,
                    order_id=command.order_id,
                    client_order_id=command.original_client_order_id,
                )
                self._report(
                    ReportKind.CANCEL_REJECTED if is_cancel else ReportKind.REPLACE_REJECTED,
                    order,
                    reason=event.reason,
                    is_requester=True,
                    client_order_id=command.client_order_id,
                    original_client_order_id=command.original_client_order_id
                    or (order.client_order_id if order is not None else b""),
                )
            case c.CancelAllOrders():
                self._report(
                    ReportKind.CANCEL_REJECTED,
                    None,
                    reason=event.reason,
                    is_requester=True,
                    client_order_id=command.client_order_id,
                )
            case _:
                pass  # the ops desk's, who reads records itself

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

    def _report(
        self,
        kind: ReportKind,
        order: Order | None,
        *,
        is_requester: bool,
        reason: RejectReason | CancelReason | None = None,
        fill: Fill | None = None,
        client_order_id: bytes = b"",
        original_client_order_id: bytes = b"",
        prevented: PreventedMatch | None = None,
    ) -> None:
        if order is None:
            status, cumulative_lots, leaves_lots, quote_units = OrderStatus.REJECTED, 0, 0, 0
        else:
            status = order.status
            cumulative_lots = order.cumulative_lots
            leaves_lots = order.leaves_lots
            quote_units = order.quote_units
            client_order_id = client_order_id or order.client_order_id
        record = self._record
        self._reports.append(
            Report(
                kind,
                record.sequence,
                len(self._reports),
                record.timestamp_ns,
                order,
                record.command,
                reason,
                status,
                cumulative_lots,
                leaves_lots,
                quote_units,
                fill,
                is_requester,
                client_order_id,
                original_client_order_id,
                prevented,
            )
        )


def _apply_nothing(_: e.Event) -> None:
    """Nothing happened to an order that its owner does not know yet."""


def _in_instrument(orders: Iterable[Order], instrument_id: int) -> list[Order]:
    if not instrument_id:
        return list(orders)
    return [order for order in orders if order.instrument.instrument_id == instrument_id]
