"""A book out of a snapshot and the updates that follow it.

binance-spot-api-docs, "How to manage a local order book correctly": buffer the updates, get a
snapshot; if it is older than the first of them, get another; drop the updates that it holds
already; the first of the others must go on from it, each further one from the one before. An update
says what it goes on from by `pu`, where a source sends that, else by `U` - 1.
"""

from __future__ import annotations

from typing import NamedTuple

from trading.events import Level
from trading.feeds.book import Book

BUFFERED_MAX = 10_000


class Update(NamedTuple):
    """Changed levels from the book at `previous` to that at `last`. `data`: as received."""

    previous: int
    last: int
    exchange_ns: int
    received_ns: int
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    data: bytes


class OutOfSyncError(Exception):
    """An update does not go on from the book: something is missing between them."""


class CrossedError(Exception):
    """An update made a book that can't be."""


class BookSync:
    """`book` is None from `lose` on until a snapshot fits."""

    def __init__(self) -> None:
        self.book: Book | None = None
        self._buffer: list[Update] = []

    def receive_update(self, update: Update, *, may_cross: bool = False) -> bool:
        """Apply an update, or keep it for the snapshot. Say whether it changed the book.

        `may_cross`: an auction is on. Raises `OutOfSyncError` or `CrossedError`; the book is lost
        then.
        """
        book = self.book
        if book is None:
            if len(self._buffer) == BUFFERED_MAX:
                self._buffer.clear()  # a snapshot older than what is left is not taken
            self._buffer.append(update)
            return False
        if update.last <= book.update_id:
            return False
        if update.previous > book.update_id:
            text = f"update from {update.previous} does not go on from {book.update_id}"
            self.lose()
            self._buffer.append(update)
            raise OutOfSyncError(text)
        book.bids.apply(update.bids)
        book.asks.apply(update.asks)
        book.update_id = update.last
        if not may_cross and book.is_crossed:
            self.lose()
            raise CrossedError(f"update to {update.last} crosses the book")
        return True

    def receive_snapshot(self, book: Book) -> list[Update] | None:
        """Begin with the book of a snapshot, which is not crossed.

        Return the updates kept meanwhile, to be received now; None if the snapshot is too old for
        them, and another one is needed.
        """
        if self._buffer and book.update_id < self._buffer[0].previous:
            return None
        self.book = book
        updates, self._buffer = self._buffer, []
        return updates

    def lose(self) -> None:
        """Wait for a snapshot."""
        self.book = None
        self._buffer.clear()
