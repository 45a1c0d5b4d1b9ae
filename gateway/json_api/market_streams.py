"""Who subscribed to which market data stream, and the frames on their way there.

A frame is made once per message. Until `flush` they gather, so that a subscriber gets all that one
wakeup brought in one piece.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from websockets.frames import Frame, Opcode

from gateway.json_api import streams
from gateway.json_api.streams import Stream, StreamKind
from gateway.market_view import FeedBook, FeedStatus
from vocabulary.catalogue import Catalogue
from vocabulary.instrument import Instrument
from vocabulary.market_data import (
    CandlesChanged,
    DepthChanged,
    StatusChanged,
    TickerChanged,
    TradesPrinted,
)

_TOLD_BY = {
    "depth": (StreamKind.DEPTH, StreamKind.BOOK_TICKER),
    "trades": (StreamKind.TRADE, StreamKind.AGGREGATE_TRADE),
}


class Subscriber(Protocol):
    """A connection. `wants_combined`: it was opened on `/stream`."""

    wants_combined: bool

    def send_frames(self, frames: bytes) -> None: ...


class _Channel:
    """A stream under one of its names."""

    __slots__ = ("combined", "combined_frames", "frames", "name", "plain")

    def __init__(self, name: str) -> None:
        self.name = name
        self.plain: set[Subscriber] = set()
        self.combined: set[Subscriber] = set()
        self.frames: list[bytes] = []
        self.combined_frames: list[bytes] = []

    def subscribers(self, subscriber: Subscriber) -> set[Subscriber]:
        return self.combined if subscriber.wants_combined else self.plain

    def add(self, payload: bytes) -> None:
        if self.plain:
            self.frames.append(text_frame(payload))
        if self.combined:
            self.combined_frames.append(text_frame(streams.combined(self.name, payload)))

    def flush(self) -> None:
        if self.frames:
            joined = b"".join(self.frames)
            self.frames.clear()
            for subscriber in self.plain:
                subscriber.send_frames(joined)
        if self.combined_frames:
            joined = b"".join(self.combined_frames)
            self.combined_frames.clear()
            for subscriber in self.combined:
                subscriber.send_frames(joined)


class MarketStreams:
    """Turns the feed's updates into frames for those who subscribed.

    `books` and `statuses` hold the feed's views. The best prices go out as they are at the flush,
    not once for every change on the way there. A status goes out as it is to who subscribes, since
    it may stay so for a long time.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        books: Mapping[str, FeedBook],
        statuses: Mapping[str, FeedStatus],
    ) -> None:
        self._catalogue = catalogue
        self._books = books
        self._statuses = statuses
        self._untold: list[tuple[Subscriber, _Channel, str]] = []
        self._channels: dict[str, _Channel] = {}
        self._by_stream: dict[Stream, list[_Channel]] = {}
        self._waiting: dict[_Channel, None] = {}
        self._changed_books: set[str] = set()
        self._best: dict[str, tuple[object, object]] = {}
        self._handlers: dict[type[Any], Callable[[Instrument, str, Any], None]] = {
            DepthChanged: self._on_depth,
            TradesPrinted: self._on_trades,
            TickerChanged: self._on_ticker,
            CandlesChanged: self._on_candles,
            StatusChanged: self._on_status,
        }

    def stream(self, name: str) -> Stream | None:
        """Return the stream of a name; None if the name or its symbol is unknown."""
        stream = streams.parse_stream(name)
        if stream is None or stream.symbol not in self._catalogue.instrument_by_symbol:
            return None
        return stream

    def subscribe(self, subscriber: Subscriber, name: str, stream: Stream) -> None:
        channel = self._channels.get(name)
        if channel is None:
            channel = self._channels[name] = _Channel(name)
            self._by_stream.setdefault(stream, []).append(channel)
        channel.subscribers(subscriber).add(subscriber)
        if stream.kind is StreamKind.STATUS:
            self._untold.append((subscriber, channel, stream.symbol))

    def unsubscribe(self, subscriber: Subscriber, name: str, stream: Stream) -> None:
        channel = self._channels[name]
        channel.subscribers(subscriber).discard(subscriber)
        if not channel.plain and not channel.combined:
            del self._channels[name]
            self._waiting.pop(channel, None)
            self._by_stream[stream].remove(channel)
            if not self._by_stream[stream]:
                del self._by_stream[stream]

    def on_update(self, kind: str, symbol: str, message: object) -> None:
        """Take a change of the feed in. `kind` is the channel's: depth, candles:1m, ..."""
        instrument = self._catalogue.instrument_by_symbol.get(symbol)
        if instrument is not None and self._by_stream:
            self._handlers[type(message)](instrument, kind, message)

    def has_subscribers(self, kind: str, symbol: str) -> bool:
        """Say whether anyone is told of a change of the book (`depth`) or the tape (`trades`)."""
        return any(Stream(symbol, each) in self._by_stream for each in _TOLD_BY.get(kind, ()))

    def flush(self) -> None:
        """Hand everything gathered to the subscribers."""
        if self._untold:
            self._tell_statuses()
        for symbol in self._changed_books:
            self._publish_best(self._catalogue.instrument_by_symbol[symbol])
        self._changed_books.clear()
        self._flush_channels()

    def _flush_channels(self) -> None:
        for channel in self._waiting:
            channel.flush()
        self._waiting.clear()

    def _on_depth(self, instrument: Instrument, _: str, message: DepthChanged) -> None:
        if self._is_wanted(instrument, StreamKind.DEPTH):
            self._publish(instrument, StreamKind.DEPTH, streams.depth_update(instrument, message))
        if self._is_wanted(instrument, StreamKind.BOOK_TICKER):
            self._changed_books.add(instrument.symbol)

    def _on_trades(self, instrument: Instrument, _: str, message: TradesPrinted) -> None:
        if self._is_wanted(instrument, StreamKind.TRADE):
            for each in message.prints:
                self._publish(instrument, StreamKind.TRADE, streams.trade(instrument, each))
        if self._is_wanted(instrument, StreamKind.AGGREGATE_TRADE):
            for each in message.prints:
                payload = streams.aggregate_trade(instrument, each)
                self._publish(instrument, StreamKind.AGGREGATE_TRADE, payload)
        for amended in message.amended:
            payload = streams.trade_amendment(instrument, amended, message.timestamp_ns)
            self._publish(instrument, StreamKind.AMENDMENT, payload)

    def _on_ticker(self, instrument: Instrument, _: str, message: TickerChanged) -> None:
        if self._is_wanted(instrument, StreamKind.TICKER):
            book = self._books[instrument.symbol]
            payload = streams.ticker(
                instrument, message.ticker, message.timestamp_ns, book.bids.best, book.asks.best
            )
            self._publish(instrument, StreamKind.TICKER, payload)

    def _on_candles(self, instrument: Instrument, kind: str, message: CandlesChanged) -> None:
        interval = kind.partition(":")[2]
        if self._is_wanted(instrument, StreamKind.KLINE, interval):
            for candle in message.candles:
                payload = streams.kline(instrument, interval, candle, message.timestamp_ns)
                self._publish(instrument, StreamKind.KLINE, payload, interval)

    def _on_status(self, instrument: Instrument, _: str, message: StatusChanged) -> None:
        if self._is_wanted(instrument, StreamKind.STATUS):
            self._flush_channels()  # a phase parts the books before it from those behind it
            self._publish(instrument, StreamKind.STATUS, streams.status(instrument, message))
            self._flush_channels()

    def _tell_statuses(self) -> None:
        """Tell new subscribers the status, as soon as it is known."""
        untold, self._untold = self._untold, []
        for subscriber, channel, symbol in untold:
            if subscriber not in channel.subscribers(subscriber):
                continue
            view = self._statuses[symbol]
            if view.status is None:
                self._untold.append((subscriber, channel, symbol))
                continue
            change = StatusChanged(view.sequence, view.sequence, view.timestamp_ns, view.status)
            payload = streams.status(self._catalogue.instrument_by_symbol[symbol], change)
            if subscriber.wants_combined:
                payload = streams.combined(channel.name, payload)
            subscriber.send_frames(text_frame(payload))

    def _publish_best(self, instrument: Instrument) -> None:
        symbol = instrument.symbol
        book = self._books[symbol]
        best = (book.bids.best, book.asks.best)
        if self._best.get(symbol) != best:
            self._best[symbol] = best
            payload = streams.book_ticker(instrument, book.sequence, *best)
            self._publish(instrument, StreamKind.BOOK_TICKER, payload)

    def _is_wanted(self, instrument: Instrument, kind: StreamKind, interval: str = "") -> bool:
        return Stream(instrument.symbol, kind, interval) in self._by_stream

    def _publish(
        self, instrument: Instrument, kind: StreamKind, payload: bytes, interval: str = ""
    ) -> None:
        for channel in self._by_stream.get(Stream(instrument.symbol, kind, interval), ()):
            channel.add(payload)
            self._waiting[channel] = None


def text_frame(payload: bytes) -> bytes:
    """Return a WebSocket text frame as a server sends it: whole and not masked."""
    return Frame(Opcode.TEXT, payload).serialize(mask=False)
