"""What the engine keeps of the market: when events came, and the middle of each book."""

from __future__ import annotations

from array import array

from trading.events import AnyEvent, BookChanged, BookReset, FeedLost, PhaseChanged
from trading.feeds.book import Book
from vocabulary.types import TradingPhase

TIMES_KEPT = 131_072


class StreamTimes:
    """When the newest events were received, by stream_sequence."""

    def __init__(self, size: int = TIMES_KEPT) -> None:
        self.last_sequence = 0
        self.last_received_ns = 0
        self._first = 0
        self._received_ns = array("q", bytes(8 * size))

    def note(self, sequence: int, received_ns: int) -> None:
        self._first = self._first or sequence
        self.last_sequence, self.last_received_ns = sequence, received_ns
        self._received_ns[sequence % len(self._received_ns)] = received_ns

    def received_ns(self, sequence: int) -> int | None:
        """Return when an event came, None if that is no longer, or not yet, known."""
        oldest = max(self._first, self.last_sequence + 1 - len(self._received_ns))
        if not oldest <= sequence <= self.last_sequence:
            return None
        return self._received_ns[sequence % len(self._received_ns)]


class Middle:
    """The middle of a symbol's book."""

    def __init__(self) -> None:
        self._book: Book | None = None

    def apply(self, event: AnyEvent) -> None:
        if isinstance(event, BookChanged):
            if self._book is not None:
                self._book.bids.apply(event.bids)
                self._book.asks.apply(event.asks)
        elif isinstance(event, BookReset):
            self._book = Book(event.source_sequence, event.bids, event.asks)
        elif isinstance(event, FeedLost) or (
            isinstance(event, PhaseChanged) and event.phase is not TradingPhase.TRADING
        ):
            self._book = None

    @property
    def twice_ticks(self) -> int:
        """Return best bid plus best ask; twice the one there is; 0 if the book is not known."""
        if self._book is None:
            return 0
        bid, ask = self._book.bids.best_ticks, self._book.asks.best_ticks
        return (bid or ask or 0) + (ask or bid or 0)
