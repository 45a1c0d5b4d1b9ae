"""Depth: how many lots rest, and are displayed, at each price."""

from __future__ import annotations

from vocabulary import events as e
from vocabulary.market_data import DepthChanged, DepthSnapshot, Level
from vocabulary.types import Side


class Depth:
    """One instrument's displayed lots by price, and the prices where they have changed.

    It knows no orders: events say what joins and what leaves the book.
    """

    def __init__(self) -> None:
        self.bids: dict[int, int] = {}
        self.asks: dict[int, int] = {}
        # Prices touched since the last message, with the lots that it left readers with.
        self._bids_before: dict[int, int] = {}
        self._asks_before: dict[int, int] = {}

    def apply(self, event: e.Event) -> bool:
        """Take an event of this instrument in; return whether it touched the book."""
        match event:
            case e.OrderRested():
                self._add(event.side, event.price_ticks, event.leaves_lots - event.hidden_lots)
            case e.OrderRefreshed():
                self._add(event.side, event.price_ticks, event.displayed_lots)
            case e.AuctionTradeExecuted():  # both rested, each at its own price
                self._add(Side.BUY, event.buy_price_ticks, -event.quantity_lots)
                self._add(Side.SELL, event.sell_price_ticks, -event.quantity_lots)
            case e.TradeExecuted(incoming_side=incoming_side):
                # The incoming order's lots never were in the book.
                self._add(opposite(incoming_side), event.price_ticks, -event.quantity_lots)
            case e.MatchPrevented():
                lots = event.resting_decrease_lots - event.resting_hidden_decrease_lots
                if not lots:
                    return False  # what ends is told of in an event of its own
                self._add(opposite(event.incoming_side), event.price_ticks, -lots)
            case e.OrderReplaced():
                shown_lots = event.previous_leaves_lots - event.previous_hidden_lots
                self._add(event.side, event.previous_price_ticks, -shown_lots)
                if event.kept_priority:
                    shown_lots = event.leaves_lots - event.hidden_lots
                    self._add(event.side, event.price_ticks, shown_lots)
            case e.OrderCanceled(was_resting=True):
                self._add(event.side, event.price_ticks, event.hidden_lots - event.leaves_lots)
            case _:
                return False
        return True

    def take(self, sequence: int, previous_sequence: int, timestamp_ns: int) -> DepthChanged | None:
        """Return the levels that changed since the last call; None if all are as they were then."""
        bids = _changes(self.bids, self._bids_before)
        asks = _changes(self.asks, self._asks_before)
        if not bids and not asks:
            return None
        return DepthChanged(sequence, previous_sequence, timestamp_ns, bids, asks)

    def snapshot(self, sequence: int, timestamp_ns: int) -> DepthSnapshot:
        bids = [Level(price, self.bids[price]) for price in sorted(self.bids, reverse=True)]
        asks = [Level(price, self.asks[price]) for price in sorted(self.asks)]
        return DepthSnapshot(sequence, timestamp_ns, bids, asks)

    def _add(self, side: Side, price_ticks: int, lots: int) -> None:
        levels, before = (
            (self.bids, self._bids_before) if side is Side.BUY else (self.asks, self._asks_before)
        )
        old_lots = levels.get(price_ticks, 0)
        new_lots = old_lots + lots
        assert new_lots >= 0, f"{new_lots} lots at {price_ticks} {side.name}"
        before.setdefault(price_ticks, old_lots)
        if new_lots:
            levels[price_ticks] = new_lots
        else:
            del levels[price_ticks]


def opposite(side: Side) -> Side:
    return Side.SELL if side is Side.BUY else Side.BUY


def _changes(levels: dict[int, int], before: dict[int, int]) -> list[Level]:
    """Return the touched levels whose lots are other than before, and forget that they changed."""
    changed = [
        Level(price_ticks, lots)
        for price_ticks, old_lots in before.items()
        if (lots := levels.get(price_ticks, 0)) != old_lots
    ]
    before.clear()
    return changed
