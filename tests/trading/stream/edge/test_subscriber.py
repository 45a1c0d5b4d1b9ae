"""A consumer gets every event once and in order, whatever happens to connections and handlers."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from agio.child_process import free_port
from objects.store import open_store
from tests.trading.feeds.edge.test_publisher import begun, prints, publisher
from tests.trading.feeds.live_feeds import eventually
from trading.events import AnyEvent
from trading.feeds.batch import Batch
from trading.feeds.edge.publisher import EventPublisher
from trading.history.edge.reader import HistoryReader
from trading.history.edge.writer import HistoryWriter
from trading.history.manifest import STREAM_KEY
from trading.stream.edge.subscriber import StreamBrokenError, StreamSubscriber

pytestmark = pytest.mark.timeout(20)


class Consumer:
    """Keeps what it got; `task` ends only with a failure."""

    def __init__(self, port: int, first: int, history: HistoryReader | None = None) -> None:
        self.events: list[AnyEvent] = []
        self.subscriber = StreamSubscriber("127.0.0.1", port, first, self.events.extend, history)
        self.task = asyncio.create_task(self.subscriber.run())

    @property
    def numbers(self) -> list[int]:
        return [event.stream_sequence for event in self.events]

    async def failure(self) -> BaseException | None:
        await asyncio.wait({self.task}, timeout=10)
        return self.task.exception()


@asynccontextmanager
async def consuming(
    port: int, first: int, history: HistoryReader | None = None
) -> AsyncIterator[Consumer]:
    consumer = Consumer(port, first, history)
    yield consumer
    consumer.task.cancel()
    await asyncio.wait({consumer.task})


@asynccontextmanager
async def serving(port: int, last: int) -> AsyncIterator[EventPublisher]:
    server = EventPublisher(last)
    await server.start("127.0.0.1", port)
    yield server
    await server.stop()


def stored(directory: Path, events: Sequence[AnyEvent]) -> HistoryReader:
    store = open_store(directory.as_uri())
    writer = HistoryWriter(store)
    writer.open()
    writer.write(events, "")
    return HistoryReader(store)


async def test_a_consumer_goes_on_over_connections() -> None:
    port = free_port()
    async with serving(port, 0) as server, consuming(port, 1) as consumer:
        server.publish(Batch.of(prints(1, 2_000)))
        await eventually(lambda: len(consumer.events) == 2_000)
    async with consuming(port, 2_001) as consumer:
        async with serving(port, 2_000) as server:
            server.publish(Batch.of(prints(2_001, 10)))
            await eventually(lambda: len(consumer.events) == 10)
        await eventually(lambda: not consumer.subscriber.is_connected)
        async with serving(port, 2_010) as server:
            server.publish(Batch.of(prints(2_011, 10)))
            await eventually(lambda: len(consumer.events) == 20)
            assert consumer.numbers == list(range(2_001, 2_021))
            assert consumer.subscriber.next_sequence == 2_021


async def test_from_now_on_is_from_the_first_that_comes() -> None:
    async with publisher(last=10) as server:
        server.publish(Batch.of(prints(11, 5)))
        async with consuming(server.port, 0) as consumer:
            await eventually(lambda: begun(server) == 1)
            server.publish(Batch.of(prints(16, 5)))
            await eventually(lambda: consumer.numbers == list(range(16, 21)))


async def test_what_the_handler_no_longer_keeps_is_read_from_history(tmp_path: Path) -> None:
    events = prints(1, 300)
    history = stored(tmp_path, events[:200])
    async with publisher(last=250) as server, consuming(server.port, 51, history) as consumer:
        await eventually(lambda: len(consumer.events) == 150)
        await asyncio.sleep(0.1)  # the store does not have the next ones yet
        writer = HistoryWriter(open_store(tmp_path.as_uri()))
        writer.open()
        writer.write(events[200:270], "")
        server.publish(Batch.of(events[250:]))
        await eventually(lambda: len(consumer.events) == 250)
        assert consumer.events == events[50:]


async def test_a_store_out_of_reach_is_waited_for(tmp_path: Path) -> None:
    events = prints(1, 30)
    history = stored(tmp_path / "store", events[:20])
    state = tmp_path / "store" / STREAM_KEY
    state.rename(tmp_path / "away")
    state.mkdir()  # reading it fails now
    async with publisher(last=20) as server, consuming(server.port, 1, history) as consumer:
        server.publish(Batch.of(events[20:]))
        await asyncio.sleep(0.2)
        assert (consumer.events, consumer.task.done()) == ([], False)
        state.rmdir()
        (tmp_path / "away").rename(state)
        await eventually(lambda: consumer.events == events)


async def test_a_hole_stops_the_consumer_and_is_named(tmp_path: Path) -> None:
    events = prints(1, 300)
    history = stored(tmp_path, [*events[:100], *events[120:260]])
    async with publisher(last=250) as server, consuming(server.port, 51, history) as consumer:
        failure = await consumer.failure()
        assert isinstance(failure, StreamBrokenError)
        assert str(failure) == "event 121 came where 101 was to come"
        assert consumer.events == []


@pytest.mark.parametrize(("first", "told"), [(5, "no longer here"), (12, "ahead of 10")])
async def test_a_stream_that_can_not_be_gone_on_with_says_so(first: int, told: str) -> None:
    async with publisher(last=10) as server, consuming(server.port, first) as consumer:
        failure = await consumer.failure()
        assert isinstance(failure, StreamBrokenError)
        assert told in str(failure)


async def test_a_consumers_failure_is_its_own() -> None:
    async with publisher() as server:

        def fail(_events: list[AnyEvent]) -> None:
            raise OSError("no space left")

        subscriber = StreamSubscriber("127.0.0.1", server.port, 1, fail)
        server.publish(Batch.of(prints(1, 1)))
        with pytest.raises(OSError, match="no space left"):
            await subscriber.run()
