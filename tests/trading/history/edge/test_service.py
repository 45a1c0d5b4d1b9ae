import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

import redis
from prometheus_client import REGISTRY

from objects.store import ObjectStore, open_store
from tests.trading.history.sample_events import NOON_NS, plausible
from trading.events import AnyEvent, TradePrinted
from trading.history.batches import EncodedBatch, encode_batch
from trading.history.edge.event_queue import open_queue
from trading.history.edge.reader import HistoryReader
from trading.history.edge.redis_queue import STREAM_KEY
from trading.history.edge.service import HistoryService
from trading.history.edge.verification import verify
from trading.history.manifest import Hole


def service(queue_url: str, store_url: str, flush_events: int = 1000) -> HistoryService:
    return HistoryService(
        queue_url=queue_url, store_url=store_url, flush_seconds=0.2, flush_events=flush_events
    )


def put_anyhow(redis_url: str, events: Sequence[AnyEvent]) -> None:
    """Put a batch into the Redis Stream as it comes, also where it is there already."""
    with redis.Redis.from_url(redis_url) as client:
        client.xadd(STREAM_KEY, {"first": 1, "events": encode_batch(events)})


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(15):
        while not condition():
            await asyncio.sleep(0.01)


def through(store: ObjectStore) -> int:
    return HistoryReader(store).state.through_sequence


def counted(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"agio_history_{name}_total", labels) or 0


async def test_what_is_queued_is_stored_in_time_by_size_and_at_the_end(
    queue_url: str, tmp_path: Path
) -> None:
    store = open_store(tmp_path.as_uri())
    events = list(plausible(2505))
    queue = open_queue(queue_url)
    history = service(queue_url, tmp_path.as_uri())
    await history.start()
    for start in range(0, 2500, 100):
        await queue.put([EncodedBatch.of(events[start : start + 100])])
    await until(lambda: through(store) == 2500)  # two by their size, the last by its time
    assert history.health()["ready"] is True
    await until(lambda: history.health()["pending_events"] == 0)
    await queue.put([EncodedBatch.of(events[2500:])])
    await until(lambda: history.health()["pending_events"] == 5)
    await history.stop()

    assert list(HistoryReader(store).read()) == events
    ends = {p.last_sequence for day in HistoryReader(store).days() for p in day.parts}
    assert {1000, 2000, 2500, 2505} <= ends

    again = service(queue_url, tmp_path.as_uri())
    await again.start()
    await queue.put([EncodedBatch.of(list(plausible(10, 2506)))])
    await again.stop()
    await queue.close()


async def test_what_the_full_queue_dropped_is_a_published_and_counted_gap(
    redis_url: str, tmp_path: Path
) -> None:
    store = open_store(tmp_path.as_uri())
    queue = open_queue(redis_url, batches_max=50)
    events = list(plausible(3000))
    history = service(redis_url, tmp_path.as_uri())
    await queue.put([EncodedBatch.of(events[:10])])
    await history.start()
    await until(lambda: through(store) == 10)
    await history.stop()
    missing = counted("missing_events")
    for start in range(10, 3000, 10):  # nobody reads meanwhile
        await queue.put([EncodedBatch.of(events[start : start + 10])])

    history = service(redis_url, tmp_path.as_uri())
    await history.start()
    await until(lambda: through(store) == 3000)
    (hole,) = HistoryReader(store).state.holes
    assert hole.first_sequence == 11
    await until(lambda: history.health()["pending_events"] == 0)
    assert history.health()["missing_events"] == hole.last_sequence - 10 > 2000
    assert counted("missing_events") - missing == hole.last_sequence - 10
    await history.stop()
    await queue.close()

    verified = verify(store)
    assert verified.problems == []
    assert verified.gaps == [hole]
    left = list(HistoryReader(store).read(allow_gaps=True))
    assert left == [*events[:10], *events[hole.last_sequence :]]


async def test_batches_that_come_again_count_once(redis_url: str, tmp_path: Path) -> None:
    events = list(plausible(100))
    before = counted("duplicate_events")
    history = service(redis_url, tmp_path.as_uri())
    for first, last in ((0, 40), (0, 40), (20, 60), (60, 100), (60, 100)):
        put_anyhow(redis_url, events[first:last])
    await history.start()
    store = open_store(tmp_path.as_uri())
    await until(lambda: through(store) == 100)
    await history.stop()
    assert list(HistoryReader(store).read()) == events
    assert counted("duplicate_events") - before == 40 + 20 + 40


async def test_what_is_no_event_leaves_a_gap_and_stops_nothing(
    redis_url: str, tmp_path: Path
) -> None:
    batches, misfits = (counted("rejected", what=what) for what in ("batch", "event"))
    events = list(plausible(30))
    put_anyhow(redis_url, events[:10])
    with redis.Redis.from_url(redis_url) as client:
        client.xadd(STREAM_KEY, {"first": 11, "events": b"rubbish"})
        client.xadd(STREAM_KEY, {"other": 1})
    too_large = TradePrinted(21, "BTCUSDT", 1, 1, NOON_NS + 21_000_000, 2**63, 1, 1, True)
    put_anyhow(redis_url, [too_large, *events[21:]])
    history = service(redis_url, tmp_path.as_uri())
    await history.start()
    store = open_store(tmp_path.as_uri())
    await until(lambda: through(store) == 30)
    await history.stop()
    (hole,) = HistoryReader(store).gaps()
    assert isinstance(hole, Hole)
    assert (hole.first_sequence, hole.last_sequence) == (11, 21)
    assert counted("rejected", what="batch") - batches == 2
    assert counted("rejected", what="event") - misfits == 1


async def test_a_stream_that_counts_anew_is_not_mixed_in(redis_url: str, tmp_path: Path) -> None:
    history = service(redis_url, tmp_path.as_uri())
    await history.start()
    store = open_store(tmp_path.as_uri())
    put_anyhow(redis_url, list(plausible(50)))
    await until(lambda: through(store) == 50)
    put_anyhow(redis_url, list(plausible(10, start_ns=NOON_NS + 10**9)))
    await until(lambda: history.health()["ready"] is False)
    assert "counts anew" in str(history.health()["failure"])
    await history.stop()
    assert through(store) == 50


async def test_a_queue_and_a_store_that_come_back_are_gone_on_with(
    redis_url: str, tmp_path: Path
) -> None:
    queue = open_queue(redis_url)
    events = list(plausible(100))
    history = service(redis_url, tmp_path.as_uri())
    await history.start()
    await queue.put([EncodedBatch.of(events[:50])])
    store = open_store(tmp_path.as_uri())
    await until(lambda: through(store) == 50)

    aside = tmp_path.with_name("aside")  # the disk goes away
    tmp_path.rename(aside)
    tmp_path.write_bytes(b"")
    await queue.put([EncodedBatch.of(events[50:])])
    await until(lambda: history.health()["ready"] is False)
    tmp_path.unlink()
    aside.rename(tmp_path)
    await until(lambda: through(store) == 100)
    await until(lambda: history.health()["ready"] is True)
    await history.stop()
    await queue.close()
    assert list(HistoryReader(store).read()) == events
