"""Strategies over TCP: from now, from a number, and why not."""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import pytest

from tests.trading.feeds.live_feeds import EventSubscriber, eventually
from trading import events as stream_events
from trading.events import TradePrinted
from trading.feeds.batch import Batch
from trading.feeds.edge.publisher import RING_EVENTS, EventPublisher

pytestmark = pytest.mark.timeout(20)


@asynccontextmanager
async def publisher(last: int = 0) -> AsyncIterator[EventPublisher]:
    publisher = EventPublisher(last)
    await publisher.start("127.0.0.1", 0)
    yield publisher
    await publisher.stop()


def begun(server: EventPublisher) -> int:
    """Return how many subscribers have said what they want."""
    return sum(each.has_begun for each in server.connections)


def prints(first: int, count: int) -> list[TradePrinted]:
    return [
        TradePrinted(number, "BTCUSDT", number, 1, 2, number, 100, 1, buyer_is_maker=True)
        for number in range(first, first + count)
    ]


def numbers(subscriber: EventSubscriber) -> list[int]:
    return [event.stream_sequence for event in subscriber.events]


async def test_a_subscriber_gets_what_comes_and_one_that_resumes_what_it_missed() -> None:
    async with publisher(last=10) as server:
        live, resuming = EventSubscriber(), EventSubscriber()
        await live.open(server.port)
        await eventually(lambda: begun(server) == 1)
        server.publish(Batch.of(prints(11, 3_000)))
        await resuming.open(server.port, first=1_500)
        await eventually(lambda: begun(server) == 2)
        server.publish(Batch.of(prints(3_011, 2)))
        await eventually(lambda: numbers(live) == list(range(11, 3_013)))
        await eventually(lambda: numbers(resuming) == list(range(1_500, 3_013)))
        assert live.events[0] == prints(11, 1)[0]
        await live.close()
        await resuming.close()


@pytest.mark.parametrize(
    ("first", "version", "error"),
    [
        (10, 4, "stream_sequence 10 is no longer here, the oldest is 11: read the history"),
        (15, 4, "stream_sequence 15 is ahead of 13"),
        (0, 1, "version 1 is not 4"),
    ],
)
async def test_a_request_that_can_not_be_met_is_told_so(
    first: int, version: int, error: str
) -> None:
    async with publisher(last=10) as server:
        server.publish(Batch.of(prints(11, 3)))
        subscriber = EventSubscriber()
        await subscriber.open(server.port, first, version)
        await subscriber.until_closed()
        assert subscriber.error == error
        assert subscriber.events == []


@pytest.mark.parametrize(
    "request_bytes", [b"\xff\xff\xff\xff", b"\x01\0\0\0\xc0", b"\x02\0\0\0\x81\xa1"]
)
async def test_bytes_that_are_no_request_are_refused(request_bytes: bytes) -> None:
    async with publisher() as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(request_bytes)
        answer = await reader.read()
        (length,) = struct.unpack("<I", answer[:4])
        assert len(answer) == 4 + length
        assert "request" in msgspec.msgpack.decode(answer[4:])["error"]
        writer.close()


async def test_a_subscriber_that_does_not_read_is_cut_off_and_holds_nobody_up() -> None:
    async with publisher() as server:
        _, stuck = await asyncio.open_connection("127.0.0.1", server.port, limit=1024)
        request = msgspec.msgpack.encode({"version": stream_events.VERSION, "from": 0})
        stuck.write(struct.pack("<I", len(request)) + request)
        reading = EventSubscriber()
        await reading.open(server.port)
        await eventually(lambda: begun(server) == 2)
        published = 0
        while server.subscriber_count == 2:
            server.publish(Batch.of(prints(published + 1, 5_000)))
            published += 5_000
            assert published < 4 * RING_EVENTS
            await eventually(lambda: len(reading.events) == server.ring.last)
        assert published > RING_EVENTS
        stuck.transport.abort()
        await reading.close()
