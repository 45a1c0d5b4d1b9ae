"""A book of price levels, as the updates of a source make it."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable

from trading.events import Level


class BookSide:
    """The levels of one side. Finds the best in no time, and changes one in O(log n)."""

    __slots__ = ("_best_index", "_lots", "_prices")

    def __init__(self, *, is_bid: bool) -> None:
        self._lots: dict[int, int] = {}
        self._prices: list[int] = []  # ascending
        self._best_index = -1 if is_bid else 0

    @property
    def best_ticks(self) -> int | None:
        return self._prices[self._best_index] if self._prices else None

    def apply(self, levels: Iterable[Level]) -> None:
        """Take changed levels in. One of 0 lots goes; that it was not there is no fault."""
        for level in levels:
            price_ticks, lots = level.price_ticks, level.lots
            if lots == 0:
                if self._lots.pop(price_ticks, None) is not None:
                    del self._prices[bisect_left(self._prices, price_ticks)]
                continue
            if price_ticks not in self._lots:
                insort(self._prices, price_ticks)
            self._lots[price_ticks] = lots

    def levels(self) -> tuple[Level, ...]:
        """Return all levels, best first."""
        prices = self._prices if self._best_index == 0 else reversed(self._prices)
        return tuple(Level(price_ticks, self._lots[price_ticks]) for price_ticks in prices)


class Book:
    """Both sides, as they were at the source's `update_id`."""

    __slots__ = ("asks", "bids", "update_id")

    def __init__(self, update_id: int, bids: Iterable[Level], asks: Iterable[Level]) -> None:
        self.update_id = update_id
        self.bids = BookSide(is_bid=True)
        self.asks = BookSide(is_bid=False)
        self.bids.apply(bids)
        self.asks.apply(asks)

    @property
    def is_crossed(self) -> bool:
        bid, ask = self.bids.best_ticks, self.asks.best_ticks
        return bid is not None and ask is not None and bid >= ask
