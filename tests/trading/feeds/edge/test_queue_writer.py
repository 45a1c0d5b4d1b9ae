"""The queue has each event once and in order, and its troubles are not the feed's."""

import os
import signal
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
import redis

from agio.embedded_valkey import EmbeddedValkey
from tests.gateway.edge.json_venue import JsonVenue
from tests.trading.feeds.edge.test_publisher import prints
from tests.trading.feeds.live_feeds import Flow, eventually, feeds, source_url, subscribed
from tests.trading.history.edge.test_event_queue import read_all
from trading import events as stream_events
from trading.events import BookChanged, BookReset, Level
from trading.feeds.edge.queue_writer import QueueWriter
from trading.history.batches import decode_batch
from trading.history.edge.event_queue import open_queue
from trading.history.edge.redis_queue import STREAM_KEY

pytestmark = pytest.mark.timeout(30)


def queued(url: str) -> list[Any]:
    """Return the events in the queue, checked against what their entries say."""
    events: list[Any] = []
    with redis.Redis.from_url(url) as client:
        entries: Any = client.xrange(STREAM_KEY)
    for entry_id, fields in entries:
        batch = msgspec.msgpack.decode(fields[b"events"])
        assert int(fields[b"first"]) == batch[0][1]
        assert entry_id == b"%d-0" % batch[-1][1]
        events += [stream_events.decode(msgspec.msgpack.encode(each)) for each in batch]
    return events


def queued_numbers(url: str) -> list[int]:
    return [event.stream_sequence for event in queued(url)]


async def test_the_queue_has_what_subscribers_get(
    venue: JsonVenue, tmp_path: Path, redis_url: str
) -> None:
    async with (
        feeds(tmp_path, redis_url, source_url(venue)) as service,
        subscribed(service) as subscriber,
    ):
        await Flow(venue).run(50)
        await eventually(lambda: len(subscriber.of(BookChanged)) > 20)
        await eventually(lambda: queued(redis_url) == subscriber.events)


async def test_the_historical_store_reads_what_was_put(queue_url: str) -> None:
    writer = QueueWriter(open_queue(queue_url))
    writer.start(0)
    events = prints(1, 2_500)
    writer.put([stream_events.encode(each) for each in events])
    await eventually(lambda: writer.waiting == 0)
    await writer.stop()
    queue = open_queue(queue_url)
    batches = await read_all(queue)
    assert [each for batch in batches for each in decode_batch(batch.data)] == events
    (behind,) = await queue.read(batches[1].position)
    assert decode_batch(behind.data) == events[2_000:]
    await queue.close()


async def test_a_stopped_redis_slows_nothing_and_gets_it_all_later(
    venue: JsonVenue, tmp_path: Path
) -> None:
    with EmbeddedValkey(tmp_path / "queue.log", "secret") as queue:
        async with (
            feeds(tmp_path, queue.url(), source_url(venue)) as service,
            subscribed(service) as subscriber,
        ):
            os.kill(queue.process.pid, signal.SIGSTOP)
            try:
                await Flow(venue).run(60)
                last_id = (await venue.get("depth", symbol="BTCUSDT"))["lastUpdateId"]
                began_s = time.monotonic()
                await eventually(lambda: last_id in subscriber.books())
                assert time.monotonic() - began_s < 0.5
            finally:
                os.kill(queue.process.pid, signal.SIGCONT)
            await eventually(  # the flow's last trades may still be on their way to both
                lambda: queued_numbers(queue.url()) == list(range(1, len(subscriber.events) + 1))
            )
            assert service.health()["queue_dropped_events"] == 0


async def test_the_oldest_go_when_too_much_waits(tmp_path: Path) -> None:
    queue = EmbeddedValkey(tmp_path / "queue.log", "secret")
    writer = QueueWriter(open_queue("redis://127.0.0.1:1/0"), waiting_events_max=100)
    writer.start(0)
    writer.put([stream_events.encode(each) for each in prints(1, 250)])
    assert (writer.dropped, writer.waiting) == (150, 100)
    await writer.stop()
    with queue:
        writer = QueueWriter(open_queue(queue.url()), waiting_events_max=100)
        writer.start(1_000)
        writer.put([stream_events.encode(each) for each in prints(1_001, 250)])
        await eventually(lambda: writer.waiting == 0)
        assert queued_numbers(queue.url()) == list(range(1_151, 1_251))
        assert writer.waiting == 0
        await writer.stop()


async def test_no_batch_is_larger_than_a_broker_takes(queue_url: str) -> None:
    writer = QueueWriter(open_queue(queue_url))
    writer.start(0)
    levels = tuple(Level(price, 10**12) for price in range(10**6, 10**6 + 5_000))
    resets = [BookReset(n, "BTCUSDT", n, 1, 2, levels, levels) for n in range(1, 31)]
    writer.put([stream_events.encode(each) for each in resets])
    await eventually(lambda: writer.waiting == 0)
    await writer.stop()
    queue = open_queue(queue_url)
    batches = await read_all(queue)
    assert [each for batch in batches for each in decode_batch(batch.data)] == resets
    assert len(batches) > 3
    assert max(len(batch.data) for batch in batches) < 1_000_000
    await queue.close()


async def test_the_handler_writes_to_kafka_and_starts_again_from_it(
    venue: JsonVenue, tmp_path: Path, kafka_url: str
) -> None:
    async with (
        feeds(tmp_path / "one", kafka_url, source_url(venue)) as service,
        subscribed(service) as subscriber,
    ):
        await Flow(venue).run(30)
        await eventually(lambda: len(subscriber.of(BookChanged)) > 5)
        await eventually(lambda: service.health()["queue_connected"] is True)
    before = list(subscriber.events)
    async with (
        feeds(tmp_path / "another machine", kafka_url, source_url(venue)) as service,
        subscribed(service) as subscriber,
    ):
        await eventually(lambda: len(subscriber.events) > len(before) + 3)
        assert subscriber.events[: len(before)] == before
