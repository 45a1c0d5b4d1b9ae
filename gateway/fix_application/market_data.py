"""Market data over FIX: what is asked for, and the snapshots and changes that follow.

A subscription gets a MarketDataSnapshotFullRefresh(W) for each symbol, then, as it asked, either a
MarketDataIncrementalRefresh(X) with what has changed or W anew. RptSeq(83) counts the changes of
a symbol's book at one depth: W has the number of the last one that it holds, each entry of X its
own. Trades have TradeID(1003), which rises by one from trade to trade of a symbol.

Nothing is resent: after a gap a client asks for a new snapshot. FIX 4.4 vol. 3, "Market Data".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from gateway.fix import tags, values
from gateway.fix.codec import FixMessage
from gateway.fix.timestamps import format_utc_timestamp
from gateway.fix_application.subscriptions import SUBSCRIPTIONS_MAX, Client
from gateway.fix_application.trading_session import TRADING_SESSION_ID
from gateway.market_view import BookSide, FeedBook, FeedTape
from vocabulary.catalogue import Catalogue
from vocabulary.instrument import Instrument
from vocabulary.market_data import (
    AmendedTrade,
    DepthChanged,
    Level,
    Message,
    Print,
    TradesPrinted,
)

MARKET_DATA_REQUEST, MARKET_DATA_REQUEST_REJECT = b"V", b"Y"
SNAPSHOT, INCREMENT = b"W", b"X"

SYMBOLS_MAX = 1_000
"""How many symbols a request may name."""

DEPTH_MAX = 5_000
"""The deepest MarketDepth(264) but for 0, the whole book."""

TRADES_IN_SNAPSHOT = 100

_BID, _OFFER, _TRADE = (
    values.MDEntryType.BID,
    values.MDEntryType.OFFER,
    values.MDEntryType.TRADE,
)
_NEW, _CHANGE, _DELETE = (
    values.MDUpdateAction.NEW,
    values.MDUpdateAction.CHANGE,
    values.MDUpdateAction.DELETE,
)
_REASON = values.MDReqRejReason


class Entries(NamedTuple):
    """Entries of a group: how many, and their fields."""

    number: int
    fields: bytes


NO_ENTRIES = Entries(0, b"")


class Refused(Exception):
    """A request that is not met; `reason` is MDReqRejReason(281), None where none fits."""

    def __init__(self, reason: bytes | None, text: str) -> None:
        super().__init__(text)
        self.reason = reason
        self.text = text


class Subscription(NamedTuple):
    """What a MarketDataRequest(V) asks for; a depth of 0 is the whole book."""

    request_id: bytes
    symbols: tuple[str, ...]
    depth: int
    types: frozenset[bytes]
    is_incremental: bool


class BookStream:
    """One symbol's book at one depth, as all its subscribers have been told it."""

    def __init__(self, instrument: Instrument, book: FeedBook, depth: int) -> None:
        self.change_count = 0
        self.subscribers: dict[tuple[Client, bytes], Subscription] = {}
        self.book = book
        self._instrument = instrument
        self._depth = depth
        self._bids = _levels(book.bids, depth)
        self._asks = _levels(book.asks, depth)

    def change(self, message: DepthChanged) -> tuple[Entries, Entries]:
        """Return the entries of bids and offers that tell what a change of the book means here."""
        bids = self._changes(self._bids, self.book.bids, message.bids)
        asks = self._changes(self._asks, self.book.asks, message.asks)
        if not bids and not asks:
            return NO_ENTRIES, NO_ENTRIES
        self.change_count += 1
        return self._entries(_BID, bids), self._entries(_OFFER, asks)

    def snapshot(self, types: frozenset[bytes]) -> Entries:
        """Return the book, best prices first."""
        levels: list[tuple[bytes, Level]] = []
        if _BID in types:
            levels += ((_BID, level) for level in self.book.bids.levels(self._limit(self._bids)))
        if _OFFER in types:
            levels += ((_OFFER, level) for level in self.book.asks.levels(self._limit(self._asks)))
        fields = (b"269=%b\x01%b" % (kind, self._price_and_size(level)) for kind, level in levels)
        return Entries(len(levels), b"".join(fields))

    def _limit(self, told: dict[int, int]) -> int:
        return self._depth or len(told) or 1

    def _changes(
        self, told: dict[int, int], side: BookSide, changed: Iterable[Level]
    ) -> list[tuple[bytes, Level]]:
        """Return the actions that lead from what was told to what is, and note them as told."""
        if self._depth:
            now = _levels(side, self._depth)
            changed = [Level(price, 0) for price in told if price not in now]
            changed += [
                Level(price, lots) for price, lots in now.items() if told.get(price) != lots
            ]
        actions = []
        for level in changed:
            is_known = level.price_ticks in told
            if level.lots:
                told[level.price_ticks] = level.lots
                actions.append((_CHANGE if is_known else _NEW, level))
            elif is_known:
                del told[level.price_ticks]
                actions.append((_DELETE, level))
        return actions

    def _entries(self, kind: bytes, actions: list[tuple[bytes, Level]]) -> Entries:
        place = b"\x01269=%b\x0155=%b\x0183=%d\x01" % (
            kind,
            self._instrument.symbol.encode(),
            self.change_count,
        )
        fields = (
            b"279=%b%b%b" % (action, place, self._price_and_size(level))
            for action, level in actions
        )
        return Entries(len(actions), b"".join(fields))

    def _price_and_size(self, level: Level) -> bytes:
        price = self._instrument.price_text(level.price_ticks)
        if not level.lots:
            return f"270={price}\x01".encode()
        return f"270={price}\x01271={self._instrument.quantity_text(level.lots)}\x01".encode()


class MarketData:
    """All that sessions have subscribed to, over the views of the gateway's market feed."""

    def __init__(
        self,
        catalogue: Catalogue,
        books: Mapping[str, FeedBook],
        tapes: Mapping[str, FeedTape],
    ) -> None:
        self.catalogue = catalogue
        self._books = books
        self._tapes = tapes
        self._open: dict[Client, dict[bytes, Subscription]] = {}
        self._streams: dict[str, dict[int, BookStream]] = {}
        self._stale: set[tuple[Client, bytes, str]] = set()
        self._touched: set[Client] = set()

    def receive(self, client: Client, message: FixMessage, now_ns: int) -> None:
        """Do what a MarketDataRequest(V) asks for."""
        try:
            self._request(client, message, now_ns)
        except Refused as refused:
            client.send(MARKET_DATA_REQUEST_REJECT, _reject(message, refused), now_ns)

    def forget(self, client: Client) -> None:
        """End all that a session has subscribed to."""
        for subscription in self._open.pop(client, {}).values():
            self._unsubscribe(client, subscription)
        self._touched.discard(client)

    def _request(self, client: Client, message: FixMessage, now_ns: int) -> None:
        """Raise `Refused`, and nothing is done then."""
        request_id = message.get(tags.MDReqID) or b""
        wanted = message.get(tags.SubscriptionRequestType)
        opened = self._open.get(client, {})
        known = opened.get(request_id)
        if wanted == values.SubscriptionRequestType.DISABLE_PREVIOUS:
            if known is None:
                raise Refused(None, "MDReqID(262) is not that of an open subscription")
            self._unsubscribe(client, opened.pop(request_id))
            return
        if known is not None:
            raise Refused(_REASON.DUPLICATE_MDREQID, "MDReqID(262) is in use")
        is_lasting = wanted == values.SubscriptionRequestType.SNAPSHOT_PLUS_UPDATES
        subscription = self._read(message, request_id, is_lasting=is_lasting)
        if is_lasting and len(opened) >= SUBSCRIPTIONS_MAX:
            raise Refused(
                _REASON.INSUFFICIENT_BANDWIDTH, f"more than {SUBSCRIPTIONS_MAX} subscriptions"
            )
        # Past this line nothing can fail.
        if is_lasting:
            self._open.setdefault(client, {})[request_id] = subscription
        for symbol in subscription.symbols:
            stream = self._stream(symbol, subscription.depth)
            if is_lasting:
                stream.subscribers[client, request_id] = subscription
            self._send_snapshot(client, subscription, symbol, stream, now_ns)
            self._drop_if_unused(symbol, stream, subscription.depth)

    def on_update(self, kind: str, symbol: str, message: Message, now_ns: int) -> None:
        """Tell a change of the market feed; `flush` lets it go."""
        streams = self._streams.get(symbol)
        if not streams:
            return
        if isinstance(message, DepthChanged):
            for stream in streams.values():
                self._tell_change(stream, symbol, message, now_ns)
        elif isinstance(message, TradesPrinted) and kind == "trades":
            instrument = self.catalogue.instrument_by_symbol[symbol]
            entries = _trades(b"279=0\x01", instrument, message.prints)
            if message.amended:
                entries = _with_amended(entries, instrument, message.amended)
            for stream in streams.values():
                self._tell_trades(stream, symbol, entries, message, now_ns)

    def flush(self, now_ns: int) -> None:
        """Let go of what has gathered: at most one new W of a symbol for each subscription."""
        for client, request_id, symbol in self._stale:
            subscription = self._open[client][request_id]
            stream = self._streams[symbol][subscription.depth]
            self._send_snapshot(client, subscription, symbol, stream, now_ns)
            self._touched.add(client)
        self._stale.clear()
        for client in self._touched:
            client.flush()
        self._touched.clear()

    def has_subscribers(self, symbol: str) -> bool:
        return bool(self._streams.get(symbol))

    @property
    def has_news(self) -> bool:
        return bool(self._touched or self._stale)

    def _unsubscribe(self, client: Client, subscription: Subscription) -> None:
        for symbol in subscription.symbols:
            stream = self._streams[symbol][subscription.depth]
            del stream.subscribers[client, subscription.request_id]
            self._stale.discard((client, subscription.request_id, symbol))
            self._drop_if_unused(symbol, stream, subscription.depth)

    def _read(self, message: FixMessage, request_id: bytes, *, is_lasting: bool) -> Subscription:
        update_type = message.get(tags.MDUpdateType)
        if is_lasting and update_type is None:
            raise Refused(
                _REASON.UNSUPPORTED_MDUPDATETYPE, "a subscription needs MDUpdateType(265)"
            )
        _refuse_unsupported(message)
        depth = int(message.get(tags.MarketDepth) or 0)
        if not 0 <= depth <= DEPTH_MAX:
            raise Refused(
                _REASON.UNSUPPORTED_MARKETDEPTH,
                f"MarketDepth(264) must be 0 to {DEPTH_MAX}, received {depth}",
            )
        types = frozenset(_members(message, tags.MDEntryType))
        if not types <= {_BID, _OFFER, _TRADE}:
            raise Refused(_REASON.UNSUPPORTED_MDENTRYTYPE, "MDEntryType(269) must be 0, 1 or 2")
        symbols = tuple(dict.fromkeys(each.decode() for each in _members(message, tags.Symbol)))
        if len(symbols) > SYMBOLS_MAX:
            raise Refused(_REASON.INSUFFICIENT_BANDWIDTH, f"more than {SYMBOLS_MAX} symbols")
        for symbol in symbols:
            if not self.catalogue.is_listed(symbol):
                raise Refused(_REASON.UNKNOWN_SYMBOL, f"Symbol(55) {symbol} is not listed")
            if not self._books[symbol].sequence:
                raise Refused(None, f"the book of {symbol} is not known yet, try again")
        is_incremental = update_type == values.MDUpdateType.INCREMENTAL_REFRESH
        return Subscription(request_id, symbols, depth, types, is_incremental)

    def _stream(self, symbol: str, depth: int) -> BookStream:
        streams = self._streams.setdefault(symbol, {})
        if depth not in streams:
            instrument = self.catalogue.instrument_by_symbol[symbol]
            streams[depth] = BookStream(instrument, self._books[symbol], depth)
        return streams[depth]

    def _drop_if_unused(self, symbol: str, stream: BookStream, depth: int) -> None:
        if not stream.subscribers:
            del self._streams[symbol][depth]

    def _send_snapshot(
        self,
        client: Client,
        subscription: Subscription,
        symbol: str,
        stream: BookStream,
        now_ns: int,
    ) -> None:
        book = stream.snapshot(subscription.types)
        trades = NO_ENTRIES
        if _TRADE in subscription.types:
            newest = [each for each in self._tapes[symbol].prints if not each.is_busted]
            newest = newest[-TRADES_IN_SNAPSHOT:]
            trades = _trades(b"", self.catalogue.instrument_by_symbol[symbol], newest)
        body = b"262=%b\x0155=%b\x0160=%b\x0183=%d\x0125044=%d\x01268=%d\x01%b%b" % (
            subscription.request_id,
            symbol.encode(),
            format_utc_timestamp(stream.book.timestamp_ns),
            stream.change_count,
            stream.book.sequence,
            book.number + trades.number,
            book.fields,
            trades.fields,
        )
        client.send(SNAPSHOT, body, now_ns)

    def _tell_change(
        self, stream: BookStream, symbol: str, message: DepthChanged, now_ns: int
    ) -> None:
        bids, asks = stream.change(message)
        for (client, request_id), subscription in stream.subscribers.items():
            told = [
                entries
                for kind, entries in ((_BID, bids), (_OFFER, asks))
                if entries.number and kind in subscription.types
            ]
            if not told:
                continue
            if subscription.is_incremental:
                self._send_increment(client, request_id, told, message, now_ns)
            else:
                self._stale.add((client, request_id, symbol))

    def _tell_trades(
        self,
        stream: BookStream,
        symbol: str,
        entries: Entries,
        message: TradesPrinted,
        now_ns: int,
    ) -> None:
        for (client, request_id), subscription in stream.subscribers.items():
            if not entries.number or _TRADE not in subscription.types:
                continue
            if subscription.is_incremental:
                self._send_increment(client, request_id, [entries], message, now_ns)
            else:
                self._stale.add((client, request_id, symbol))

    def _send_increment(
        self,
        client: Client,
        request_id: bytes,
        told: list[Entries],
        message: Message,
        now_ns: int,
    ) -> None:
        body = b"262=%b\x0160=%b\x0125044=%d\x01268=%d\x01%b" % (
            request_id,
            format_utc_timestamp(message.timestamp_ns),
            message.sequence,
            sum(entries.number for entries in told),
            b"".join(entries.fields for entries in told),
        )
        client.send(INCREMENT, body, now_ns)
        self._touched.add(client)


def _refuse_unsupported(message: FixMessage) -> None:
    """Raise `Refused` if a request wants what no market data of ours has."""
    if message.get(tags.AggregatedBook) == b"N":
        raise Refused(_REASON.UNSUPPORTED_AGGREGATEDBOOK, "AggregatedBook(266) must be Y")
    if set(_members(message, tags.TradingSessionID)) - {TRADING_SESSION_ID}:
        text = f"TradingSessionID(336) must be {TRADING_SESSION_ID.decode()}"
        raise Refused(_REASON.UNSUPPORTED_TRADINGSESSIONID, text)
    if message.get(tags.Scope) not in {None, values.Scope.LOCAL}:
        raise Refused(_REASON.UNSUPPORTED_SCOPE, "Scope(546) must be 1")
    if message.get(tags.OpenCloseSettlFlag) is not None:
        text = "OpenCloseSettlFlag(286) is of no entry here"
        raise Refused(_REASON.UNSUPPORTED_OPENCLOSESETTLEFLAG, text)
    if message.get(tags.MDImplicitDelete) == b"Y":
        text = "MDImplicitDelete(547) must be N: every price that leaves is told"
        raise Refused(_REASON.UNSUPPORTED_MDIMPLICITDELETE, text)


def _levels(side: BookSide, depth: int) -> dict[int, int]:
    if not depth:
        return dict(side.lots)
    return {level.price_ticks: level.lots for level in side.levels(depth)}


def _trades(action: bytes, instrument: Instrument, prints: Iterable[Print]) -> Entries:
    """Return trades as entries; `action` begins each, for an increment with its symbol behind."""
    symbol = b"55=%b\x01" % instrument.symbol.encode() if action else b""
    fields = []
    for each in prints:
        date, _, clock = format_utc_timestamp(each.timestamp_ns).partition(b"-")
        price, size = instrument.price_text(each.price_ticks), instrument.quantity_text(each.lots)
        aggressor = values.AggressorSide.SELL if each.buyer_is_maker else values.AggressorSide.BUY
        fields.append(
            b"%b269=2\x01%b270=%b\x01271=%b\x01272=%b\x01273=%b\x011003=%d\x012446=%b\x01"
            % (
                action,
                symbol,
                price.encode(),
                size.encode(),
                date,
                clock,
                each.trade_id,
                aggressor,
            )
        )
    return Entries(len(fields), b"".join(fields))


def _with_amended(
    entries: Entries, instrument: Instrument, amended: Iterable[AmendedTrade]
) -> Entries:
    """Return entries with those that the desk busted, deleted, and corrected, changed, behind."""
    fields = [
        b"%b269=2\x0155=%b\x01270=%b\x01%b1003=%d\x01"
        % (
            b"279=1\x01" if each.lots else b"279=2\x01",
            instrument.symbol.encode(),
            instrument.price_text(each.price_ticks).encode(),
            b"271=%b\x01" % instrument.quantity_text(each.lots).encode() if each.lots else b"",
            each.trade_id,
        )
        for each in amended
    ]
    return Entries(entries.number + len(fields), entries.fields + b"".join(fields))


def _members(message: FixMessage, tag: int) -> list[bytes]:
    """Return the values of a tag that a group repeats."""
    return [value for each, value in zip(message.tags, message.values, strict=True) if each == tag]


def _reject(message: FixMessage, refused: Refused) -> bytes:
    reason = b"281=%b\x01" % refused.reason if refused.reason is not None else b""
    request_id = message.get(tags.MDReqID) or b""
    return b"262=%b\x01%b58=%b\x01" % (request_id, reason, refused.text.encode())
