"""The market data that the gateway's doors show and stream."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple, TypeVar

import hiredis
import msgspec
import structlog
from prometheus_client import Counter, Gauge

from gateway.edge import background
from gateway.edge.redis_cluster_link import FeedLink, connect_feed
from gateway.market_channel import ChannelReader
from gateway.market_view import FeedBook, FeedCandles, FeedStatus, FeedTape, FeedTicker
from vocabulary.market_data import (
    CANDLE_INTERVALS_SECONDS,
    CHANNEL_PREFIX,
    HEARTBEAT_CHANNEL,
    HEARTBEAT_INTERVAL_S,
    CandlesChanged,
    CandlesSnapshot,
    DepthChanged,
    DepthSnapshot,
    Heartbeat,
    Message,
    Snapshot,
    StatusChanged,
    StatusSnapshot,
    TickerChanged,
    TickerSnapshot,
    TradesPrinted,
    TradesSnapshot,
    channel,
    snapshot_key,
)

REFILL_INTERVAL_S = 0.05
STALE_AFTER_S = 3 * HEARTBEAT_INTERVAL_S
BACKOFF_MIN_S = 0.05
BACKOFF_MAX_S = 1.0
# A gateway has orders to see to as well: it decodes no more snapshots than these at a stretch.
SNAPSHOTS_AT_ONCE = 8

MESSAGES = Counter("agio_gateway_feed_messages", "Market-data messages received")
GAPS = Counter("agio_gateway_feed_gaps", "Gaps found in market-data channels")
REFILLS = Counter("agio_gateway_feed_refills", "Gaps filled from a snapshot")
UNREADABLE = Counter("agio_gateway_feed_unreadable", "Messages and snapshots that did not decode")
LAG_SECONDS = Gauge("agio_gateway_feed_lag_seconds", "Age of the newest heartbeat on arrival")

log = structlog.get_logger("gateway")

T = TypeVar("T")
OnUpdate = Callable[[str, str, Message], None]


class _Channel(NamedTuple):
    kind: str
    symbol: str
    key: str
    reader: ChannelReader[Any, Any]
    message: msgspec.msgpack.Decoder[Message]
    snapshot: msgspec.msgpack.Decoder[Snapshot]


_DECODERS: dict[str, tuple[msgspec.msgpack.Decoder[Any], msgspec.msgpack.Decoder[Any]]] = {
    kind: (msgspec.msgpack.Decoder(message), msgspec.msgpack.Decoder(snapshot))
    for kind, message, snapshot in (
        ("depth", DepthChanged, DepthSnapshot),
        ("trades", TradesPrinted, TradesSnapshot),
        ("candles", CandlesChanged, CandlesSnapshot),
        ("ticker", TickerChanged, TickerSnapshot),
        ("status", StatusChanged, StatusSnapshot),
    )
}
_HEARTBEAT_DECODER = msgspec.msgpack.Decoder(Heartbeat)


class MarketFeed:
    """Books, tapes, candles, tickers and statuses of the tracked symbols, kept right from Redis.

    `on_update(kind, symbol, message)` is called for each change, after the view holds it. Over a
    gap it is called with one message that leads from the state before to the state after, so that
    whoever passes messages on stays right without noticing. A symbol's first snapshot is no
    change. `kind` is one of `vocabulary.market_data.KINDS`.

    While Redis is away the views stay as they were, and `ready` is False.
    """

    def __init__(self, redis_url: str, on_update: OnUpdate) -> None:
        self.books: dict[str, FeedBook] = {}
        self.tapes: dict[str, FeedTape] = {}
        self.candles: dict[tuple[str, str], FeedCandles] = {}
        self.tickers: dict[str, FeedTicker] = {}
        self.statuses: dict[str, FeedStatus] = {}
        self._redis_url = redis_url
        self._on_update = on_update
        self._channels: dict[bytes, _Channel] = {}
        self._link: FeedLink | None = None
        self._heartbeat_s = float("-inf")  # when one came last
        self._counted = 0, 0  # gaps and refills, in the metrics
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Return at once; Redis may come later."""
        self._task = background.start(self._run(), "market feed")

    async def stop(self) -> None:
        await background.stop(self._task)

    def track(self, symbol: str) -> None:
        """Follow a symbol from now on, if not followed already."""
        if symbol in self.books:
            return
        self.books[symbol] = FeedBook()
        self.tapes[symbol] = FeedTape()
        self.tickers[symbol] = FeedTicker()
        self.statuses[symbol] = FeedStatus()
        names = [
            self._add("status", symbol, ChannelReader(self.statuses[symbol])),
            self._add("depth", symbol, ChannelReader(self.books[symbol])),
            self._add("trades", symbol, ChannelReader(self.tapes[symbol])),
            self._add("ticker", symbol, ChannelReader(self.tickers[symbol])),
        ]
        for interval in CANDLE_INTERVALS_SECONDS:
            view = self.candles[symbol, interval] = FeedCandles()
            names.append(self._add(f"candles:{interval}", symbol, ChannelReader(view)))
        if self._link is not None and not self._link.closed.is_set():
            self._link.subscribe(names)

    @property
    def link(self) -> FeedLink | None:
        """The connection to Redis while there is one, for what else is kept there."""
        return self._link

    @property
    def ready(self) -> bool:
        """Whether all views are filled and whole, and the publisher is heard."""
        return self._is_heard() and not any(
            one.reader.needs_snapshot for one in self._channels.values()
        )

    @property
    def gaps(self) -> int:
        return sum(one.reader.gaps for one in self._channels.values())

    @property
    def refills(self) -> int:
        return sum(one.reader.refills for one in self._channels.values())

    def health(self) -> dict[str, object]:
        return {
            "ready": self.ready,
            "redis_connected": self._link is not None,
            "publisher_heard": self._is_heard(),
            "gaps": self.gaps,
            "refills": self.refills,
            "sequences": {symbol: book.sequence for symbol, book in self.books.items()},
        }

    def _add(self, kind: str, symbol: str, reader: ChannelReader[Any, Any]) -> str:
        name = channel(kind, symbol)
        decoders = _DECODERS[kind.partition(":")[0]]
        self._channels[name.encode()] = _Channel(
            kind, symbol, snapshot_key(name), reader, *decoders
        )
        return name

    def _is_heard(self) -> bool:
        is_fresh = time.monotonic() - self._heartbeat_s < STALE_AFTER_S
        return self._link is not None and is_fresh

    async def _run(self) -> None:
        """Keep a connection to Redis."""
        backoff_s = BACKOFF_MIN_S
        while True:
            try:
                self._link = await connect_feed(self._redis_url, self._receive)
                backoff_s = BACKOFF_MIN_S
                self._heartbeat_s = float("-inf")  # until then it's unknown what was missed
                names = [name.decode() for name in self._channels]
                self._link.subscribe([HEARTBEAT_CHANNEL, *names])
                await self._refill(self._link)
            except (OSError, TimeoutError, hiredis.HiredisError) as error:
                reason = f"{type(error).__name__}: {error}"
                log.warning("Redis failed", reason=reason, retry_in_s=backoff_s)
            finally:
                if self._link is not None:
                    self._link.close()
                    self._link = None
            await asyncio.sleep(backoff_s)
            backoff_s = min(backoff_s * 2, BACKOFF_MAX_S)

    async def _refill(self, link: FeedLink) -> None:
        """Bring snapshots where they are needed, until the connection fails."""
        ping_due_s = 0.0
        while not link.closed.is_set():
            needing = [one for one in self._channels.values() if one.reader.needs_snapshot]
            for start in range(0, len(needing), SNAPSHOTS_AT_ONCE):
                chunk = needing[start : start + SNAPSHOTS_AT_ONCE]
                replies = await link.fetch([one.key for one in chunk])
                for one, data in zip(chunk, replies, strict=True):
                    snapshot = None if data is None else _decode(one.snapshot, data)
                    if snapshot is not None:
                        self._hand_up(one, one.reader.receive_snapshot(snapshot))
            self._count()
            if time.monotonic() >= ping_due_s:  # a dead peer may leave the connection standing
                await link.ping()
                ping_due_s = time.monotonic() + HEARTBEAT_INTERVAL_S
            with suppress(TimeoutError):
                async with asyncio.timeout(REFILL_INTERVAL_S):
                    await link.closed.wait()

    def _receive(self, name: bytes, data: bytes) -> None:
        MESSAGES.inc()
        one = self._channels.get(name)
        if one is None:
            self._receive_heartbeat(data)
        elif (message := _decode(one.message, data)) is not None:
            self._hand_up(one, one.reader.receive(message))

    def _receive_heartbeat(self, data: bytes) -> None:
        heartbeat = _decode(_HEARTBEAT_DECODER, data)
        if heartbeat is None:
            return
        self._heartbeat_s = time.monotonic()
        LAG_SECONDS.set((time.time_ns() - heartbeat.timestamp_ns) / 1e9)
        for name, mark in heartbeat.marks.items():
            one = self._channels.get(f"{CHANNEL_PREFIX}{name}".encode())
            if one is not None:
                one.reader.receive_heartbeat(mark)

    def _count(self) -> None:
        gaps, refills = self.gaps, self.refills
        GAPS.inc(gaps - self._counted[0])
        REFILLS.inc(refills - self._counted[1])
        self._counted = gaps, refills

    def _hand_up(self, one: _Channel, messages: list[Message]) -> None:
        for message in messages:
            self._on_update(one.kind, one.symbol, message)


def _decode(decoder: msgspec.msgpack.Decoder[T], data: bytes) -> T | None:
    """Return what was decoded; None, as if it had not come, if it can't be."""
    try:
        return decoder.decode(data)
    except msgspec.MsgspecError:
        UNREADABLE.inc()
        return None
