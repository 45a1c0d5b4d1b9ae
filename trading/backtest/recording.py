"""The rows that are replayed: their numbers by column, and the event that a row is."""

from trading.backtest.columns import CHANGE, RESET, TIME, TRADE, Columns
from trading.events import (
    BookChanged,
    BookReset,
    FeedLost,
    InstrumentDefined,
    Level,
    MarketEvent,
    TimePassed,
    TradePrinted,
)


class Recording:
    """The columns under way; see `trading.backtest.columns.Columns`."""

    def __init__(self, columns: Columns) -> None:
        self.load(columns)

    def load(self, columns: Columns) -> None:
        """Go on with the columns that come next."""
        self.symbol = columns.symbol
        self.told = columns.told
        self.rows = len(columns)
        self.kind = columns.kind.data
        self.source_sequence = columns.source_sequence.data
        self.exchange_ns = columns.exchange_ns.data
        self.received_ns = columns.received_ns.data
        self.trade_id = columns.trade_id.data
        self.begin = columns.begin.data
        self.middle = columns.middle.data
        self.end = columns.end.data
        self.price_ticks = columns.price_ticks.data
        self.lots = columns.lots.data

    def event(self, row: int, stream_sequence: int) -> MarketEvent:
        """Return the event of a row, in another place of another stream."""
        kind = self.kind[row]
        symbol = self.symbol
        sequence = self.source_sequence[row]
        exchange_ns = self.exchange_ns[row]
        received_ns = self.received_ns[row]
        if kind == CHANGE:
            bids = self.levels(self.begin[row], self.middle[row])
            asks = self.levels(self.middle[row], self.end[row])
            return BookChanged(
                stream_sequence, symbol, sequence, exchange_ns, received_ns, bids, asks
            )
        if kind == TRADE:
            at = self.begin[row]
            return TradePrinted(
                stream_sequence,
                symbol,
                sequence,
                exchange_ns,
                received_ns,
                self.trade_id[row],
                self.price_ticks[at],
                self.lots[at],
                self.middle[row] == self.end[row],
            )
        if kind == TIME:
            return TimePassed(stream_sequence, symbol, sequence, exchange_ns, received_ns)
        if kind == RESET:
            bids = self.levels(self.begin[row], self.middle[row])
            asks = self.levels(self.middle[row], self.end[row])
            return BookReset(
                stream_sequence, symbol, sequence, exchange_ns, received_ns, bids, asks
            )
        told = self.told[row]
        assert isinstance(told, InstrumentDefined | FeedLost)
        place = (stream_sequence, symbol, sequence, exchange_ns, received_ns)
        if isinstance(told, FeedLost):
            return FeedLost(*place, told.reason)
        sizes = (told.tick_mantissa, told.tick_scale, told.lot_mantissa, told.lot_scale)
        return InstrumentDefined(*place, told.base, told.quote, *sizes)

    def levels(self, begin: int, end: int) -> tuple[Level, ...]:
        if end == begin:
            return ()
        if end == begin + 1:
            return (Level(self.price_ticks[begin], self.lots[begin]),)
        return tuple([Level(self.price_ticks[at], self.lots[at]) for at in range(begin, end)])
