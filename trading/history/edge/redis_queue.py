"""The event queue as a Redis Stream: an entry per batch, of the fields `first` and `events`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from trading.events import AnyEvent
from trading.history.batches import encode_batch
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
        self._redis = Redis.from_url(url, socket_timeout=None, socket_connect_timeout=None)
        self._batches_max = batches_max
        self._key = key

    async def put(self, events: Sequence[AnyEvent]) -> None:
        fields: dict[Any, Any] = {
            b"first": events[0].stream_sequence,
            b"events": encode_batch(events),
        }
        async with _failures_named():
            await self._redis.xadd(self._key, fields, maxlen=self._batches_max, approximate=True)

    async def read(self, after: str) -> list[QueuedBatch]:
        async with _failures_named():
            replies: Any = await self._redis.xread(
                {self._key: after or "0"}, count=BATCHES_READ_MAX, block=int(READ_WAIT_S * 1000)
            )
        return [_batch(*entry) for _key, entries in replies for entry in entries]

    async def last(self) -> QueuedBatch | None:
        async with _failures_named():
            entries: Any = await self._redis.xrevrange(self._key, count=1)
        return _batch(*entries[0]) if entries else None

    async def close(self) -> None:
        await self._redis.aclose()


def _batch(entry_id: bytes, fields: dict[bytes, bytes]) -> QueuedBatch:
    return QueuedBatch(entry_id.decode(), fields.get(b"events", b""))


@asynccontextmanager
async def _failures_named() -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(REDIS_TIMEOUT_S):
            yield
    except (RedisError, OSError, TimeoutError) as error:
        raise QueueFailedError(f"Redis: {type(error).__name__}: {error}") from error
