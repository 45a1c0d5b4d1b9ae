"""Keeps the trade history: the service behind `agio trade-history`."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TypeVar

import structlog
from prometheus_client import Counter, Gauge, Histogram

from marketdata.edge.history_tables import HistoryFailedError, HistoryTables
from marketdata.edge.record_stream import RecordStream
from marketdata.trade_history import HISTORY_EVENTS, Listing, TradeItems
from vocabulary.codec import pack, unpack
from vocabulary.excerpt import Excerpt
from vocabulary.trade_history import PROGRESS, WRITER, Item, place_of

BATCH_RECORDS_MAX = 2_000
IDLE_PROGRESS_S = 5.0
"""How often progress is written while nothing trades."""

BACKOFF_MIN_S = 0.1
BACKOFF_MAX_S = 5.0
LISTING = "listing#"

SEQUENCE = Gauge("agio_trade_history_sequence", "Journal sequence up to which trades are stored")
LAG = Gauge("agio_trade_history_lag_records", "Records of the journal that are not stored yet")
TRADES = Counter("agio_trade_history_trades", "Trades stored")
FAILURES = Counter("agio_trade_history_failures", "Failures of the store, each tried again")
WRITE_SECONDS = Histogram(
    "agio_trade_history_write_seconds",
    "Time from a batch's first item to its progress",
    buckets=(0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30),
)

log = structlog.get_logger("trade-history")

Answer = TypeVar("Answer")


class HistoryWriter:
    """Writes trades so that a crash at any point loses none and doubles none.

    Items have the same keys and values whenever they are made, so writing them again changes
    nothing; and progress is written behind them, where this writer left it. All methods block.
    They raise `HistoryFailedError`, upon which the same call may follow, and `ConflictError` when
    another writer has opened the history since.
    """

    def __init__(self, tables: HistoryTables, ttl_days: int) -> None:
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
        return sequence

    def write(self, records: Sequence[Excerpt]) -> None:
        """Store the trades of records that follow those of the last call; at least one record."""
        batch = self._items.batch(records)
        for sequence, listing in batch.listings:
            self._tables.put_progress(_listing_item(sequence, listing))
        self._tables.write(batch.trades, batch.fills)
        TRADES.inc(len(batch.fills) // 2)
        self._reached = batch.last_sequence, batch.last_ns
        # To read records again is cheaper than to write that they held no trade.
        if batch.trades or batch.listings or time.monotonic() >= self._progress_due_s:
            self.note_progress()

    def note_progress(self) -> None:
        """Let progress say how far this is."""
        assert self._progress is not None, "not open"
        after = _progress_item(*self._reached, self._progress["writer"]["S"])
        if after != self._progress:
            self._move(after)
        self._progress_due_s = time.monotonic() + IDLE_PROGRESS_S

    def _move(self, after: Item) -> None:
        self._tables.replace_progress(after, self._progress)
        self._progress = after


class TradeHistoryService:
    """Follows the journal's events from where the history stands; slow tables only let it lag."""

    def __init__(self, *, matching_address: str, history_url: str, ttl_days: int) -> None:
        self._address = matching_address
        self._tables = HistoryTables(place_of(history_url))
        self._writer = HistoryWriter(self._tables, ttl_days)
        self._stream: RecordStream | None = None
        self._sequence = 0
        self._failure = "not started"
        self._task: asyncio.Task[None] | None = None
        LAG.set_function(self._lag)

    async def start(self) -> None:
        """Return at once: the tables, and matching, may come later."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Stop. A batch that is being written goes on to its end, or to its next wait."""
        self._tables.stop()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        log.info("stopped", sequence=self._sequence)

    def health(self) -> dict[str, object]:
        return {
            "ready": not self._failure,
            "sequence": self._sequence,
            "lag_records": self._lag(),
            "matching_connected": self._stream is not None and self._stream.connected,
            "failure": self._failure,
        }

    async def _run(self) -> None:
        try:
            await self._carry()
        except Exception as error:
            # Another writer, or items that can't be read: to go on would do harm. Health tells.
            self._failure = f"{type(error).__name__}: {error}"
            log.exception("stopped writing")

    async def _carry(self) -> None:
        """Begin where the history stands, and write for as long as this runs."""
        self._sequence = await self._persist(self._writer.open)
        # Matching may be away, or refuse: a journal that ends before that is not this history's.
        self._failure = f"no records from matching behind {self._sequence} yet"
        stream = RecordStream(self._address, WRITER, self._sequence + 1, HISTORY_EVENTS)
        self._stream = stream
        try:
            await stream.open()
            self._failure = ""
            log.info("trade history open", sequence=self._sequence)
            while True:
                records = await stream.take(BATCH_RECORDS_MAX, IDLE_PROGRESS_S)
                if not records:
                    await self._persist(self._writer.note_progress)
                    continue
                with WRITE_SECONDS.time():
                    await self._persist(partial(self._writer.write, records))
                self._sequence = records[-1].sequence
                SEQUENCE.set(self._sequence)
        finally:
            await stream.close()

    async def _persist(self, call: Callable[[], Answer]) -> Answer:
        """Make a call to the tables again and again until it does not fail."""
        backoff_s = BACKOFF_MIN_S
        while True:
            try:
                answer = await asyncio.to_thread(call)
            except HistoryFailedError as error:
                FAILURES.inc()
                self._failure = str(error)
                log.warning("failed", reason=self._failure, retry_in_s=backoff_s)
                await asyncio.sleep(backoff_s)
                backoff_s = min(backoff_s * 2, BACKOFF_MAX_S)
            else:
                self._failure = ""
                return answer

    def _lag(self) -> int:
        head_sequence = self._stream.head_sequence if self._stream is not None else 0
        return max(head_sequence - self._sequence, 0)


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
