"""What the stream says of a symbol's market: the book, the last trade, the instrument, the time.

Runs compiled where there is a compiler (`agio.hot_paths`): the C types stand in `market.pxd`.
"""

from bisect import bisect_left, insort

from trading.alpha.snapshot import SavedMarket
from trading.events import (
    AnyEvent,
    BookChanged,
    BookReset,
    FeedLost,
    InstrumentDefined,
    Level,
    PhaseChanged,
    TradePrinted,
)
from vocabulary.types import TradingPhase

INSTRUMENT_FIELDS = InstrumentDefined.__struct_fields__[5:]


class BookSide:
    """The price levels of one side. `sign` is 1 for bids, -1 for asks.

    `best_ticks` and `best_lots` are 0 while the side is empty. `keys` are the prices in ascending
    order, those of asks negated, so that the best one stands last.
    """

    def __init__(self, sign: int) -> None:
        self.sign = sign
        self.lots: dict[int, int] = {}
        self.keys: list[int] = []
        self.best_ticks = 0
        self.best_lots = 0

    def apply(self, levels: tuple[Level, ...]) -> None:
        """Take changed levels in. One of 0 lots goes; that it was not there is no fault."""
        known = self.lots
        for level in levels:
            price_ticks = level.price_ticks
            lots = level.lots
            if lots == 0:
                if known.pop(price_ticks, None) is not None:
                    self._remove(price_ticks)
                continue
            count = len(known)
            known[price_ticks] = lots
            ticks = price_ticks
            if len(known) != count:
                insort(self.keys, self.sign * ticks)
            # The common case is a level behind the best one: nothing is to be looked up then.
            if self.best_ticks == 0 or self.sign * ticks >= self.sign * self.best_ticks:
                self.best_ticks = ticks
                self.best_lots = lots

    def clear(self) -> None:
        self.lots.clear()
        self.keys.clear()
        self.best_ticks = 0
        self.best_lots = 0

    def levels(self) -> tuple[Level, ...]:
        """Return all levels, best first."""
        prices = [self.sign * key for key in reversed(self.keys)]
        return tuple([Level(price_ticks, self.lots[price_ticks]) for price_ticks in prices])

    def _remove(self, price_ticks: int) -> None:
        key = self.sign * price_ticks
        if key != self.keys[-1]:
            del self.keys[bisect_left(self.keys, key)]
            return
        self.keys.pop()
        best = self.sign * self.keys[-1] if self.keys else 0
        self.best_ticks = best
        self.best_lots = self.lots[best] if best else 0


class Market:
    """One symbol. Prices are ticks and quantities lots; what is not known (yet) is 0.

    `sequence` is the stream_sequence of the last event, `now_ns` its received_ns: the only clock
    that a strategy has. The book is empty while it is not in sync: from the beginning to the first
    `BookReset`, and from a `FeedLost`, or a phase without trading, to the next. `middle_half_ticks`
    is the best bid plus the best ask, the middle of the book in half ticks, so that it is exact.
    """

    def __init__(self, symbol: str) -> None:
        self.symbol = symbol
        self.sequence = 0
        self.now_ns = 0
        self.instrument: tuple[str | int, ...] = ()
        self.is_in_sync = False
        self.bids = BookSide(1)
        self.asks = BookSide(-1)
        self.middle_half_ticks = 0
        self.trade_id = 0
        self.trade_price_ticks = 0
        self.trade_lots = 0
        self.buyer_was_maker = False

    def apply(self, event: AnyEvent) -> None:
        """Take the symbol's next event in."""
        self.sequence = event.stream_sequence
        self.now_ns = event.received_ns
        if type(event) is BookChanged:
            if self.is_in_sync:
                self._change(event.bids, event.asks)
        elif type(event) is TradePrinted:
            self._print(event)
        elif type(event) is BookReset:
            self.bids.clear()
            self.asks.clear()
            self._change(event.bids, event.asks)
            self.is_in_sync = True
        elif type(event) is FeedLost or (
            type(event) is PhaseChanged and event.phase is not TradingPhase.TRADING
        ):
            self.bids.clear()
            self.asks.clear()
            self.middle_half_ticks = 0
            self.is_in_sync = False
        elif type(event) is InstrumentDefined:
            self.instrument = tuple([getattr(event, name) for name in INSTRUMENT_FIELDS])

    def save(self) -> SavedMarket:
        """Return all of it: equal markets give equal ones."""
        return SavedMarket(
            self.sequence,
            self.now_ns,
            self.instrument,
            self.is_in_sync,
            self.bids.levels(),
            self.asks.levels(),
            self.trade_id,
            self.trade_price_ticks,
            self.trade_lots,
            self.buyer_was_maker,
        )

    def load(self, saved: SavedMarket) -> None:
        """Become what `save` returned."""
        self.sequence = saved.sequence
        self.now_ns = saved.now_ns
        self.instrument = saved.instrument
        self.is_in_sync = saved.is_in_sync
        self.bids.clear()
        self.asks.clear()
        self._change(saved.bids, saved.asks)
        self.trade_id = saved.trade_id
        self.trade_price_ticks = saved.trade_price_ticks
        self.trade_lots = saved.trade_lots
        self.buyer_was_maker = saved.buyer_was_maker

    def _change(self, bids: tuple[Level, ...], asks: tuple[Level, ...]) -> None:
        if bids:
            self.bids.apply(bids)
        if asks:
            self.asks.apply(asks)
        bid_ticks = self.bids.best_ticks
        ask_ticks = self.asks.best_ticks
        self.middle_half_ticks = bid_ticks + ask_ticks if bid_ticks and ask_ticks else 0

    def _print(self, event: TradePrinted) -> None:
        self.trade_id = event.trade_id
        self.trade_price_ticks = event.price_ticks
        self.trade_lots = event.lots
        self.buyer_was_maker = event.buyer_is_maker
