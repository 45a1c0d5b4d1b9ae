"""A publisher that is fed through the event stream."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from marketdata.edge.event_store import open_writer
from marketdata.edge.publisher import MarketDataPublisher
from marketdata.edge.record_source import EventStream, StreamSource
from marketdata.edge.stream_service import StreamService
from marketdata.feed import FEED_EVENTS
from tests.marketdata.edge.test_publisher import depth_snapshot
from tests.marketdata.edge.test_stream_service import streaming, trade
from tests.marketdata.live_venue import LiveVenue, eventually, live_venue
from tests.marketdata.scripted_venue import ETHUSDT
from tests.marketdata.test_event_stream import traded_records, whole_stream
from tests.vocabulary.test_slices import record_bytes
from vocabulary.event_stream import pack_block, pack_entry, unpack_block
from vocabulary.events import Event
from vocabulary.excerpt import Excerpt
from vocabulary.slices import unpack_slices
from vocabulary.types import Side

POLL_S = 0.01


@pytest.fixture
async def venue(tmp_path: Path, redis_url: str) -> AsyncIterator[LiveVenue]:
    async with live_venue(tmp_path, redis_url) as running:
        await running.publisher.stop()
        yield running


class Told:
    """What a source hands over: of each instrument its events, with their sequences."""

    def __init__(self) -> None:
        self.events: dict[int, list[tuple[int, Event]]] = {1: [], ETHUSDT: []}
        self.caught_up = 0

    def take(self, records: list[Excerpt]) -> None:
        for record in records:
            for event in filter(None, record.events):
                instrument_id = getattr(event, "instrument_id")  # noqa: B009 (every one has it)
                self.events[instrument_id].append((record.sequence, event))

    def catch_up(self) -> None:
        self.caught_up += 1


def journal(venue: LiveVenue) -> dict[int, list[tuple[int, Event]]]:
    told = Told()
    for record in venue.records:
        events = [event for event in record.events if type(event) in FEED_EVENTS]
        told.take([Excerpt(record.sequence, record.timestamp_ns, list(events))])
    return told.events


def source(venue: LiveVenue, url: str, told: Told) -> StreamSource:
    return StreamSource(
        venue.address,
        EventStream(url, POLL_S),
        event_types=FEED_EVENTS,
        on_records=told.take,
        on_caught_up=told.catch_up,
    )


async def carry_out(venue: LiveVenue, orders: int, seed: int) -> None:
    trade(venue, orders, random.Random(seed))
    await venue.carry_out()


async def test_what_came_before_is_asked_of_matching_and_the_rest_comes_by_the_stream(
    venue: LiveVenue, event_stream_url: str, tmp_path: Path
) -> None:
    venue.script.list_instrument(ETHUSDT, b"ETHUSDT", 2)
    await carry_out(venue, 30, 1)
    told = Told()
    follower = source(venue, event_stream_url, told)
    async with streaming(venue, event_stream_url, tmp_path / "stream"):
        await carry_out(venue, 30, 2)
        await follower.start()
        assert told.caught_up == 1
        for seed in range(3, 6):
            await carry_out(venue, 30, seed)
        await eventually(lambda: told.events == journal(venue))
        assert follower.connected
    await follower.stop()
    assert told.caught_up == 1


async def test_what_the_stream_lost_is_asked_of_matching(
    venue: LiveVenue, event_stream_url: str
) -> None:
    """Nothing is missing and nothing comes twice, though the instruments stand apart."""
    venue.script.list_instrument(ETHUSDT, b"ETHUSDT", 2)
    await venue.carry_out()
    told = Told()
    follower = source(venue, event_stream_url, told)
    await follower.start()
    known = len(venue.records)
    await carry_out(venue, 60, 1)
    blocks = whole_stream(unpack_slices(b"".join(map(record_bytes, venue.records))))
    new = [block for block in blocks if block.sequences[0] > known]
    lost = [block for block in new if block.instrument_id == 1][3:9]
    writer = open_writer(event_stream_url)
    for block in new:
        if block not in lost:
            await writer.put([block])
    await eventually(lambda: told.events == journal(venue))
    await writer.close()
    await follower.stop()


async def test_another_venues_stream_is_not_followed(venue: LiveVenue, kinesis_url: str) -> None:
    told = Told()
    follower = source(venue, kinesis_url, told)
    await follower.start()
    writer = open_writer(kinesis_url)
    # Instrument 2 is not listed here; what it does comes behind all that was read at the start.
    blocks = whole_stream(traded_records(random.Random(1)))
    foreign = [block for block in blocks if block.instrument_id == ETHUSDT][-1]
    del told.events[ETHUSDT]
    entry = unpack_block(foreign.data).entries[0]._replace(previous_sequence=0)
    data = pack_block(ETHUSDT, entry.sequence, entry.sequence, [pack_entry(entry)])
    foreign.data = data
    assert entry.sequence > len(venue.records)
    await writer.put([foreign])
    await eventually(lambda: not follower.connected)
    await writer.close()
    await follower.stop()


async def test_a_stream_that_was_away_is_followed_on(
    venue: LiveVenue, kinesis_url: str, aws_endpoint: str, tmp_path: Path
) -> None:
    from tests.marketdata.edge.kinesis_proxy import kinesis_proxy

    venue.script.list_instrument(ETHUSDT, b"ETHUSDT", 2)
    await venue.carry_out()
    told = Told()
    async with kinesis_proxy(aws_endpoint, random.Random(1)) as proxy:
        follower = source(venue, kinesis_url.replace(aws_endpoint, proxy.url), told)
        await follower.start()
        async with streaming(venue, kinesis_url, tmp_path / "stream"):
            proxy.is_down = True
            await carry_out(venue, 30, 1)
            await eventually(lambda: not follower.connected)
            proxy.is_down = False
            await eventually(lambda: told.events == journal(venue))
            assert follower.connected
        await follower.stop()


async def test_redis_tells_the_same_whether_fed_by_matching_or_by_the_stream(
    venue: LiveVenue, event_stream_url: str, tmp_path: Path
) -> None:
    await carry_out_one(venue)
    service = StreamService(
        matching_address=venue.address,
        event_stream_url=event_stream_url,
        directory=tmp_path / "stream",
    )
    await service.start()
    publisher = MarketDataPublisher(
        matching_address=venue.address,
        redis_url=venue.redis_url,
        event_stream=EventStream(event_stream_url, POLL_S),
    )
    await publisher.start()
    try:
        for _ in range(5):
            await carry_out_one(venue)
            await asyncio.sleep(0.02)

        def shows() -> bool:
            snapshot = depth_snapshot(venue.redis_url)
            bids = {one.price_ticks: one.lots for one in snapshot.bids} if snapshot else None
            return bids == venue.script.levels(Side.BUY)

        await eventually(shows)
        await eventually(lambda: publisher.health()["ready"] is True)
        assert publisher.health()["stream_connected"] is True
    finally:
        await publisher.stop()
        await service.stop()


async def carry_out_one(venue: LiveVenue) -> None:
    venue.script.buy(99, 5)
    venue.script.sell(99, 2)
    await venue.carry_out()
