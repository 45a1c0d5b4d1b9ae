"""The market as a gateway sees it: books, tapes, candles, tickers, statuses, out of the feed.

Each view takes messages in (`apply`) and can be set to a snapshot (`replace`), which then returns
the message that leads from what it was to what it is.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Iterable, Sequence

from vocabulary.market_data import (
    CANDLES_MAX,
    TAPE_PRINTS_MAX,
    AmendedTrade,
    Candle,
    CandlesChanged,
    CandlesSnapshot,
    DepthChanged,
    DepthSnapshot,
    Level,
    Mark,
    Message,
    Print,
    Snapshot,
    Status,
    StatusChanged,
    StatusSnapshot,
    Ticker,
    TickerChanged,
    TickerSnapshot,
    TradesPrinted,
    TradesSnapshot,
    amend_print,
)


class View:
    """What all views share: how far they have got."""

    def __init__(self) -> None:
        self.mark = Mark(0, 0)

    @property
    def sequence(self) -> int:
        """The journal sequence that this is as of; 0 before the first snapshot."""
        return self.mark.sequence

    @property
    def timestamp_ns(self) -> int:
        return self.mark.timestamp_ns

    def _move(self, to: Message | Snapshot) -> int:
        """Move the mark; return the sequence before."""
        before = self.mark.sequence
        self.mark = Mark(to.sequence, to.timestamp_ns)
        return before


class BookSide:
    """One side of a book: lots by price, and the prices in order."""

    def __init__(self, *, is_bids: bool) -> None:
        self.lots: dict[int, int] = {}
        self._prices: list[int] = []  # ascending
        self._is_bids = is_bids

    @property
    def best(self) -> Level | None:
        if not self._prices:
            return None
        price_ticks = self._prices[-1 if self._is_bids else 0]
        return Level(price_ticks, self.lots[price_ticks])

    def levels(self, limit: int) -> list[Level]:
        """Return at most `limit` levels, best first."""
        prices = self._prices[-limit:][::-1] if self._is_bids else self._prices[:limit]
        return [Level(price, self.lots[price]) for price in prices]

    def apply(self, changes: Iterable[Level]) -> None:
        lots_by_price, prices = self.lots, self._prices
        for level in changes:
            price_ticks, lots = level.price_ticks, level.lots
            is_known = price_ticks in lots_by_price
            if lots:
                lots_by_price[price_ticks] = lots
                if not is_known:
                    insort(prices, price_ticks)
            elif is_known:
                del lots_by_price[price_ticks]
                del prices[bisect_left(prices, price_ticks)]

    def replace(self, levels: Sequence[Level]) -> list[Level]:
        """Hold these levels only; return what changed."""
        new = {level.price_ticks: level.lots for level in levels}
        changes = [level for level in levels if self.lots.get(level.price_ticks) != level.lots]
        changes += [Level(price_ticks, 0) for price_ticks in self.lots if price_ticks not in new]
        self.lots = new
        self._prices = sorted(new)
        return changes


class FeedBook(View):
    def __init__(self) -> None:
        super().__init__()
        self.bids = BookSide(is_bids=True)
        self.asks = BookSide(is_bids=False)

    def apply(self, message: DepthChanged) -> None:
        self.bids.apply(message.bids)
        self.asks.apply(message.asks)
        self._move(message)

    def replace(self, snapshot: DepthSnapshot) -> DepthChanged:
        bids = self.bids.replace(snapshot.bids)
        asks = self.asks.replace(snapshot.asks)
        before = self._move(snapshot)
        return DepthChanged(snapshot.sequence, before, snapshot.timestamp_ns, bids, asks)


class FeedTape(View):
    """The newest trades, oldest first."""

    def __init__(self) -> None:
        super().__init__()
        self.prints: deque[Print] = deque(maxlen=TAPE_PRINTS_MAX)

    def apply(self, message: TradesPrinted) -> None:
        self.prints.extend(message.prints)
        for amended in message.amended:
            amend_print(self.prints, amended)
        self._move(message)

    def replace(self, snapshot: TradesSnapshot) -> TradesPrinted:
        known = self.prints[-1].trade_id if self.prints else 0
        new = [trade for trade in snapshot.prints if trade.trade_id > known]
        old = {trade.trade_id: trade for trade in self.prints}
        amended = tuple(
            AmendedTrade(
                trade.trade_id,
                trade.price_ticks,
                0 if trade.is_busted else trade.lots,
                0 if trade.is_busted else trade.quote_units,
            )
            for trade in snapshot.prints
            if old.get(trade.trade_id, trade) != trade
        )
        self.prints = deque(snapshot.prints, maxlen=TAPE_PRINTS_MAX)
        before = self._move(snapshot)
        return TradesPrinted(snapshot.sequence, before, snapshot.timestamp_ns, new, amended)


class FeedCandles(View):
    """The newest candles of one interval, oldest first."""

    def __init__(self) -> None:
        super().__init__()
        self._by_open_time: dict[int, Candle] = {}

    @property
    def candles(self) -> list[Candle]:
        return list(self._by_open_time.values())

    def apply(self, message: CandlesChanged) -> None:
        for candle in message.candles:
            self._by_open_time[candle.open_time_ns] = candle
        while len(self._by_open_time) > CANDLES_MAX:
            del self._by_open_time[next(iter(self._by_open_time))]
        self._move(message)

    def replace(self, snapshot: CandlesSnapshot) -> CandlesChanged:
        old = self._by_open_time
        new = [candle for candle in snapshot.candles if old.get(candle.open_time_ns) != candle]
        self._by_open_time = {candle.open_time_ns: candle for candle in snapshot.candles}
        before = self._move(snapshot)
        return CandlesChanged(snapshot.sequence, before, snapshot.timestamp_ns, new)


class FeedTicker(View):
    """The last 24 hours; None before the first snapshot."""

    def __init__(self) -> None:
        super().__init__()
        self.ticker: Ticker | None = None

    def apply(self, message: TickerChanged) -> None:
        self.ticker = message.ticker
        self._move(message)

    def replace(self, snapshot: TickerSnapshot) -> TickerChanged:
        self.ticker = snapshot.ticker
        before = self._move(snapshot)
        return TickerChanged(snapshot.sequence, before, snapshot.timestamp_ns, snapshot.ticker)


class FeedStatus(View):
    """The phase, and what an auction would come to; None before the first snapshot."""

    def __init__(self) -> None:
        super().__init__()
        self.status: Status | None = None

    def apply(self, message: StatusChanged) -> None:
        self.status = message.status
        self._move(message)

    def replace(self, snapshot: StatusSnapshot) -> StatusChanged:
        self.status = snapshot.status
        before = self._move(snapshot)
        return StatusChanged(snapshot.sequence, before, snapshot.timestamp_ns, snapshot.status)
