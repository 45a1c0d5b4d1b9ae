"""Keeps the trade history: the service behind `agio trade-history`."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping, Sequence

from prometheus_client import Counter

from marketdata.edge.history_tables import HistoryFailedError, HistoryTables
from marketdata.edge.store_reader import StoreReader, reader_metrics
from marketdata.trade_history import HISTORY_EVENTS, TradeItems
from vocabulary.catalogue import Listing
from vocabulary.codec import pack, unpack
from vocabulary.excerpt import Excerpt
from vocabulary.trade_history import PROGRESS, WRITER, Item, place_of

IDLE_PROGRESS_S = 5.0
"""How often progress is written while nothing trades."""

LISTING = "listing#"

METRICS = reader_metrics("trade_history", "trades")
TRADES = Counter("agio_trade_history_trades", "Trades stored")


class HistoryWriter:
    """Writes trades so that a crash at any point loses none and doubles none.

    Items have the same keys and values whenever they are made, so writing them again changes
    nothing; and progress is written behind them, where this writer left it. Raises
    `HistoryFailedError`, upon which `open` must follow, and `ConflictError` when another writer has
    opened the history since.
    """

    def __init__(self, tables: HistoryTables, ttl_days: int) -> None:
        self.sequence = 0
        self._tables = tables
        self._ttl_days = ttl_days
        self._items = TradeItems((), ttl_days)
        self._progress: Item | None = None
        self._reached = 0, 0  # journal sequence, and its time
        self._progress_due_s = 0.0

    def open(self) -> int:
        """Take the history over; return the sequence that it has come to."""
        self._tables.make(expire=self._ttl_days > 0)
        found = {item["place"]["S"]: item for item in self._tables.progress_items(WRITER)}
        self._progress = before = found.pop(PROGRESS, None)
        self._reached = sequence, _ = _standing(before) if before is not None else (0, 0)
        self._move(_progress_item(*self._reached, writer=secrets.token_hex(8)))
        self._items = TradeItems(_listings(found, sequence), self._ttl_days)
        self.sequence = sequence
        return sequence

    def write(self, records: Sequence[Excerpt]) -> None:
        """Store the trades of records that follow those of the last call; at least one record."""
        batch = self._items.batch(records)
        for sequence, listing in batch.listings:
            self._tables.put_progress(_listing_item(sequence, listing))
        self._tables.write(batch.trades, batch.fills)
        for change in batch.changes:
            self._tables.change(change)
        TRADES.inc(len(batch.fills) // 2)
        self._reached = batch.last_sequence, batch.last_ns
        # To read records again is cheaper than to write that they held no trade.
        wrote = batch.trades or batch.changes or batch.listings
        if wrote or time.monotonic() >= self._progress_due_s:
            self.rest()
        self.sequence = batch.last_sequence

    def rest(self) -> None:
        """Let progress say how far this is."""
        assert self._progress is not None, "not open"
        after = _progress_item(*self._reached, self._progress["writer"]["S"])
        if after != self._progress:
            self._move(after)
        self._progress_due_s = time.monotonic() + IDLE_PROGRESS_S

    def stop(self) -> None:
        self._tables.stop()

    def _move(self, after: Item) -> None:
        self._tables.replace_progress(after, self._progress)
        self._progress = after


class TradeHistoryService(StoreReader):
    """Keeps every trade, by symbol and by account."""

    def __init__(self, *, matching_address: str, history_url: str, ttl_days: int) -> None:
        super().__init__(
            WRITER,
            HistoryWriter(HistoryTables(place_of(history_url)), ttl_days),
            matching_address=matching_address,
            event_types=HISTORY_EVENTS,
            failures=HistoryFailedError,
            metrics=METRICS,
            rest_s=IDLE_PROGRESS_S,
        )


def _progress_item(sequence: int, time_ns: int, writer: str) -> Item:
    return {
        "reader": {"S": WRITER},
        "place": {"S": PROGRESS},
        "sequence": {"N": str(sequence)},
        "time_ns": {"N": str(time_ns)},
        "writer": {"S": writer},
    }


def _standing(item: Item) -> tuple[int, int]:
    return int(item["sequence"]["N"]), int(item["time_ns"]["N"])


def _listing_item(sequence: int, listing: Listing) -> Item:
    return {
        "reader": {"S": WRITER},
        "place": {"S": f"{LISTING}{sequence:020}"},  # a command lists one thing
        "event": {"B": pack(listing)},
    }


def _listings(items: Mapping[str, Item], through_sequence: int) -> list[Listing]:
    """Return the listings up to a sequence, oldest first; those behind it come again."""
    listings: list[Listing] = []
    for place in sorted(items):
        if int(place.removeprefix(LISTING)) <= through_sequence:
            event, _ = unpack(items[place]["event"]["B"])
            assert isinstance(event, Listing)
            listings.append(event)
    return listings
