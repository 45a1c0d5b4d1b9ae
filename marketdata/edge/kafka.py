"""The event stream as a Kafka topic: the key is the symbol, the value a block.

A key's blocks lie in one partition, which Kafka picks by the key's hash and the count of
partitions: raised later, that count moves symbols to other partitions. A reader of both sees a
gap, or what it has already, never another order.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from marketdata.edge.event_store import (
    READ_WAIT_S,
    KafkaPlace,
    ReadBlock,
    Start,
    StreamFailedError,
)
from marketdata.stream_packer import OutgoingBlock

KAFKA_TIMEOUT_S = 10.0
KAFKA_STOP_S = 1.0
RECORD_BYTES_MAX = 2 * 2**20
BLOCKS_READ_MAX = 500


class KafkaWriter:
    blocks_max = 500
    bytes_max = 16 * 2**20

    def __init__(self, place: KafkaPlace) -> None:
        self._place = place
        self._producer: Any = None

    async def put(self, blocks: Sequence[OutgoingBlock]) -> list[bool]:
        try:
            async with _failures_named():
                producer = await self._started_producer()
                sent = [
                    await producer.send(self._place.topic, block.data, key=block.key.encode())
                    for block in blocks
                ]
                await asyncio.gather(*sent)
        except BaseException:  # what it has not sent is not to come later
            await self.close()
            raise
        return [True] * len(blocks)

    async def close(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            with suppress(KafkaError, OSError, TimeoutError):
                async with asyncio.timeout(KAFKA_STOP_S):
                    await producer.stop()

    async def _started_producer(self) -> Any:
        if self._producer is None:
            self._producer = AIOKafkaProducer(
                bootstrap_servers=self._place.servers,
                enable_idempotence=True,  # what is sent again within a session is there once
                max_request_size=RECORD_BYTES_MAX,
            )
            await self._producer.start()
        return self._producer


class KafkaReader:
    """Reads every partition of the topic, also those that it gets later."""

    def __init__(self, place: KafkaPlace, start: Start) -> None:
        self._place = place
        self._start = start
        self._next_offsets: dict[TopicPartition, int] = {}
        if isinstance(start, Mapping):
            self._next_offsets = {
                TopicPartition(place.topic, int(shard)): int(position) + 1
                for shard, position in start.items()
            }
        self._consumer: Any = None

    async def open(self) -> None:
        await self.close()
        async with _failures_named():
            self._consumer = consumer = AIOKafkaConsumer(
                self._place.topic,
                bootstrap_servers=self._place.servers,
                group_id=None,  # where we stand is the reader's own to know
                enable_auto_commit=False,
                auto_offset_reset="earliest",  # what an offset named may have gone meanwhile
                max_partition_fetch_bytes=RECORD_BYTES_MAX,
                fetch_max_wait_ms=int(READ_WAIT_S * 1000),
            )
            await consumer.start()
            if self._start == "now" and not self._next_offsets:
                self._next_offsets = await consumer.end_offsets(consumer.assignment())
            for partition, offset in self._next_offsets.items():
                consumer.seek(partition, offset)

    async def read(self) -> list[ReadBlock]:
        async with _failures_named():
            found = await self._consumer.getmany(
                timeout_ms=int(READ_WAIT_S * 1000), max_records=BLOCKS_READ_MAX
            )
        for partition, records in found.items():
            self._next_offsets[partition] = records[-1].offset + 1
        return [
            ReadBlock(str(partition.partition), str(record.offset), record.value or b"")
            for partition, records in found.items()
            for record in records
        ]

    async def close(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            with suppress(KafkaError, OSError, TimeoutError):
                async with asyncio.timeout(KAFKA_STOP_S):
                    await consumer.stop()


@asynccontextmanager
async def _failures_named() -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(KAFKA_TIMEOUT_S):
            yield
    except (KafkaError, OSError, TimeoutError) as error:
        raise StreamFailedError(f"Kafka: {type(error).__name__}: {error}") from error
