import pytest

from agio.child_process import free_port
from tests.trading.history.sample_events import plausible
from trading.events import EventError
from trading.history.batches import EncodedBatch, decode_batch, encode_batch
from trading.history.edge.event_queue import (
    EventQueue,
    QueuedBatch,
    QueueFailedError,
    open_queue,
)


async def read_all(queue: EventQueue, after: str = "") -> list[QueuedBatch]:
    found: list[QueuedBatch] = []
    while batches := await queue.read(found[-1].position if found else after):
        found += batches
    return found


async def test_batches_come_in_order_from_any_place(queue_url: str) -> None:
    queue = open_queue(queue_url)
    assert await queue.last_sequence() == 0
    batches = [list(plausible(3, first)) for first in range(1, 31, 3)]
    for batch in batches:
        await queue.put([EncodedBatch.of(batch)])

    read = await read_all(queue)
    assert [decode_batch(batch.data) for batch in read] == batches
    assert await read_all(queue, read[3].position) == read[4:]
    assert await queue.read(read[-1].position) == []
    assert await queue.last_sequence() == 30

    await queue.put([EncodedBatch.of(list(plausible(1, 31)))])
    (newest,) = await queue.read(read[-1].position)
    assert decode_batch(newest.data)[0].stream_sequence == 31
    await queue.close()


async def test_batches_put_at_once_are_there_in_order(queue_url: str) -> None:
    queue = open_queue(queue_url)
    batches = [EncodedBatch.of(list(plausible(10, first))) for first in range(1, 400, 10)]
    await queue.put(batches[:30])
    await queue.put(batches[30:])
    assert [batch.data for batch in await read_all(queue)] == [each.data for each in batches]
    await queue.close()


async def test_redis_has_no_batch_twice(redis_url: str) -> None:
    queue = open_queue(redis_url)
    one, other = (EncodedBatch.of(list(plausible(10, first))) for first in (1, 11))
    await queue.put([one])
    with pytest.raises(QueueFailedError, match="equal or smaller"):
        await queue.put([one, other])
    assert await queue.last_sequence() == 20  # it was refused alone
    assert [batch.position for batch in await read_all(queue)] == ["10-0", "20-0"]
    await queue.put([EncodedBatch.of(list(plausible(1, 21)))])
    await queue.close()


async def test_a_full_stream_loses_its_oldest(redis_url: str) -> None:
    queue = open_queue(redis_url, batches_max=100)
    for sequence in range(1, 1001):
        await queue.put([EncodedBatch.of(list(plausible(1, sequence)))])
    left = [decode_batch(batch.data)[0].stream_sequence for batch in await read_all(queue)]
    assert left == list(range(left[0], 1001))
    assert 100 <= len(left) <= 300  # Redis trims by whole nodes
    await queue.close()


@pytest.mark.parametrize("scheme", ["redis://127.0.0.1:{}/0", "kafka://127.0.0.1:{}/events"])
async def test_a_queue_that_is_not_there_says_so(scheme: str) -> None:
    queue = open_queue(scheme.format(free_port()))
    with pytest.raises(QueueFailedError):
        await queue.read("")
    await queue.close()


@pytest.mark.parametrize("data", [b"", b"\x00", encode_batch(list(plausible(2)))[:-1]])
def test_bytes_that_are_no_batch_are_refused(data: bytes) -> None:
    with pytest.raises(EventError, match="no batch"):
        decode_batch(data)
