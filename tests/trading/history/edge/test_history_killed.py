import random
import time
from pathlib import Path

import pytest

from objects.store import ObjectStore, open_store
from tests.trading.history.edge.history_process import start_history
from tests.trading.history.sample_events import plausible
from trading.history.batches import EncodedBatch
from trading.history.edge.event_queue import open_queue
from trading.history.edge.reader import HistoryReader
from trading.history.edge.verification import verify

BATCH = 20
SOME_CUTS_S = 0.03


# So many events that no machine is through with them while it is being killed.
@pytest.mark.parametrize(("kind", "events_count", "kills"), [("file", 20_000, 10), ("s3", 2000, 3)])
async def test_kill_9_in_the_middle_of_uploads(
    kind: str,
    events_count: int,
    kills: int,
    redis_url: str,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    url = tmp_path.as_uri() if kind == "file" else request.getfixturevalue("s3_store_url")
    events = list(plausible(events_count))
    queue = open_queue(redis_url)
    for start in range(0, events_count, BATCH):
        await queue.put([EncodedBatch.of(events[start : start + BATCH])])
    await queue.close()
    store = open_store(url)
    chance = random.Random(7)

    in_the_middle = killed = 0
    while killed < kills or not in_the_middle:
        killed += 1
        before = HistoryReader(store).state.through_sequence
        process = start_history(redis_url, url, 2 * BATCH)
        wait_until_past(store, before)
        time.sleep(chance.uniform(0, SOME_CUTS_S))
        process.kill()
        process.join()
        state = HistoryReader(store).state
        in_the_middle += state.planned is not None
        assert before < state.through_sequence < events_count
        assert verify(store).problems == []

    process = start_history(redis_url, url, events_count)
    wait_until_past(store, events_count - 1)
    process.kill()
    process.join()
    verified = verify(store)
    assert verified.problems == []
    assert verified.gaps == []
    assert verified.events == events_count
    assert list(HistoryReader(store).read()) == events


def wait_until_past(store: ObjectStore, sequence: int) -> None:
    deadline = time.monotonic() + 30
    while HistoryReader(store).state.through_sequence <= sequence:
        assert time.monotonic() < deadline
        time.sleep(0.005)
