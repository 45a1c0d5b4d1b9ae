"""Puts the events into a Redis Stream, for the historical store, without ever slowing the feed.

An entry holds a batch: `first` (the stream_sequence of its first event) and `events` (a MessagePack
array of them). Its id is `<stream_sequence of its last event>-0`, so Redis refuses a batch that was
sent twice, and XREAD after `N-0` gives what follows event N.

What waits is bounded by `WAITING_EVENTS_MAX`. Beyond it the oldest go first and are counted, as in
the stream itself, which is bounded, too: the numbers then show a hole, which the store publishes.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

import hiredis
import structlog
from prometheus_client import Counter, Gauge
from redis.asyncio import Redis
from redis.asyncio.connection import Connection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from trading.stream.frames import packed_array

KEY = "agio:trading:events"
STREAM_ENTRIES_MAX = 10_000
WAITING_EVENTS_MAX = 200_000
ENTRY_EVENTS_MAX = 1_000
ENTRIES_AT_ONCE = 32
GATHER_S = 0.05  # the store is in no hurry, and fewer entries last longer
TIMEOUT_S = 5.0
STOP_S_MAX = 2.0
BACKOFF_MIN_S = 0.1
BACKOFF_MAX_S = 2.0

DROPPED = Counter("agio_feeds_queue_dropped_events", "Events that the queue could not take in time")
WAITING = Gauge("agio_feeds_queue_waiting_events", "Events waiting for the queue")
PUT = Counter("agio_feeds_queue_put_events", "Events that the queue has taken")
CONNECTED = Gauge("agio_feeds_queue_connected", "1 while connected to the queue")

log = structlog.get_logger("feeds")


class Entry(NamedTuple):
    """Consecutive events as they go into the stream."""

    first: int
    last: int
    events: bytes


class QueueWriter:
    """Takes encoded events at once; a task writes them, one pipeline at a time."""

    def __init__(self, url: str, waiting_events_max: int = WAITING_EVENTS_MAX) -> None:
        # Timeouts are ours: redis-py's make a task of each write.
        self._redis = Redis.from_url(
            url, socket_timeout=None, socket_connect_timeout=None, retry=Retry(NoBackoff(), 0)
        )
        self.dropped = 0
        self.is_connected = False
        self._waiting_events_max = waiting_events_max
        self._waiting: deque[bytes] = deque()
        self._next = 0  # the number of the first that waits
        self._sending: list[Entry] = []  # until Redis says that it has them
        self._wakeup = asyncio.Event()
        self._all_written = asyncio.Event()
        self._all_written.set()
        self._task: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        return len(self._waiting) + sum(each.last + 1 - each.first for each in self._sending)

    async def last_sequence(self) -> int:
        """Return the last event in the queue, 0 if it is empty.

        Raises `RedisError`, `OSError` or `TimeoutError`.
        """
        async with asyncio.timeout(TIMEOUT_S):
            connection = await self._connect()
            try:
                return await _last_in_stream(connection)
            finally:
                await connection.disconnect(nowait=True)

    def start(self, last_sequence: int) -> None:
        """Begin to write; the first event that is put follows `last_sequence`."""
        self._next = last_sequence + 1
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Give what waits a moment to be written, and end."""
        if self.is_connected:
            with suppress(TimeoutError):
                async with asyncio.timeout(STOP_S_MAX):
                    await self._all_written.wait()
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        await self._redis.aclose()

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
        """Keep a connection to Redis."""
        backoff_s = BACKOFF_MIN_S
        while True:
            connection: Connection | None = None
            try:
                async with asyncio.timeout(TIMEOUT_S):
                    connection = await self._connect()
                    taken = await _last_in_stream(connection)
                self._skip(taken)
                self._set_connected(True)
                backoff_s = BACKOFF_MIN_S
                await self._write_all(connection)
            except (RedisError, OSError, TimeoutError) as error:
                reason = f"{type(error).__name__}: {error}"
                log.warning("queue failed", reason=reason, retry_in_s=backoff_s)
            finally:
                self._set_connected(False)
                if connection is not None:
                    await connection.disconnect(nowait=True)
            await asyncio.sleep(backoff_s)
            backoff_s = min(backoff_s * 2, BACKOFF_MAX_S)

    async def _connect(self) -> Connection:
        connection: Connection = self._redis.connection_pool.make_connection()  # type: ignore[no-untyped-call]
        await connection.connect()  # type: ignore[no-untyped-call]
        return connection

    async def _write_all(self, connection: Connection) -> None:
        """Write until the connection fails."""
        while True:
            if not self._sending:
                self._sending = self._take()
            if not self._sending:
                self._all_written.set()
                await self._wakeup.wait()
                self._wakeup.clear()
                await asyncio.sleep(GATHER_S)
                continue
            packed = [_xadd(entry) for entry in self._sending]
            async with asyncio.timeout(TIMEOUT_S):
                await connection.send_packed_command(b"".join(packed))
                for _ in packed:
                    await connection.read_response()
            PUT.inc(sum(entry.last + 1 - entry.first for entry in self._sending))
            self._sending = []
            WAITING.set(self.waiting)

    def _skip(self, taken: int) -> None:
        """Forget what the queue has, up to event `taken`."""
        self._sending = [entry for entry in self._sending if entry.last > taken]
        while self._waiting and self._next <= taken:
            self._waiting.popleft()
            self._next += 1

    def _take(self) -> list[Entry]:
        """Return the oldest that wait, as entries."""
        entries: list[Entry] = []
        while self._waiting and len(entries) < ENTRIES_AT_ONCE:
            count = min(len(self._waiting), ENTRY_EVENTS_MAX)
            events = [self._waiting.popleft() for _ in range(count)]
            first, self._next = self._next, self._next + count
            entries.append(Entry(first, self._next - 1, packed_array(events)))
        return entries

    def _set_connected(self, is_connected: bool) -> None:
        self.is_connected = is_connected
        CONNECTED.set(is_connected)


async def _last_in_stream(connection: Connection) -> int:
    command = hiredis.pack_command(("XREVRANGE", KEY, "+", "-", "COUNT", 1))  # type: ignore[arg-type]
    await connection.send_packed_command(command)
    found = await connection.read_response()
    return int(found[0][0].partition(b"-")[0]) if found else 0


def _xadd(entry: Entry) -> bytes:
    bound = ("MAXLEN", "~", STREAM_ENTRIES_MAX)
    fields = ("first", entry.first, "events", entry.events)
    command = ("XADD", KEY, *bound, f"{entry.last}-0", *fields)
    packed: bytes = hiredis.pack_command(command)  # type: ignore[arg-type]
    return packed
