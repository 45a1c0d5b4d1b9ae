"""Publishes what the matching process did on Redis: messages, snapshots, a heartbeat."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from contextlib import suppress
from functools import partial

import structlog
from prometheus_client import Counter, Gauge, Histogram
from redis.exceptions import RedisError

from marketdata.channel import Writes
from marketdata.edge.record_source import EventStream, open_source
from marketdata.edge.redis_writer import open_writer
from marketdata.feed import FEED_EVENTS, Feed
from vocabulary.excerpt import Excerpt
from vocabulary.market_data import HEARTBEAT_INTERVAL_S
from vocabulary.tracing import Passage, TracedRecord, Tracing

TICK_S = 0.05
TRACED_MAX = 10_000
BACKOFF_MIN_S = 0.1
BACKOFF_MAX_S = 2.0

SEQUENCE = Gauge("agio_marketdata_sequence", "Last journal sequence taken in")
LAG_RECORDS = Gauge("agio_marketdata_lag_records", "Records in the journal, not yet taken in")
PUBLISH_SECONDS = Histogram(
    "agio_marketdata_publish_seconds",
    "Time from a record's making to Redis having what it changed, of each write's last record",
    buckets=[0.0005 * 2**power for power in range(14)],
)
MESSAGES = Counter("agio_marketdata_messages", "Messages published")
SNAPSHOTS = Counter("agio_marketdata_snapshots", "Snapshots written")
REWRITES = Counter("agio_marketdata_rewrites", "Times that every snapshot was written anew")
REDIS_CONNECTED = Gauge("agio_marketdata_redis_connected", "1 while connected to Redis")
WRITE_SECONDS = Histogram(
    "agio_marketdata_write_seconds",
    "Time from a write to Redis to its last reply",
    buckets=(0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3),
)

log = structlog.get_logger("marketdata")


class MarketDataPublisher:
    """Reads the journal's events from the first on, and keeps Redis telling what they made.

    They come from the matching process, or with `event_stream` from Kinesis or Kafka.

    It catches up silently, writes every snapshot, and goes on with a message per change. At most
    one write is on its way to Redis; what changes meanwhile goes into the next one, so a slow or
    dead Redis never slows the reading, and costs readers messages but never the truth.
    """

    def __init__(
        self,
        *,
        matching_address: str,
        redis_url: str,
        event_stream: EventStream | None = None,
        tracing: Tracing | None = None,
    ) -> None:
        self._feed = Feed()
        self._tracing = tracing
        # Traced records that are not published yet, and when they came.
        self._traced: deque[tuple[TracedRecord, int]] = deque(maxlen=TRACED_MAX)
        self._source = open_source(
            matching_address,
            event_stream,
            event_types=FEED_EVENTS,
            on_records=self._apply,
            on_caught_up=self._begin,
        )
        self._writer = open_writer(redis_url)
        self._newest_ns = 0  # the timestamp of the last record, 0 once it has been written
        self._has_begun = False
        self._is_connected = False
        self._heartbeat_due_s = 0.0
        self._backoff_s = BACKOFF_MIN_S
        self._failure = ""
        self._wakeup = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Return once connected to where records come from; Redis may come later."""
        self._task = asyncio.create_task(self._run())
        await self._source.start()
        log.info("started")

    async def stop(self) -> None:
        await self._source.stop()
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        await self._writer.close()
        log.info("stopped", sequence=self._feed.sequence)

    def health(self) -> dict[str, object]:
        return {
            "ready": self._has_begun and self._is_connected and self._source.connected,
            "failed": bool(self._failure),
            "failure": self._failure,
            "sequence": self._feed.sequence,
            "lag_records": max(self._source.head_sequence - self._feed.sequence, 0),
            f"{self._source.kind}_connected": self._source.connected,
            "redis_connected": self._is_connected,
        }

    def _apply(self, records: list[Excerpt]) -> None:
        for record in records:
            self._feed.apply(record)
        if self._tracing is not None and self._has_begun:
            self._note_traced(self._tracing, records)
        SEQUENCE.set(self._feed.sequence)
        LAG_RECORDS.set(max(self._source.head_sequence - self._feed.sequence, 0))
        self._newest_ns = records[-1].timestamp_ns
        self._wakeup.set()

    def _note_traced(self, tracing: Tracing, records: list[Excerpt]) -> None:
        now_ns = time.time_ns()
        for record in records:
            if record.events and tracing.samples(record.sequence):
                self._traced.append(((record.sequence, record.timestamp_ns), now_ns))

    def _emit_traced(self, tracing: Tracing, count: int) -> None:
        now_ns = time.time_ns()
        for _ in range(count):
            record, received_ns = self._traced.popleft()
            tracing.emit(Passage("marketdata.publish", received_ns, now_ns, [record]))

    def _begin(self) -> None:
        """Begin to publish, when caught up for the first time; later ones are reconnections."""
        if self._has_begun:
            return
        self._feed.tick(time.time_ns() - self._source.in_flight_ns)
        self._feed.begin()
        self._has_begun = True
        self._newest_ns = 0  # what was caught up with is old, and says nothing of our speed
        log.info("caught up", sequence=self._feed.sequence)
        self._wakeup.set()

    async def _run(self) -> None:
        try:
            await self._stay_connected()
        except Exception as error:
            # Nothing that is foreseen: it is to be started anew, and health tells.
            self._failure = f"{type(error).__name__}: {error}"
            log.exception("stopped publishing")

    async def _stay_connected(self) -> None:
        """Keep a connection to Redis, and publish on it."""
        while True:
            try:
                await self._writer.connect()
                self._set_connected(True)
                await self._publish()
            except (RedisError, OSError, TimeoutError) as error:
                reason = f"{type(error).__name__}: {error}"
                log.warning("Redis failed", reason=reason, retry_in_s=self._backoff_s)
            finally:
                self._set_connected(False)
                await self._writer.close()
            await asyncio.sleep(self._backoff_s)
            self._backoff_s = min(self._backoff_s * 2, BACKOFF_MAX_S)

    async def _publish(self) -> None:
        """Publish until the connection fails. What a failed write held, the snapshots hold, too."""
        self._rewrite_snapshots()
        self._heartbeat_due_s = 0.0
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(TICK_S):
                    await self._wakeup.wait()
            self._wakeup.clear()
            if not self._has_begun:
                continue
            self._feed.tick(time.time_ns() - self._source.in_flight_ns)
            writes = self._feed.take_writes(time.monotonic_ns())
            if writes.messages or writes.snapshots:
                await self._write(writes)
            if time.monotonic() >= self._heartbeat_due_s:
                await self._beat()

    async def _write(self, writes: Writes) -> None:
        newest_ns, self._newest_ns = self._newest_ns, 0
        written = len(self._traced)  # more may come meanwhile
        with WRITE_SECONDS.time():
            await self._writer.write(writes)
        if newest_ns and self._has_begun:
            PUBLISH_SECONDS.observe(max(time.time_ns() - newest_ns, 0) / 1e9)
        MESSAGES.inc(len(writes.messages))
        SNAPSHOTS.inc(len(writes.snapshots))
        if self._traced and self._tracing is not None:
            self._emit_traced(self._tracing, written)

    async def _beat(self) -> None:
        """Tell where the channels stand, and write the snapshots anew if Redis lost any."""
        self._heartbeat_due_s = time.monotonic() + HEARTBEAT_INTERVAL_S
        keys = self._feed.snapshot_keys()
        expected = sum(map(len, keys.values()))
        found = await self._writer.beat(partial(self._feed.heartbeat, time.time_ns()), keys)
        self._backoff_s = BACKOFF_MIN_S  # it takes what we write
        if found != expected:
            log.warning("snapshots lost", expected=expected, found=found)
            self._rewrite_snapshots()

    def _rewrite_snapshots(self) -> None:
        self._feed.rewrite_snapshots()
        self._wakeup.set()
        REWRITES.inc()

    def _set_connected(self, is_connected: bool) -> None:
        self._is_connected = is_connected
        REDIS_CONNECTED.set(is_connected)
