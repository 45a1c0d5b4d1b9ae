"""The event queue as a Kafka topic of one partition: only within one is there an order.

How much it holds is the topic's own `retention.bytes` and `retention.ms`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from trading.events import EventError
from trading.history.batches import EncodedBatch, decode_batch
from trading.history.edge.event_queue import (
    BATCHES_READ_MAX,
    READ_WAIT_S,
    QueuedBatch,
    QueueFailedError,
)

KAFKA_TIMEOUT_S = 10.0
KAFKA_STOP_S = 1.0
BATCH_BYTES_MAX = 16 * 2**20


class KafkaQueue:
    """A record per batch: the key is the first stream_sequence in decimal, the value its events."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._servers = parts.netloc
        self._partition = TopicPartition(parts.path.strip("/"), 0)
        self._producer: Any = None
        self._consumer: Any = None
        self._next_offset: int | None = None

    async def put(self, batches: Sequence[EncodedBatch]) -> None:
        try:
            async with _failures_named():
                producer = await self._started_producer()
                await asyncio.gather(*[await self._send(producer, each) for each in batches])
        except QueueFailedError:
            await self._drop_producer()
            raise

    async def _send(self, producer: Any, batch: EncodedBatch) -> Any:
        """Return the future of a record that is sent behind those before."""
        return await producer.send(
            self._partition.topic,
            batch.data,
            key=b"%d" % batch.first,
            partition=self._partition.partition,
        )

    async def read(self, after: str) -> list[QueuedBatch]:
        async with _failures_named():
            consumer = await self._assigned_consumer()
            offset = int(after) + 1 if after else None
            if offset is None or offset != self._next_offset:
                await self._seek(consumer, offset)
            found = await consumer.getmany(
                self._partition, timeout_ms=int(READ_WAIT_S * 1000), max_records=BATCHES_READ_MAX
            )
        batches = [_batch(record) for record in found.get(self._partition, [])]
        if batches:
            self._next_offset = int(batches[-1].position) + 1
        return batches

    async def last_sequence(self) -> int:
        async with _failures_named():
            consumer = await self._assigned_consumer()
            end = (await consumer.end_offsets([self._partition]))[self._partition]
            start = (await consumer.beginning_offsets([self._partition]))[self._partition]
            if end == start:
                return 0
            self._next_offset = None
            consumer.seek(self._partition, end - 1)
            record = await consumer.getone(self._partition)
        try:
            return decode_batch(_batch(record).data)[-1].stream_sequence
        except (EventError, IndexError) as error:
            raise QueueFailedError(f"Kafka: the newest record is no batch: {error}") from error

    async def close(self) -> None:
        await self._drop_producer()
        if self._consumer is not None:
            await self._consumer.stop()

    async def _started_producer(self) -> Any:
        if self._producer is None:
            self._producer = AIOKafkaProducer(
                bootstrap_servers=self._servers,
                enable_idempotence=True,  # what is sent again within a session is there once
                max_request_size=BATCH_BYTES_MAX,
            )
            await self._producer.start()
        return self._producer

    async def _drop_producer(self) -> None:
        """Let go of a session that failed: what it had not sent is not to come later."""
        producer, self._producer = self._producer, None
        if producer is not None:
            with suppress(KafkaError, OSError, TimeoutError):
                async with asyncio.timeout(KAFKA_STOP_S):
                    await producer.stop()

    async def _assigned_consumer(self) -> Any:
        if self._consumer is None:
            consumer = AIOKafkaConsumer(
                bootstrap_servers=self._servers,
                group_id=None,  # where we stand is the store's to know
                enable_auto_commit=False,
                auto_offset_reset="earliest",  # what an offset named may have gone meanwhile
                max_partition_fetch_bytes=BATCH_BYTES_MAX,
                # A seek has to wait for the fetch under way: that must end within one `read`.
                fetch_max_wait_ms=int(READ_WAIT_S * 1000 / 3),
            )
            await consumer.start()
            consumer.assign([self._partition])
            self._consumer = consumer
        return self._consumer

    async def _seek(self, consumer: Any, offset: int | None) -> None:
        if offset is None:
            await consumer.seek_to_beginning(self._partition)
        else:
            consumer.seek(self._partition, offset)
        self._next_offset = offset


def _batch(record: Any) -> QueuedBatch:
    return QueuedBatch(str(record.offset), record.value or b"")


@asynccontextmanager
async def _failures_named() -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(KAFKA_TIMEOUT_S):
            yield
    except (KafkaError, OSError, TimeoutError) as error:
        raise QueueFailedError(f"Kafka: {type(error).__name__}: {error}") from error
