"""The orders of one strategy in one symbol, as the firm's own events in the stream tell them.

Applying an event twice changes nothing: a report that this instance has made comes back to it in
the stream, and one that two instances made is there once.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from contextlib import suppress
from enum import Enum, auto
from typing import NamedTuple

from trading.decisions import Action, OrderName, OrderStyle
from trading.events import DecisionTaken, OrderReported, OwnEvent, ReportKind, TradeAmended
from trading.execution.holdings import Holdings, Terms
from trading.execution.risk import Exposure
from trading.execution.venue import OrderFound
from vocabulary.instrument import Instrument
from vocabulary.types import Side

SECOND_NS = 1_000_000_000
FILLS_MAX = 100_000
"""So many fills of a strategy in a symbol, the newest, are known singly: each may be amended."""


class Phase(Enum):
    """How much the instance that holds the symbol knows of an order."""

    UNKNOWN = auto()
    """It may be at the venue, or not; ask."""
    SENT = auto()
    """On its way; nothing has been heard."""
    WORKING = auto()
    """The venue has said that it has it."""


class OpenOrder:
    """An order that has not ended, for all that is known.

    `phase` and what stands below it are no part of the fold: they begin anew with each holder.
    """

    __slots__ = (
        "asked_ns",
        "cancel_sent_ns",
        "cause",
        "cumulative_lots",
        "found",
        "is_accepted",
        "lots",
        "name",
        "phase",
        "price_ticks",
        "sent_ns",
        "side",
        "style",
        "taken_ns",
        "trade_ids",
    )

    def __init__(self, name: OrderName, event: DecisionTaken) -> None:
        self.name = name
        self.side: Side = event.side
        self.price_ticks = event.price_ticks
        self.lots = event.lots
        self.style: OrderStyle = event.style
        self.cause = event.cause
        self.taken_ns = event.exchange_ns
        self.cumulative_lots = 0
        self.is_accepted = False
        self.trade_ids: set[int] = set()

        self.phase = Phase.UNKNOWN
        self.sent_ns = 0
        self.asked_ns = 0
        self.cancel_sent_ns = 0
        self.found: OrderFound | None = None

    @property
    def leaves_lots(self) -> int:
        return self.lots - self.cumulative_lots


class CancelTaken(NamedTuple):
    """A decision to cancel that nothing has answered yet; it repeats the order's terms."""

    order: int
    side: Side
    price_ticks: int
    lots: int


class KnownFill(NamedTuple):
    """What a fill comes to, after so many `amendments`."""

    order: int
    price_ticks: int
    lots: int
    fee_units: int
    amendments: int

    @property
    def terms(self) -> Terms:
        return self.price_ticks, self.lots, self.fee_units


class StrategyOrders:
    """The fold. `fills` are by trade and side."""

    def __init__(self, strategy: str, symbol: str, epoch: int, instrument: Instrument) -> None:
        self.strategy, self.symbol, self.epoch = strategy, symbol, epoch
        self.last_taken = 0
        self.open: dict[int, OpenOrder] = {}
        self.cancels: dict[int, CancelTaken] = {}
        self.fills: OrderedDict[tuple[int, Side], KnownFill] = OrderedDict()
        self.holdings = Holdings(instrument)
        self._placed_ns: deque[int] = deque()

    def apply(self, event: OwnEvent) -> bool:
        """Take an own event in. Return whether it told anything new."""
        match event:
            case DecisionTaken():
                return self._take(event)
            case OrderReported():
                return self._report(event)
            case TradeAmended():
                return self._amend(event)

    def cancels_of(self, order: int) -> list[int]:
        """Return the unanswered decisions to cancel an order, oldest first."""
        return [number for number, cancel in self.cancels.items() if cancel.order == order]

    def exposure(self, besides: OpenOrder, now_ns: int, twice_middle_ticks: int) -> Exposure:
        """Return what there is without the order `besides`."""
        open_lots = {Side.BUY: 0, Side.SELL: 0}
        for order in self.open.values():
            if order is not besides:
                open_lots[order.side] += order.leaves_lots
        placed_ns = self._placed_ns
        while placed_ns and placed_ns[0] <= now_ns - SECOND_NS:
            placed_ns.popleft()
        return Exposure(
            self.holdings.lots,
            open_lots[Side.BUY],
            open_lots[Side.SELL],
            len(placed_ns) - (besides.taken_ns in placed_ns),
            twice_middle_ticks,
        )

    def _take(self, event: DecisionTaken) -> bool:
        if event.number != self.last_taken + 1:  # the stream has no holes: it is a repeat
            return False
        self.last_taken = event.number
        if event.action is Action.PLACE:
            name = OrderName(self.strategy, self.symbol, self.epoch, event.number)
            self.open[event.number] = OpenOrder(name, event)
            self._placed_ns.append(event.exchange_ns)
        else:
            self.cancels[event.number] = CancelTaken(
                event.order, event.side, event.price_ticks, event.lots
            )
        return True

    def _report(self, event: OrderReported) -> bool:
        if event.kind is ReportKind.CANCEL_REFUSED:
            return self.cancels.pop(event.number, None) is not None
        order = self.open.get(event.order)
        if order is None:
            return False
        if event.kind is ReportKind.ACCEPTED:
            is_new = not order.is_accepted
            order.is_accepted = True
            return is_new
        if event.kind is ReportKind.TRADED:
            return self._trade(order, event)
        if event.kind is ReportKind.REFUSED and event.report_id.startswith("risk"):
            with suppress(ValueError):  # it was placed more than a second ago
                self._placed_ns.remove(order.taken_ns)
        self.cancels.pop(event.number, None)
        del self.open[event.order]
        return True

    def _trade(self, order: OpenOrder, event: OrderReported) -> bool:
        if event.trade_id in order.trade_ids:
            return False
        order.trade_ids.add(event.trade_id)
        order.cumulative_lots += event.fill_lots
        self.holdings.trade(
            event.side, event.fill_price_ticks, event.fill_lots, event.fee_units, event.trade_id
        )
        self.fills[event.trade_id, event.side] = KnownFill(
            event.order, event.fill_price_ticks, event.fill_lots, event.fee_units, 0
        )
        if len(self.fills) > FILLS_MAX:
            self.fills.popitem(last=False)
        if not order.leaves_lots:
            del self.open[event.order]
        return True

    def _amend(self, event: TradeAmended) -> bool:
        """Take an amendment in. Of two of one number the stream's, which comes later, holds."""
        key = event.trade_id, event.side
        known = self.fills.get(key)
        if known is None or event.amendment < known.amendments:
            return False
        amended = KnownFill(
            event.order, event.price_ticks, event.lots, event.fee_units, event.amendment
        )
        if amended == known:
            return False
        self.fills[key] = amended
        self.holdings.amend(event.side, known.terms, amended.terms)
        order = self.open.get(event.order)
        if order is not None:  # what was undone is not traded again, so less is ordered
            undone_lots = known.lots - amended.lots
            order.cumulative_lots -= undone_lots
            order.lots -= undone_lots
        return True
