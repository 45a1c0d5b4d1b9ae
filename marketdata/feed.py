"""The feed: from records to what is due on Redis."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

import msgspec

from marketdata.candles import Candles
from marketdata.channel import Channel, Source, Writes
from marketdata.depth import Depth
from marketdata.status import StatusSource
from marketdata.tape import Tape
from marketdata.ticker import RollingTicker
from vocabulary import events as e
from vocabulary.codec import Record
from vocabulary.excerpt import Excerpt
from vocabulary.market_data import CANDLE_INTERVALS_SECONDS, CHANNEL_PREFIX, Heartbeat

SECOND_NS = 1_000_000_000

StatusEvent = e.PhaseChanged | e.IndicativePriceChanged
BookEvent = e.OrderRested | e.OrderRefreshed | e.OrderReplaced | e.OrderCanceled | e.MatchPrevented
FEED_EVENTS = {
    e.InstrumentListed,
    e.TradeExecuted,
    e.AuctionTradeExecuted,
    e.TradeBusted,
    e.TradeCorrected,
    *get_args(StatusEvent),
    *get_args(BookEvent),
}


class InstrumentFeed:
    """One instrument's depth, tape, ticker, candles and status, and their channels."""

    def __init__(self, symbol: str, sequence: int, timestamp_ns: int) -> None:
        def open_channel(kind: str, source: Source) -> Channel:
            return Channel(kind, symbol, source, sequence, timestamp_ns)

        self._depth = Depth()
        self._tape = Tape()
        self._ticker = RollingTicker()
        self._status = StatusSource()
        self._status_channel = open_channel("status", self._status)
        self._depth_channel = open_channel("depth", self._depth)
        self._ticker_channel = open_channel("ticker", self._ticker)
        self._candle_channels = [
            (candles := Candles(seconds * SECOND_NS), open_channel(f"candles:{name}", candles))
            for name, seconds in CANDLE_INTERVALS_SECONDS.items()
        ]
        self._tape_channel = open_channel("trades", self._tape)
        self._trade_channels = [
            self._tape_channel,
            *(channel for _, channel in self._candle_channels),
            self._ticker_channel,
        ]
        # A trade is told before the change of the book that it made, a phase before the crossed
        # book that it allows.
        self.channels = [*self._trade_channels, self._status_channel, self._depth_channel]

    def apply(self, event: BookEvent | e.TradeExecuted, sequence: int, timestamp_ns: int) -> None:
        if self._depth.apply(event):
            self._depth_channel.touch(sequence, timestamp_ns)
        if isinstance(event, e.TradeExecuted):
            self._tape.print(event, timestamp_ns)
            self._ticker.add(event, timestamp_ns)
            for candles, _ in self._candle_channels:
                candles.add(event, timestamp_ns)
            for channel in self._trade_channels:
                channel.touch(sequence, timestamp_ns)

    def apply_status(self, event: StatusEvent, sequence: int, timestamp_ns: int) -> None:
        self._status.apply(event)
        is_phase = isinstance(event, e.PhaseChanged)
        self._status_channel.touch(sequence, timestamp_ns, is_urgent=is_phase)

    def amend(self, event: e.TradeBusted, sequence: int, timestamp_ns: int) -> None:
        """Mark a trade on the tape. Candles and ticker stay: prices of the past do not change."""
        self._tape.amend(event)
        self._tape_channel.touch(sequence, timestamp_ns)

    def tick(self, now_ns: int) -> bool:
        """Let time pass; return whether it changed anything."""
        passed = [channel for candles, channel in self._candle_channels if candles.tick(now_ns)]
        if self._ticker.tick(now_ns):
            passed.append(self._ticker_channel)
        for channel in passed:
            channel.pass_time(now_ns)
        return bool(passed)


class Feed:
    """All instruments, as of the records applied."""

    def __init__(self) -> None:
        self.sequence = 0
        self._instruments: dict[int, InstrumentFeed] = {}
        self._by_symbol: dict[str, InstrumentFeed] = {}
        # Those with something to write, in the order in which they changed.
        self._unwritten: dict[InstrumentFeed, None] = {}

    def apply(self, record: Record | Excerpt) -> None:
        sequence, timestamp_ns = record.sequence, record.timestamp_ns
        for event in record.events:
            if isinstance(event, e.TradeExecuted | BookEvent):
                instrument = self._instruments[event.instrument_id]
                instrument.apply(event, sequence, timestamp_ns)
                self._unwritten[instrument] = None
            elif isinstance(event, StatusEvent):
                instrument = self._instruments[event.instrument_id]
                instrument.apply_status(event, sequence, timestamp_ns)
                self._unwritten[instrument] = None
            elif isinstance(event, e.TradeBusted):
                instrument = self._instruments[event.instrument_id]
                instrument.amend(event, sequence, timestamp_ns)
                self._unwritten[instrument] = None
            elif isinstance(event, e.InstrumentListed):
                symbol = event.symbol.decode("ascii")
                instrument = InstrumentFeed(symbol, sequence, timestamp_ns)
                self._instruments[event.instrument_id] = instrument
                self._by_symbol[symbol] = instrument
                self._unwritten[instrument] = None
        self.sequence = max(sequence, self.sequence)  # instruments may be told one behind another

    def tick(self, now_ns: int) -> None:
        """Let time pass: candles close, old trades leave the tickers. `now_ns` is UTC."""
        for instrument in self._instruments.values():
            if instrument.tick(now_ns):
                self._unwritten[instrument] = None

    def begin(self) -> None:
        """Begin to tell: what was applied so far is in the first snapshots, and in no message."""
        for channel in self._channels():
            channel.begin()
        self.rewrite_snapshots()

    def rewrite_snapshots(self) -> None:
        """Let the next writes hold every snapshot, as Redis may have lost them."""
        for channel in self._channels():
            channel.rewrite_snapshot()
        self._unwritten = dict.fromkeys(self._instruments.values())

    def take_writes(self, now_ns: int) -> Writes:
        """Return what is due at `now_ns`, of a clock that never goes back."""
        writes = Writes([], [])
        for instrument in list(self._unwritten):
            left = [channel.write(now_ns, writes) for channel in instrument.channels]
            if not any(left):
                del self._unwritten[instrument]
        return writes

    def heartbeat(self, now_ns: int, symbol: str | None = None) -> bytes:
        """Return where every channel, or each of one symbol, stands, as MessagePack."""
        instruments = self._by_symbol.values() if symbol is None else [self._by_symbol[symbol]]
        marks = {
            channel.name.removeprefix(CHANNEL_PREFIX): channel.mark
            for one in instruments
            for channel in one.channels
        }
        return msgspec.msgpack.encode(Heartbeat(now_ns, marks))

    def snapshot_keys(self) -> dict[str, list[str]]:
        """Return the snapshots' keys by symbol."""
        return {
            symbol: [channel.key for channel in one.channels]
            for symbol, one in self._by_symbol.items()
        }

    def _channels(self) -> Iterator[Channel]:
        return (channel for one in self._instruments.values() for channel in one.channels)
