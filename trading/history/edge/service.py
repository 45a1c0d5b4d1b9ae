"""Carries the queue into the store: the service behind `agio history run`."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress

import structlog
from prometheus_client import Counter, Gauge, Histogram

from objects.store import StoreFailedError, open_store
from trading.events import AnyEvent, EventError
from trading.history.batches import decode_batch
from trading.history.edge.event_queue import (
    EventQueue,
    QueuedBatch,
    QueueFailedError,
    open_queue,
)
from trading.history.edge.writer import HistoryWriter
from trading.history.parts import PreparedCut

BACKOFF_MIN_S = 0.1
BACKOFF_MAX_S = 5.0

SEQUENCE = Gauge("agio_history_sequence", "stream_sequence up to which the store has the stream")
PENDING = Gauge(
    "agio_history_pending_events", "Events read from the queue and not in the store yet"
)
EVENTS = Counter("agio_history_events", "Events written to the store")
MISSING = Counter("agio_history_missing_events", "Events that the queue no longer had, or never")
DUPLICATES = Counter("agio_history_duplicate_events", "Events that came again and were left out")
REJECTED = Counter("agio_history_rejected", "Batches and events that can't be stored", ["what"])
PARTS = Counter("agio_history_parts", "Parts written to the store")
PART_BYTES = Counter("agio_history_part_bytes", "Bytes of the parts written to the store")
FAILURES = Counter("agio_history_failures", "Failures of queue or store, each tried again", ["of"])
CUT_SECONDS = Histogram(
    "agio_history_cut_seconds",
    "Time from a cut's events to its last manifest",
    buckets=(0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30),
)

log = structlog.get_logger("history")


class StreamRestartedError(Exception):
    """The stream counts anew below what the store has: this must become another store."""


class HistoryService:
    """Reads the queue and writes a cut every `flush_events` events, or after `flush_seconds`.

    While a cut is being written nothing is read: the queue is the buffer, and it is bounded. What
    it had to drop becomes a hole in the store, published and counted. Where to go on after a
    restart the store itself says, so nothing is kept here.
    """

    def __init__(
        self, *, queue_url: str, store_url: str, flush_seconds: float, flush_events: int
    ) -> None:
        self._queue: EventQueue = open_queue(queue_url)
        self._writer = HistoryWriter(open_store(store_url))
        self._flush_seconds = flush_seconds
        self._flush_events = flush_events
        self._events: list[AnyEvent] = []
        self._position = ""
        self._flush_due_s = 0.0
        self._last_sequence = 0
        self._last_ns = 0
        self._backoff_s = BACKOFF_MIN_S
        self._missing = 0
        self._failure = "not started"
        self._task: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()

    async def start(self) -> None:
        """Return once the store is open; raises what `HistoryWriter.open` does."""
        await self._open()
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Write what was read, and stop."""
        self._stopping.set()
        if self._task is not None:
            await asyncio.wait({self._task})
        await self._queue.close()
        log.info("stopped", sequence=self._writer.state.through_sequence)

    def health(self) -> dict[str, object]:
        state = self._writer.state
        return {
            "ready": not self._failure,
            "sequence": state.through_sequence,
            "pending_events": len(self._events),
            "holes": len(state.holes),
            "missing_events": self._missing,
            "failure": self._failure,
        }

    async def _run(self) -> None:
        """Carry until told to stop; after a failure begin again where the store stands."""
        while not self._stopping.is_set():
            try:
                if self._failure:
                    await self._open()
                await self._carry()
            except (QueueFailedError, StoreFailedError) as error:
                of = "queue" if isinstance(error, QueueFailedError) else "store"
                FAILURES.labels(of).inc()
                self._failure = str(error)
                log.warning("failed", of=of, reason=str(error), retry_in_s=self._backoff_s)
                await self._back_off()
            except Exception as error:
                # Another writer, a stream that counts anew, a manifest that can't be read: to go on
                # would do harm. Health tells.
                self._failure = f"{type(error).__name__}: {error}"
                log.exception("stopped writing")
                return

    async def _back_off(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._backoff_s):
                await self._stopping.wait()
        self._backoff_s = min(self._backoff_s * 2, BACKOFF_MAX_S)

    async def _open(self) -> None:
        """Begin where the store stands."""
        await asyncio.to_thread(self._writer.open)
        state = self._writer.state
        self._events.clear()
        self._position = state.queue_position
        self._last_sequence, self._last_ns = state.through_sequence, state.through_ns
        self._missing = sum(hole.last_sequence - hole.first_sequence + 1 for hole in state.holes)
        self._failure = ""
        SEQUENCE.set(state.through_sequence)
        log.info("store open", sequence=state.through_sequence, queue_position=self._position)

    async def _carry(self) -> None:
        """Carry until told to stop."""
        while not self._stopping.is_set():
            for batch in await self._queue.read(self._position):
                self._take(batch)
                if len(self._events) >= self._flush_events:
                    await self._flush()
            if self._events and time.monotonic() >= self._flush_due_s:
                await self._flush()
            PENDING.set(len(self._events))
        if self._events:
            await self._flush()

    def _take(self, batch: QueuedBatch) -> None:
        self._position = batch.position
        try:
            events = decode_batch(batch.data)
        except EventError as error:
            REJECTED.labels("batch").inc()
            log.warning("batch rejected", position=batch.position, reason=str(error))
            return
        for event in events:
            if event.stream_sequence > self._last_sequence:
                if not self._events:
                    self._flush_due_s = time.monotonic() + self._flush_seconds
                self._last_sequence, self._last_ns = event.stream_sequence, event.received_ns
                self._events.append(event)
            elif event.received_ns > self._last_ns:
                raise StreamRestartedError(
                    f"event {event.stream_sequence} was received after event "
                    f"{self._last_sequence}: the stream counts anew, and needs a new store"
                )
            else:
                DUPLICATES.inc()

    async def _flush(self) -> None:
        with CUT_SECONDS.time():
            prepared = await asyncio.to_thread(self._writer.write, self._events, self._position)
        self._events.clear()
        self._backoff_s = BACKOFF_MIN_S
        self._count(prepared)

    def _count(self, prepared: PreparedCut) -> None:
        cut = prepared.cut
        missing = sum(hole.last_sequence - hole.first_sequence + 1 for hole in cut.holes)
        self._missing += missing
        MISSING.inc(missing)
        REJECTED.labels("event").inc(prepared.misfits)
        EVENTS.inc(sum(part.rows for part in cut.parts))
        PARTS.inc(len(cut.parts))
        PART_BYTES.inc(sum(part.size_bytes for part in cut.parts))
        SEQUENCE.set(self._writer.state.through_sequence)
        for hole in cut.holes:
            log.warning("hole in the stream", first=hole.first_sequence, last=hole.last_sequence)
