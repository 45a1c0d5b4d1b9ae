"""Puts the events into the queue to the historical store, without ever slowing the feed.

What waits is bounded by `WAITING_EVENTS_MAX`. Beyond it the oldest go first and are counted, as in
the queue itself, which is bounded, too: the numbers then show a hole, which the store publishes.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import suppress

import structlog
from prometheus_client import Counter, Gauge

from trading.history.batches import EncodedBatch
from trading.history.edge.event_queue import EventQueue, QueueFailedError
from trading.stream.frames import packed_array

WAITING_EVENTS_MAX = 200_000
BATCH_EVENTS_MAX = 1_000
BATCH_BYTES_MAX = 900_000  # a Kafka broker takes records of 1 MB unless it is told otherwise
BATCHES_AT_ONCE = 32
GATHER_S = 0.05  # the store is in no hurry, and fewer batches last longer
STOP_S_MAX = 2.0
BACKOFF_MIN_S = 0.1
BACKOFF_MAX_S = 2.0

DROPPED = Counter("agio_feeds_queue_dropped_events", "Events that the queue could not take in time")
WAITING = Gauge("agio_feeds_queue_waiting_events", "Events waiting for the queue")
PUT = Counter("agio_feeds_queue_put_events", "Events that the queue has taken")
CONNECTED = Gauge("agio_feeds_queue_connected", "1 while connected to the queue")

log = structlog.get_logger("feeds")


class QueueWriter:
    """Takes encoded events at once; a task puts them into the queue, several batches at a time."""

    def __init__(self, queue: EventQueue, waiting_events_max: int = WAITING_EVENTS_MAX) -> None:
        self._queue = queue
        self.dropped = 0
        self.is_connected = False
        self._waiting_events_max = waiting_events_max
        self._waiting: deque[bytes] = deque()
        self._next = 0  # the number of the first that waits
        self._sending: list[EncodedBatch] = []  # until the queue says that it has them
        self._wakeup = asyncio.Event()
        self._all_written = asyncio.Event()
        self._all_written.set()
        self._task: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        return len(self._waiting) + sum(each.last + 1 - each.first for each in self._sending)

    def start(self, last_sequence: int) -> asyncio.Task[None]:
        """Begin to write; the first event that is put follows `last_sequence`.

        Returns the task that writes. It ends by itself only on what nobody foresaw: then events
        wait for it, and go, for ever, so its owner must see it.
        """
        self._next = last_sequence + 1
        self._task = asyncio.create_task(self._run())
        return self._task

    async def stop(self) -> None:
        """Give what waits a moment to be written, and end."""
        if self.is_connected:
            with suppress(TimeoutError):
                async with asyncio.timeout(STOP_S_MAX):
                    await self._all_written.wait()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._queue.close()

    def put(self, encoded: Sequence[bytes]) -> None:
        """Take the next events. Never waits."""
        self._waiting.extend(encoded)
        excess = len(self._waiting) - self._waiting_events_max
        if excess > 0:
            for _ in range(excess):
                self._waiting.popleft()
            self._next += excess
            self.dropped += excess
            DROPPED.inc(excess)
        WAITING.set(self.waiting)
        self._all_written.clear()
        self._wakeup.set()

    async def _run(self) -> None:
        """Write, and begin anew where the queue stands after each failure."""
        backoff_s = BACKOFF_MIN_S
        while True:
            try:
                self._skip(await self._queue.last_sequence())
                self._set_connected(True)
                backoff_s = BACKOFF_MIN_S
                await self._write_all()
            except QueueFailedError as error:
                log.warning("queue failed", reason=str(error), retry_in_s=backoff_s)
            finally:
                self._set_connected(False)
            await asyncio.sleep(backoff_s)
            backoff_s = min(backoff_s * 2, BACKOFF_MAX_S)

    async def _write_all(self) -> None:
        """Write until the queue fails."""
        while True:
            if not self._sending:
                self._sending = self._take()
            if not self._sending:
                self._all_written.set()
                await self._wakeup.wait()
                self._wakeup.clear()
                await asyncio.sleep(GATHER_S)
                continue
            await self._queue.put(self._sending)
            PUT.inc(sum(batch.last + 1 - batch.first for batch in self._sending))
            self._sending = []
            WAITING.set(self.waiting)

    def _skip(self, taken: int) -> None:
        """Forget what the queue has, up to event `taken`."""
        self._sending = [batch for batch in self._sending if batch.last > taken]
        while self._waiting and self._next <= taken:
            self._waiting.popleft()
            self._next += 1

    def _take(self) -> list[EncodedBatch]:
        """Return the oldest that wait, in batches."""
        batches: list[EncodedBatch] = []
        while self._waiting and len(batches) < BATCHES_AT_ONCE:
            events = [self._waiting.popleft()]
            size_bytes = len(events[0])
            while self._waiting and len(events) < BATCH_EVENTS_MAX:
                size_bytes += len(self._waiting[0])
                if size_bytes > BATCH_BYTES_MAX:
                    break
                events.append(self._waiting.popleft())
            first, self._next = self._next, self._next + len(events)
            batches.append(EncodedBatch(first, self._next - 1, packed_array(events)))
        return batches

    def _set_connected(self, is_connected: bool) -> None:
        self.is_connected = is_connected
        CONNECTED.set(is_connected)
