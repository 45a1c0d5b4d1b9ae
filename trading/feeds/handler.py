"""All symbols of one venue, and the firm's own events, from bytes to one stream of events.

An input is what came, and when: from a source, from an execution engine, or from the clock. The
same inputs make the same events, so a recording of them is as good as the venue.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import NamedTuple

from trading.events import AnyEvent
from trading.feeds.admission import Admission
from trading.feeds.exchange_info import ExchangeInfo, decode_exchange_info
from trading.feeds.fix_books import FixBooks
from trading.feeds.fix_schema import BookChange, FullRefresh, SecurityList, decode_fix
from trading.feeds.own_feed import OwnAnswer, OwnFeed
from trading.feeds.rejects import Rejected, RejectedError, RejectReason
from trading.feeds.schema import (
    DepthUpdate,
    ServerShutdown,
    Status,
    decode_depth_snapshot,
    decode_stream,
)
from trading.feeds.sequencer import Sequencer
from trading.feeds.symbol_feed import NS_PER_MS, SymbolFeed
from vocabulary.instrument import Increment, Instrument

TIME_NS = 100 * NS_PER_MS
"""How often strategies are told the time."""


class InputKind(StrEnum):
    """What the bytes of an input are."""

    STREAM = "stream"
    FIX = "fix"
    """A message of FIX market data; one that answers a question, too."""
    EXCHANGE_INFO = "exchange_info"
    DEPTH = "depth"
    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    TICK = "tick"
    """Nothing but that the time is `received_ns`; comes several times in 100 ms."""
    OWN = "own"
    """An array of own events; `source` is the reporter."""
    KNOWN = "known"
    """Begins a recording: what the handler knew then of own events (`Admission.snapshot`)."""


class Input(NamedTuple):
    """`symbol` is that of a depth request; `data` is empty where there is nothing but the fact."""

    kind: InputKind
    source: int
    received_ns: int
    symbol: str = ""
    data: bytes = b""


class Question(NamedTuple):
    """What a source should be asked for, to be answered by an input of the same kind, or FIX."""

    kind: InputKind
    symbol: str = ""


class FeedHandler:
    """Takes inputs and gives events, questions, answers, and what was rejected.

    `last_sequence` is the last stream_sequence that was ever used, and `admission` knows the own
    events up to it.
    """

    def __init__(
        self, symbols: Sequence[str], last_sequence: int, admission: Admission | None = None
    ) -> None:
        self.counts: Counter[str] = Counter()
        self.sequencer = Sequencer(last_sequence)
        self.feeds: dict[str, SymbolFeed] = {}
        self._symbols = tuple(symbols)
        self._fix_books = FixBooks()
        self._statuses: dict[str, Input] = {}
        """The newest of each symbol: it is told once, and stays so while a feed begins anew."""
        self._connected: set[int] = set()
        self._rejected: list[Rejected] = []
        self._wants_exchange_info = True
        self._time_due_ns = 0
        self._own = OwnFeed(
            self._symbols, admission or Admission(), self.sequencer, self.counts, self._reject
        )

    @property
    def is_ready(self) -> bool:
        """Say whether every symbol's book is in sync."""
        return len(self.feeds) == len(self._symbols) and all(
            feed.book is not None for feed in self.feeds.values()
        )

    @property
    def connected(self) -> frozenset[int]:
        return frozenset(self._connected)

    def receive(self, inputs: Iterable[Input]) -> None:
        """Take what came, in its order."""
        for each in inputs:
            try:
                self._receive(each)
            except RejectedError as error:
                self._reject(Rejected(error.reason, error.text, each.received_ns, each.data))

    def questions(self) -> list[Question]:
        """Return what must be asked now: sizes first, and a snapshot for each lost book."""
        if not self._connected:
            return []
        if self._wants_exchange_info:
            return [Question(InputKind.EXCHANGE_INFO)]
        return [
            Question(InputKind.DEPTH, symbol)
            for symbol, feed in self.feeds.items()
            if feed.book is None
        ]

    def take_events(self) -> list[AnyEvent]:
        return self.sequencer.take()

    def take_answers(self) -> list[OwnAnswer]:
        return self._own.take_answers()

    def take_rejected(self) -> list[Rejected]:
        rejected, self._rejected = self._rejected, []
        return rejected

    def take_lag_ns(self) -> int:
        """Return how old the oldest message since the last call was on arrival."""
        lag_ns = 0
        for feed in self.feeds.values():
            lag_ns = max(lag_ns, feed.lag_ns)
            feed.lag_ns = 0
        return lag_ns

    def _receive(self, each: Input) -> None:
        match each.kind:
            case InputKind.STREAM:
                self._receive_stream(each)
            case InputKind.FIX:
                self._receive_fix(each)
            case InputKind.DEPTH:
                self._feed(each.symbol).receive_snapshot(
                    decode_depth_snapshot(each.data), each.received_ns
                )
            case InputKind.EXCHANGE_INFO:
                self._define(decode_exchange_info(each.data), each.received_ns)
            case InputKind.CONNECTED:
                self._connected.add(each.source)
            case InputKind.DISCONNECTED:
                self._disconnect(each)
            case InputKind.TICK:
                self._tick(each.received_ns)
            case InputKind.OWN:
                self._own.receive(each.source, each.data, each.received_ns)
            case InputKind.KNOWN:
                self._own.admission.restore(each.data)

    def _receive_stream(self, each: Input) -> None:
        self.counts["messages"] += 1
        message = decode_stream(each.data)
        if isinstance(message, ServerShutdown):
            return  # its connection will be lost, which is what counts
        if isinstance(message, Status):
            self._receive_status(message, each)
            return
        if self._is_early(message.symbol):
            return
        feed = self._feed(message.symbol)
        if isinstance(message, DepthUpdate):
            feed.receive_depth(message, each.data, each.received_ns)
        else:
            feed.receive_trade(message, each.received_ns)

    def _receive_status(self, message: Status, each: Input) -> None:
        if message.symbol in self._symbols:
            self._statuses[message.symbol] = each
        if self._is_early(message.symbol):
            return
        feed = self._feed(message.symbol)
        was_trading = feed.is_trading
        feed.receive_status(message, each.received_ns)
        # Sizes change only while an instrument does not trade.
        self._wants_exchange_info |= feed.is_trading and not was_trading

    def _receive_fix(self, each: Input) -> None:
        self.counts["messages"] += 1
        message = decode_fix(each.data)
        if isinstance(message, SecurityList):
            self._define(message, each.received_ns)
            return
        if isinstance(message, Status):
            self._receive_status(message, each)
            return
        if isinstance(message, FullRefresh):
            self._fix_books.refresh(each.source, message)
        elif isinstance(message, BookChange):
            update = self._fix_books.change(each.source, message)
        if self._is_early(message.symbol):
            return
        feed = self._feed(message.symbol)
        if isinstance(message, FullRefresh):
            feed.receive_snapshot(message.book, each.received_ns)
        elif isinstance(message, BookChange):
            feed.receive_depth(update, each.data, each.received_ns)
        else:
            for trade in message.trades:
                feed.receive_trade(trade, each.received_ns)

    def _is_early(self, symbol: str) -> bool:
        """Say whether a symbol's sizes are not known yet; its book will be asked for."""
        is_early = symbol in self._symbols and symbol not in self.feeds
        self.counts["early"] += is_early
        return is_early

    def _define(self, listed: ExchangeInfo | SecurityList, received_ns: int) -> None:
        """Begin the symbols that are new, and those whose sizes have changed, anew."""
        instruments = [listed.instrument(symbol) for symbol in self._symbols]
        # Past this line nothing can fail.
        self._wants_exchange_info = False
        for instrument in instruments:
            known = self.feeds.get(instrument.symbol)
            if known is not None and _sizes(known.instrument) == _sizes(instrument):
                continue
            reason = "the handler started" if known is None else "its sizes have changed"
            feed = SymbolFeed(instrument, self.sequencer, self.counts, self._reject)
            feed.begin(listed.server_time * NS_PER_MS, received_ns, reason)
            self.feeds[instrument.symbol] = feed
            if instrument.symbol in self._statuses:
                self.receive([self._statuses[instrument.symbol]])

    def _disconnect(self, each: Input) -> None:
        self._connected.discard(each.source)
        self._fix_books.forget(each.source)
        self.counts["disconnects"] += 1
        if self._connected:
            return
        self._wants_exchange_info = True  # what comes back may list it otherwise
        for feed in self.feeds.values():
            feed.disconnect(each.received_ns)

    def _tick(self, now_ns: int) -> None:
        """Give up what was waited for too long, and tell the time."""
        for feed in self.feeds.values():
            feed.tick(now_ns)
        if now_ns < self._time_due_ns:
            return
        self._time_due_ns = now_ns - now_ns % TIME_NS + TIME_NS
        for feed in self.feeds.values():
            feed.tell_time(now_ns)

    def _feed(self, symbol: str) -> SymbolFeed:
        feed = self.feeds.get(symbol)
        if feed is None:
            raise RejectedError(RejectReason.UNKNOWN_SYMBOL, f"symbol {symbol[:40]!r}")
        return feed

    def _reject(self, rejected: Rejected) -> None:
        self.counts["rejected"] += 1
        self.counts[f"rejected_{rejected.reason}"] += 1
        self._rejected.append(rejected)


def _sizes(instrument: Instrument) -> tuple[str, str, Increment, Increment]:
    """Return what the stream tells of an instrument; sources may know more, or less, of it."""
    return instrument.base.name, instrument.quote.name, instrument.tick, instrument.lot
