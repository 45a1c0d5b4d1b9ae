"""The event stream on Kinesis Data Streams: the partition key is the symbol, the data a block."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from marketdata.edge.event_store import (
    KinesisPlace,
    ReadBlock,
    Start,
    StreamFailedError,
)
from marketdata.stream_packer import OutgoingBlock

TIMEOUT_S = 10
CONNECTIONS_MAX = 32
CLOCKS_DIFFER_S = 60.0
RECORDS_READ_MAX = 10_000
LIST_INTERVAL_S = 10.0

# What a shard has too much to do for, and an iterator that was not used for five minutes.
BUSY = {"ProvisionedThroughputExceededException", "KMSThrottlingException"}
EXPIRED = "ExpiredIteratorException"


class KinesisWriter:
    """Puts by PutRecords.

    That promises no order among a call's records, and may take a later one while it refuses an
    earlier one (Kinesis API Reference, PutRecords): hence no two of one key in a call.
    """

    blocks_max = 500
    bytes_max = 5 * 2**20

    def __init__(self, place: KinesisPlace) -> None:
        self._stream = place.stream
        self._kinesis = _client(place)

    async def put(self, blocks: Sequence[OutgoingBlock]) -> list[bool]:
        records = [{"Data": block.data, "PartitionKey": block.key} for block in blocks]
        async with _failures_named():
            answer = await asyncio.to_thread(
                self._kinesis.put_records, StreamName=self._stream, Records=records
            )
        return ["ErrorCode" not in result for result in answer["Records"]]

    async def close(self) -> None:
        self._kinesis.close()


class KinesisReader:
    """Reads all shards by GetRecords, each every `poll_s`.

    AWS allows five reads a second of a shard, to all readers together. A shard that was split or
    merged is read to its end before what came of it: so a key's blocks stay in order.
    """

    def __init__(self, place: KinesisPlace, start: Start, poll_s: float) -> None:
        self._stream = place.stream
        self._kinesis = _client(place)
        self._poll_s = poll_s
        self._poll_due_s = 0.0
        self._list_due_s = 0.0
        self._positions = dict(start) if isinstance(start, Mapping) else {}
        self._begin: dict[str, Any] = {"ShardIteratorType": "TRIM_HORIZON"}
        if start == "now":
            began = datetime.fromtimestamp(time.time() - CLOCKS_DIFFER_S, UTC)
            self._begin = {"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": began}
        self._iterators: dict[str, str] = {}
        self._closed: set[str] = set()
        self._finished: set[str] = set()

    async def open(self) -> None:
        self._iterators.clear()
        async with _failures_named():
            await asyncio.to_thread(self._list_shards)

    async def read(self) -> list[ReadBlock]:
        await asyncio.sleep(self._poll_due_s - time.monotonic())
        self._poll_due_s = time.monotonic() + self._poll_s
        async with _failures_named():
            if time.monotonic() >= self._list_due_s:
                await asyncio.to_thread(self._list_shards)
            shards = list(self._iterators)
            found = await asyncio.gather(
                *(asyncio.to_thread(self._read_shard, shard) for shard in shards)
            )
        return [block for blocks in found for block in blocks]

    async def close(self) -> None:
        self._kinesis.close()

    def _list_shards(self) -> None:
        """Begin to read the shards whose parents are read to the end, or no longer kept."""
        shards = {shard["ShardId"]: shard for shard in self._pages_of_shards()}
        for name, shard in shards.items():
            if "EndingSequenceNumber" in shard["SequenceNumberRange"]:
                self._closed.add(name)
            parents = {shard.get("ParentShardId"), shard.get("AdjacentParentShardId")}
            if name not in self._iterators.keys() | self._finished and not (
                (parents & shards.keys()) - self._finished
            ):
                self._iterators[name] = self._iterator(name)
        self._list_due_s = time.monotonic() + LIST_INTERVAL_S

    def _pages_of_shards(self) -> list[dict[str, Any]]:
        pages = self._kinesis.get_paginator("list_shards").paginate(StreamName=self._stream)
        return [shard for page in pages for shard in page["Shards"]]

    def _iterator(self, shard: str) -> str:
        place = self._begin
        if shard in self._positions:
            place = {
                "ShardIteratorType": "AFTER_SEQUENCE_NUMBER",
                "StartingSequenceNumber": self._positions[shard],
            }
        answer = self._kinesis.get_shard_iterator(StreamName=self._stream, ShardId=shard, **place)
        return str(answer["ShardIterator"])

    def _read_shard(self, shard: str) -> list[ReadBlock]:
        try:
            answer = self._kinesis.get_records(
                ShardIterator=self._iterators[shard], Limit=RECORDS_READ_MAX
            )
        except ClientError as error:
            if _code(error) == EXPIRED:
                self._iterators[shard] = self._iterator(shard)
                return []
            if _code(error) in BUSY:
                return []
            raise
        blocks = [
            ReadBlock(shard, record["SequenceNumber"], record["Data"])
            for record in answer["Records"]
        ]
        if blocks:
            self._positions[shard] = blocks[-1].position
        is_at_tip = not blocks and not answer.get("MillisBehindLatest")
        if "NextShardIterator" in answer and not (shard in self._closed and is_at_tip):
            self._iterators[shard] = answer["NextShardIterator"]
        else:
            self._finished.add(shard)
            del self._iterators[shard]
            self._list_due_s = 0.0
        return blocks


def _client(place: KinesisPlace) -> Any:
    config = Config(
        connect_timeout=TIMEOUT_S,
        read_timeout=TIMEOUT_S,
        max_pool_connections=CONNECTIONS_MAX,
        retries={"mode": "standard", "total_max_attempts": 1},  # who calls knows what to repeat
    )
    return boto3.client(
        "kinesis", region_name=place.region, endpoint_url=place.endpoint, config=config
    )


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


@asynccontextmanager
async def _failures_named() -> AsyncIterator[None]:
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise StreamFailedError(f"Kinesis: {error}") from error
