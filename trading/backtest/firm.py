"""The firm's side of a simulated venue: decisions in, reports out, as an execution engine's are.

The events have the fields that `trading.execution` gives them; `stream_sequence` and `received_ns`
are 0 until they take their place in a stream.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from trading.backtest.venue import BACKGROUND_ID, INSTRUMENT_ID, SimulatedVenue
from trading.decisions import Action, Decision, OrderName, OrderStyle
from trading.events import OrderReported, ReportKind
from vocabulary import commands as c
from vocabulary import events as e
from vocabulary.types import CancelReason, OrderFlags, OrderType, Side, TimeInForce

FIRM_TRADE = 1 << 48
"""Added to the core's number of a trade, so that it is none of the recording's."""


class Fill(NamedTuple):
    """A fill of the firm's.

    The fee is in the smallest units of what that side receives; below 0 it is a rebate, in those of
    what that side gives.
    """

    time_ns: int
    order: OrderName
    trade_id: int
    side: Side
    price_ticks: int
    lots: int
    fee_units: int
    is_maker: bool
    is_with_others: bool
    """The other side was not the firm's."""

    @property
    def fee_is_in_base(self) -> bool:
        return (self.side is Side.BUY) == (self.fee_units >= 0)


class _Placed:
    """An order of the firm's that the venue took."""

    def __init__(self, decision: Decision) -> None:
        self.name = decision.order_name
        self.side = decision.side
        self.price_ticks = decision.price_ticks
        self.lots = decision.lots
        self.cumulative_lots = 0


class Firm:
    """The firm's orders in a venue.

    `fills` are all that there were; `behind_others` the orders that had others before them in the
    queue when they came to rest.
    """

    def __init__(self, venue: SimulatedVenue) -> None:
        self.fills: list[Fill] = []
        self.behind_others: set[OrderName] = set()
        self._venue = venue
        self._accounts: dict[str, int] = {}
        self._orders: dict[int, _Placed] = {}
        self._touched: dict[tuple[int, int], None] = {}

    def execute(self, decision: Decision) -> list[OrderReported]:
        """Submit a decision at the venue's `now_ns`; return what it and its orders get told."""
        account_id = self._account(decision.strategy)
        if decision.action is Action.CANCEL:
            return self._cancel(account_id, decision)
        is_immediate = decision.style is OrderStyle.IMMEDIATE
        sequence, events = self._venue.submit(
            c.EnterOrder(
                0,
                0,
                account_id,
                INSTRUMENT_ID,
                decision.side,
                OrderType.LIMIT,
                TimeInForce.IMMEDIATE_OR_CANCEL if is_immediate else TimeInForce.GOOD_TILL_CANCEL,
                OrderFlags.POST_ONLY if decision.style is OrderStyle.POST_ONLY else OrderFlags.NONE,
                decision.price_ticks,
                decision.lots,
                decision.client_order_id.encode(),
            )
        )
        placed = _Placed(decision)
        if isinstance(events[0], e.CommandRejected):
            reason = events[0].reason.name
            kind = ReportKind.REFUSED
            return [
                self._report(placed, kind, "execution-refused", decision.number, 0, reason=reason)
            ]
        self._orders[sequence] = placed
        return self.reports(events)

    def reports(self, events: Iterable[e.Event], cancel: int = 0) -> list[OrderReported]:
        """Return what the firm gets told of the engine's events; `cancel` is who canceled."""
        sequence = self._venue.sequence
        told = []
        for event in events:
            match event:
                case e.OrderAccepted():
                    placed = self._orders[event.order_id]
                    kind, number = ReportKind.ACCEPTED, placed.name.number
                    report_id = "execution-accepted"
                    told.append(self._report(placed, kind, report_id, number, sequence))
                case e.OrderRested():
                    self._touch(event.side, event.price_ticks)
                    if self._venue.background_lots(event.side, event.price_ticks):
                        self.behind_others.add(self._orders[event.order_id].name)
                case e.TradeExecuted():
                    told += self._trade(event, sequence)
                case e.OrderCanceled():
                    told.append(self._canceled(event, sequence, cancel))
        return told

    def take_touched(self) -> list[tuple[int, int]]:
        """Return side and price of the levels that the firm has changed since the last call."""
        touched, self._touched = list(self._touched), {}
        return touched

    def _cancel(self, account_id: int, decision: Decision) -> list[OrderReported]:
        client_order_id = decision.order_name.client_order_id.encode()
        name = decision.client_order_id.encode()
        _, events = self._venue.submit(
            c.CancelOrder(0, 0, account_id, INSTRUMENT_ID, 0, name, client_order_id)
        )
        if not isinstance(events[0], e.CommandRejected):
            return self.reports(events, decision.number)
        placed = _Placed(decision)
        return [
            self._report(
                placed,
                ReportKind.CANCEL_REFUSED,
                f"execution-cancel-{decision.number}",
                decision.number,
                0,
                leaves_lots=0,
                reason=events[0].reason.name,
            )
        ]

    def _trade(self, event: e.TradeExecuted, sequence: int) -> list[OrderReported]:
        """Return a report for each side of a trade that is the firm's, the incoming one first."""
        resting_side = Side.BUY if event.incoming_side is Side.SELL else Side.SELL
        self._touch(resting_side, event.price_ticks)
        told = []
        if event.incoming_account_id != BACKGROUND_ID:
            fee_units, order_id = event.incoming_fee_units, event.incoming_order_id
            told.append(self._fill(event, order_id, fee_units, sequence, is_maker=False))
        if event.resting_account_id != BACKGROUND_ID:
            fee_units, order_id = event.resting_fee_units, event.resting_order_id
            told.append(self._fill(event, order_id, fee_units, sequence, is_maker=True))
        return told

    def _fill(
        self,
        event: e.TradeExecuted,
        order_id: int,
        fee_units: int,
        sequence: int,
        *,
        is_maker: bool,
    ) -> OrderReported:
        placed = self._orders[order_id]
        placed.cumulative_lots += event.quantity_lots
        trade_id = FIRM_TRADE + event.trade_id
        self.fills.append(
            Fill(
                self._venue.now_ns,
                placed.name,
                trade_id,
                placed.side,
                event.price_ticks,
                event.quantity_lots,
                fee_units,
                is_maker,
                BACKGROUND_ID in (event.incoming_account_id, event.resting_account_id),
            )
        )
        if placed.cumulative_lots == placed.lots:
            del self._orders[order_id]
        return self._report(
            placed,
            ReportKind.TRADED,
            f"execution-trade-{trade_id}",
            0,
            sequence,
            fill=(event.price_ticks, event.quantity_lots, fee_units, trade_id, is_maker),
        )

    def _canceled(self, event: e.OrderCanceled, sequence: int, cancel: int) -> OrderReported:
        placed = self._orders.pop(event.order_id)
        if event.was_resting:
            self._touch(event.side, event.price_ticks)
        reason = "" if event.reason is CancelReason.REQUESTED else event.reason.name
        kind = ReportKind.CANCELED
        return self._report(
            placed, kind, "execution-ended", cancel, sequence, leaves_lots=0, reason=reason
        )

    def _touch(self, side: Side, price_ticks: int) -> None:
        self._touched[int(side), price_ticks] = None

    def _account(self, strategy: str) -> int:
        account_id = self._accounts.get(strategy)
        if account_id is None:
            account_id = self._accounts[strategy] = BACKGROUND_ID + 1 + len(self._accounts)
            self._venue.open_account(account_id)
        return account_id

    def _report(
        self,
        placed: _Placed,
        kind: ReportKind,
        report_id: str,
        number: int,
        sequence: int,
        *,
        leaves_lots: int | None = None,
        reason: str = "",
        fill: tuple[int, int, int, int, bool] = (0, 0, 0, 0, False),
    ) -> OrderReported:
        name = placed.name
        left = placed.lots - placed.cumulative_lots if leaves_lots is None else leaves_lots
        return OrderReported(
            0,
            name.symbol,
            sequence,
            self._venue.now_ns,
            0,
            name.strategy,
            name.epoch,
            name.number,
            number,
            kind,
            placed.side,
            placed.price_ticks,
            placed.lots,
            placed.cumulative_lots,
            0 if kind is ReportKind.REFUSED else left,
            *fill,
            report_id,
            reason,
        )
