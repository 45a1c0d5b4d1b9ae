"""The event stream on a Kinesis and a Kafka, written by the service and read back."""

from __future__ import annotations

import asyncio
import hashlib
import random
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest

from marketdata.edge import kinesis as kinesis_store
from marketdata.edge import stream_service
from marketdata.edge.event_store import open_writer
from marketdata.edge.stream_follower import Checkpoint, StreamFollower, StreamGapError
from marketdata.edge.stream_service import StreamService
from marketdata.stream_packer import StreamPacker
from tests.marketdata.edge.kinesis_proxy import kinesis_proxy
from tests.marketdata.live_venue import LiveVenue, eventually, live_venue
from tests.marketdata.scripted_venue import ETHUSDT
from tests.marketdata.test_event_stream import expected, traded_records, whole_stream
from tests.vocabulary.test_slices import record_bytes
from vocabulary.slices import unpack_slices
from vocabulary.types import Side

POLL_S = 0.01
PATIENCE_S = 60.0

Told = dict[int, list[tuple[int, bytes]]]


@pytest.fixture
async def venue(tmp_path: Path, redis_url: str) -> AsyncIterator[LiveVenue]:
    async with live_venue(tmp_path, redis_url) as running:
        yield running


@asynccontextmanager
async def streaming(venue: LiveVenue, url: str, directory: Path) -> AsyncIterator[StreamService]:
    service = StreamService(
        matching_address=venue.address, event_stream_url=url, directory=directory
    )
    await service.start()
    try:
        yield service
    finally:
        await service.stop()


def trade(venue: LiveVenue, orders: int, chance: random.Random) -> None:
    for _ in range(orders):
        venue.script.enter(
            chance.choice(list(Side)),
            chance.randint(90, 99),
            3,
            account_id=chance.choice([7, 8]),
            instrument_id=chance.choice([1, 2]),
        )


def journal(venue: LiveVenue) -> Told:
    return expected(unpack_slices(b"".join(map(record_bytes, venue.records))))


def count(told: Told) -> int:
    return sum(map(len, told.values()))


async def read_until(follower: StreamFollower, entries: int) -> Told:
    """Read so many entries in all; fail if they don't come, or if more do."""
    told: Told = {}
    async with asyncio.timeout(PATIENCE_S):
        while count(told) < entries:
            for instrument_id, entry in await follower.read():
                told.setdefault(instrument_id, []).append((entry.sequence, entry.events))
    assert not await follower.read()
    return told


async def read_all(url: str, entries: int) -> Told:
    follower = StreamFollower(url, poll_s=POLL_S)
    await follower.open()
    try:
        return await read_until(follower, entries)
    finally:
        await follower.close()


async def test_a_reader_gets_every_event_of_the_journal_in_order(
    venue: LiveVenue, event_stream_url: str, tmp_path: Path
) -> None:
    venue.script.list_instrument(ETHUSDT, b"ETHUSDT", 2)
    async with streaming(venue, event_stream_url, tmp_path / "stream") as service:
        for _ in range(5):
            trade(venue, 40, random.Random(1))
            await venue.carry_out()
        await eventually(lambda: service.health()["sequence"] == len(venue.records))
        assert service.health()["ready"] is True
    wanted = journal(venue)
    assert await read_all(event_stream_url, count(wanted)) == wanted


async def test_a_reader_goes_on_where_its_checkpoint_stands(
    venue: LiveVenue, event_stream_url: str, tmp_path: Path
) -> None:
    venue.script.list_instrument(ETHUSDT, b"ETHUSDT", 2)
    checkpoint: Checkpoint | None = None
    told: Told = {}
    async with streaming(venue, event_stream_url, tmp_path / "stream"):
        for seed in range(3):
            trade(venue, 30, random.Random(seed))
            await venue.carry_out()
            follower = StreamFollower(event_stream_url, checkpoint, poll_s=POLL_S)
            await follower.open()
            entries = count(journal(venue)) - count(told)
            for number, new in (await read_until(follower, entries)).items():
                told.setdefault(number, []).extend(new)
            checkpoint = follower.checkpoint
            await follower.close()
    assert told == journal(venue)


async def test_a_disk_that_takes_no_progress_ends_nothing(
    venue: LiveVenue, event_stream_url: str, tmp_path: Path
) -> None:
    directory = tmp_path / "stream"
    async with streaming(venue, event_stream_url, directory) as service:
        trade(venue, 10, random.Random(1))
        await venue.carry_out()
        await eventually(lambda: service.health()["sequence"] == len(venue.records))
        shutil.rmtree(directory)
        directory.touch()
        trade(venue, 10, random.Random(2))
        await venue.carry_out()
        wanted = journal(venue)
        assert await read_all(event_stream_url, count(wanted)) == wanted
        await asyncio.sleep(2 * stream_service.SAVE_INTERVAL_S)
        assert service.health()["ready"] is True
        directory.unlink()
        await eventually(lambda: service.health()["sequence"] == len(venue.records))


async def test_what_nobody_foresaw_is_told_by_health(
    venue: LiveVenue, event_stream_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with streaming(venue, event_stream_url, tmp_path / "stream") as service:

        def fail(*_: object) -> None:
            raise ZeroDivisionError("on purpose")

        monkeypatch.setattr(StreamPacker, "settle", fail)
        trade(venue, 10, random.Random(1))
        await venue.carry_out()
        await eventually(lambda: service.health()["failed"] is True)
        assert service.health()["ready"] is False
        assert service.health()["failure"] == "ZeroDivisionError: on purpose"


async def test_without_its_progress_everything_is_put_again_and_read_once(
    venue: LiveVenue, event_stream_url: str, tmp_path: Path
) -> None:
    venue.script.list_instrument(ETHUSDT, b"ETHUSDT", 2)
    for name in ("first", "second"):
        trade(venue, 50, random.Random(name))
        await venue.carry_out()
        async with streaming(venue, event_stream_url, tmp_path / name) as service:
            await eventually(lambda: service.health()["sequence"] == len(venue.records))
    wanted = journal(venue)
    follower = StreamFollower(event_stream_url, poll_s=POLL_S)
    await follower.open()
    assert await read_until(follower, count(wanted)) == wanted
    assert follower.duplicates > 50
    await follower.close()


async def test_its_progress_spares_what_is_there(
    venue: LiveVenue, kinesis_url: str, tmp_path: Path
) -> None:
    async with streaming(venue, kinesis_url, tmp_path / "stream"):
        venue.script.trade(95, 1)
        await venue.carry_out()
    venue.script.trade(96, 1)
    await venue.carry_out()
    async with streaming(venue, kinesis_url, tmp_path / "stream"):
        pass
    follower = StreamFollower(kinesis_url, poll_s=POLL_S)
    await follower.open()
    await read_until(follower, count(journal(venue)))
    assert follower.duplicates == 0
    await follower.close()


async def test_a_kinesis_that_refuses_and_forgets_to_answer_changes_no_order(
    venue: LiveVenue, kinesis_url: str, aws_endpoint: str, tmp_path: Path
) -> None:
    venue.script.list_instrument(ETHUSDT, b"ETHUSDT", 2)
    async with kinesis_proxy(aws_endpoint, random.Random(5)) as proxy:
        through_proxy = kinesis_url.replace(aws_endpoint, proxy.url)
        async with streaming(venue, through_proxy, tmp_path / "stream") as service:
            for seed in range(8):
                trade(venue, 20, random.Random(seed))
                await venue.carry_out()
                proxy.is_down = seed == 4
                await asyncio.sleep(0.05)
            proxy.is_down = False
            await eventually(lambda: service.health()["sequence"] == len(venue.records))
        assert proxy.refused > 3
    wanted = journal(venue)
    assert await read_all(kinesis_url, count(wanted)) == wanted


async def test_too_much_that_waits_is_left_in_the_journal(
    venue: LiveVenue, kinesis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_service, "WAITING_BYTES_MAX", 2_000)
    async with streaming(venue, kinesis_url, tmp_path / "stream") as service:
        for seed in range(20):
            trade(venue, 30, random.Random(seed))
            await venue.carry_out()
        await eventually(lambda: service.health()["sequence"] == len(venue.records))
    wanted = journal(venue)
    assert await read_all(kinesis_url, count(wanted)) == wanted


def open_shard(stream: Any, key: str, _explicit_hash_key: str | None) -> Any:
    """Find a key's shard as AWS does; moto puts into shards that were split, too."""
    number = int(hashlib.md5(key.encode()).hexdigest(), 16)
    return next(
        shard
        for shard in stream.shards.values()
        if shard.is_open and shard.starting_hash <= number <= shard.ending_hash
    )


async def test_shards_that_split_and_merge_keep_a_symbols_order(
    venue: LiveVenue,
    kinesis_url: str,
    aws_endpoint: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("moto.kinesis.models.Stream.get_shard_for_key", open_shard)
    monkeypatch.setattr(kinesis_store, "LIST_INTERVAL_S", 0.1)
    kinesis: Any = boto3.client("kinesis", endpoint_url=aws_endpoint)
    name = kinesis_url.partition("us-east-1/")[2].partition("?")[0]
    venue.script.list_instrument(ETHUSDT, b"ETHUSDT", 2)
    follower = StreamFollower(kinesis_url, poll_s=POLL_S)
    await follower.open()
    told: Told = {}
    async with streaming(venue, kinesis_url, tmp_path / "stream") as service:
        for change in range(3):
            trade(venue, 30, random.Random(change))
            await venue.carry_out()
            await eventually(lambda: service.health()["sequence"] == len(venue.records))
            if change == 0:
                middle = {"NewStartingHashKey": str(2**126)}
                kinesis.split_shard(StreamName=name, ShardToSplit="shardId-000000000000", **middle)
            elif change == 1:
                two = ("shardId-000000000001", "shardId-000000000002")
                kinesis.merge_shards(
                    StreamName=name, ShardToMerge=two[0], AdjacentShardToMerge=two[1]
                )
            entries = count(journal(venue)) - count(told)
            for number, new in (await read_until(follower, entries)).items():
                told.setdefault(number, []).extend(new)
    assert told == journal(venue)
    await follower.close()


async def test_a_reader_that_comes_too_late_is_told_so(event_stream_url: str) -> None:
    """What a stream no longer keeps is missing at its beginning."""
    blocks = whole_stream(traded_records(random.Random(3)))
    writer = open_writer(event_stream_url)
    for block in [block for block in blocks if block.instrument_id == 1][1:4]:
        assert await writer.put([block]) == [True]
    await writer.close()
    follower = StreamFollower(event_stream_url, poll_s=POLL_S)
    await follower.open()
    with pytest.raises(StreamGapError):
        await read_until(follower, 3)
    await follower.close()
