"""The ticker: the last 24 hours in one line."""

from __future__ import annotations

from collections import deque

from marketdata.candles import Bar
from vocabulary.events import TradeExecuted
from vocabulary.market_data import Ticker, TickerChanged, TickerSnapshot

MINUTE_NS = 60_000_000_000
WINDOW_NS = 24 * 60 * MINUTE_NS


class RollingTicker:
    """One instrument's last 24 hours: the current minute of UTC and the 1,439 before it."""

    def __init__(self) -> None:
        self._minutes: deque[Bar] = deque()
        self._window_end_ns = 0
        self._last_ticks = self._last_lots = 0
        self._high_ticks = self._low_ticks = 0
        self._lots = self._quote_units = self._trades = 0
        self._changed = False

    def add(self, trade: TradeExecuted, timestamp_ns: int) -> None:
        """Count a trade. Times never go back, but `tick` may have been called with a later one."""
        self.tick(timestamp_ns)
        price_ticks = trade.price_ticks
        if self._minutes and timestamp_ns - self._minutes[-1].open_time_ns < MINUTE_NS:
            self._minutes[-1].add(trade)
        else:
            if not self._minutes:
                self._high_ticks = self._low_ticks = price_ticks
            self._minutes.append(Bar(timestamp_ns - timestamp_ns % MINUTE_NS, trade))
        self._high_ticks = max(self._high_ticks, price_ticks)
        self._low_ticks = min(self._low_ticks, price_ticks)
        self._last_ticks, self._last_lots = price_ticks, trade.quantity_lots
        self._lots += trade.quantity_lots
        self._quote_units += trade.quote_units
        self._trades += 1
        self._changed = True

    def tick(self, now_ns: int) -> bool:
        """Move on to the minute that it is now; return whether that changed the ticker."""
        if now_ns < self._window_end_ns:
            return False
        self._window_end_ns = now_ns - now_ns % MINUTE_NS + MINUTE_NS
        if self._last_ticks == 0:
            return False
        self._drop(self._window_end_ns - WINDOW_NS)
        self._changed = True
        return True

    def take(
        self, sequence: int, previous_sequence: int, timestamp_ns: int
    ) -> TickerChanged | None:
        """Return the ticker if it changed since the last call."""
        if not self._changed:
            return None
        self._changed = False
        return TickerChanged(sequence, previous_sequence, timestamp_ns, self._ticker(timestamp_ns))

    def snapshot(self, sequence: int, timestamp_ns: int) -> TickerSnapshot:
        return TickerSnapshot(sequence, timestamp_ns, self._ticker(timestamp_ns))

    def _drop(self, window_start_ns: int) -> None:
        minutes = self._minutes
        if not minutes or minutes[0].open_time_ns >= window_start_ns:
            return
        while minutes and minutes[0].open_time_ns < window_start_ns:
            gone = minutes.popleft()
            self._lots -= gone.lots
            self._quote_units -= gone.quote_units
            self._trades -= gone.trades
        self._high_ticks = max((bar.high_ticks for bar in minutes), default=self._last_ticks)
        self._low_ticks = min((bar.low_ticks for bar in minutes), default=self._last_ticks)

    def _ticker(self, timestamp_ns: int) -> Ticker:
        minutes = self._minutes
        return Ticker(
            open_time_ns=max(self._window_end_ns - WINDOW_NS, 0),
            close_time_ns=timestamp_ns,
            open_ticks=minutes[0].open_ticks if minutes else self._last_ticks,
            high_ticks=self._high_ticks,
            low_ticks=self._low_ticks,
            last_ticks=self._last_ticks,
            last_lots=self._last_lots,
            lots=self._lots,
            quote_units=self._quote_units,
            trades=self._trades,
            first_trade_id=minutes[0].first_trade_id if minutes else 0,
            last_trade_id=minutes[-1].last_trade_id if minutes else 0,
        )
