"""The event queue as a Redis Stream: an entry per batch, of the fields `first` and `events`.

An entry's id is `<stream_sequence of its last event>-0`: Redis refuses a batch that it has, and
XREAD after `N-0` gives what follows event N.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import hiredis
from redis.asyncio import Redis
from redis.asyncio.connection import Connection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from trading.history.batches import EncodedBatch
from trading.history.edge.event_queue import (
    BATCHES_READ_MAX,
    READ_WAIT_S,
    QueuedBatch,
    QueueFailedError,
)

STREAM_KEY = "agio:trading:events"
REDIS_TIMEOUT_S = 5.0


class RedisQueue:
    """Holds about `batches_max` batches: Redis trims by whole nodes of its list, never too many."""

    def __init__(self, url: str, *, batches_max: int, key: str = STREAM_KEY) -> None:
        # Timeouts are ours: redis-py's make a task of each write.
        self._redis = Redis.from_url(
            url, socket_timeout=None, socket_connect_timeout=None, retry=Retry(NoBackoff(), 0)
        )
        self._batches_max = batches_max
        self._key = key
        self._putting: Connection | None = None

    async def put(self, batches: Sequence[EncodedBatch]) -> None:
        packed = b"".join([self._xadd(batch) for batch in batches])
        try:
            async with _failures_named():
                connection = await self._connected()
                await connection.send_packed_command(packed)
                for _ in batches:
                    await connection.read_response()
        except BaseException:  # answers that nobody read would be taken for those to the next
            await self._disconnect()
            raise

    async def read(self, after: str) -> list[QueuedBatch]:
        async with _failures_named():
            replies: Any = await self._redis.xread(
                {self._key: after or "0"}, count=BATCHES_READ_MAX, block=int(READ_WAIT_S * 1000)
            )
        return [_batch(*entry) for _key, entries in replies for entry in entries]

    async def last_sequence(self) -> int:
        async with _failures_named():
            entries: Any = await self._redis.xrevrange(self._key, count=1)
        return int(entries[0][0].partition(b"-")[0]) if entries else 0

    async def close(self) -> None:
        await self._disconnect()
        await self._redis.aclose()

    async def _connected(self) -> Connection:
        if self._putting is None:
            connection: Connection = self._redis.connection_pool.make_connection()  # type: ignore[no-untyped-call]
            await connection.connect()  # type: ignore[no-untyped-call]
            self._putting = connection
        return self._putting

    async def _disconnect(self) -> None:
        connection, self._putting = self._putting, None
        if connection is not None:
            await connection.disconnect(nowait=True)

    def _xadd(self, batch: EncodedBatch) -> bytes:
        bound = ("MAXLEN", "~", self._batches_max)
        fields = ("first", batch.first, "events", batch.data)
        command = ("XADD", self._key, *bound, f"{batch.last}-0", *fields)
        packed: bytes = hiredis.pack_command(command)  # type: ignore[arg-type]
        return packed


def _batch(entry_id: bytes, fields: dict[bytes, bytes]) -> QueuedBatch:
    return QueuedBatch(entry_id.decode(), fields.get(b"events", b""))


@asynccontextmanager
async def _failures_named() -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(REDIS_TIMEOUT_S):
            yield
    except (RedisError, OSError, TimeoutError) as error:
        raise QueueFailedError(f"Redis: {type(error).__name__}: {error}") from error
