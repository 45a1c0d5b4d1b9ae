"""While a large batch is synced the next one is executed, and nothing leaves before it is durable.

The disk is a real one whose syncs the test holds up, and fails.
"""

import asyncio
import errno
import os
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from matching.edge.group_commit import OVERLAPPED_RECORDS_MIN
from matching.edge.journal_replay import verify_journal
from matching.edge.server import MatchingServer
from tests.matching.samples import order
from tests.matching.venue import Reader, Venue, list_market, until
from vocabulary.types import Side

LISTED = 7
BATCH = OVERLAPPED_RECORDS_MIN


class Disk:
    """Syncs that begin at once, and end when they are let go or fail."""

    def __init__(self) -> None:
        self.began = threading.Event()
        self.may_end = threading.Event()
        self.may_end.set()
        self.error: OSError | None = None
        self._sync = os.fdatasync

    def hold(self) -> None:
        self.began.clear()
        self.may_end.clear()

    def fdatasync(self, file: int) -> None:
        self.began.set()
        assert self.may_end.wait(20)
        if self.error is not None:
            raise self.error
        self._sync(file)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    disk = Disk()
    monkeypatch.setattr(os, "fdatasync", disk.fdatasync)
    yield disk
    disk.may_end.set()


@pytest.fixture
async def venue(tmp_path: Path, disk: Disk) -> AsyncIterator[Venue]:
    venue = Venue(tmp_path, "unix")
    venue.mode = "fsync"
    await venue.start()
    yield venue
    disk.may_end.set()
    await venue.close()


async def trading(venue: Venue) -> tuple[Reader, MatchingServer]:
    reader = await venue.reader()
    list_market(reader)
    await reader.wait_for(LISTED)
    assert venue.server is not None
    return reader, venue.server


def submit(reader: Reader, first: int, count: int = BATCH) -> None:
    for number in range(first, first + count):
        reader.client.submit(order(7, number))


async def begun(disk: Disk) -> None:
    await until(disk.began.is_set)


async def test_the_next_batch_is_executed_and_told_only_when_it_is_durable(
    venue: Venue, disk: Disk
) -> None:
    reader, server = await trading(venue)
    disk.hold()
    submit(reader, 1)
    await begun(disk)
    submit(reader, 1 + BATCH)
    await until(lambda: server._sequencer.last_sequence == LISTED + 2 * BATCH)
    submit(reader, 1 + 2 * BATCH)  # behind these two it has to wait
    await asyncio.sleep(0.05)
    assert server._sequencer.last_sequence == LISTED + 2 * BATCH
    assert server.health()["sequence"] == LISTED
    assert len(reader.records) == LISTED

    disk.may_end.set()
    await reader.wait_for(LISTED + 3 * BATCH)
    assert reader.sequences == list(range(1, LISTED + 3 * BATCH + 1))
    await venue.stop()
    assert verify_journal(venue.journal).result.last_sequence == LISTED + 3 * BATCH


async def test_f6_a_failed_sync_takes_the_batch_that_was_executed_behind_it_along(
    venue: Venue, disk: Disk
) -> None:
    reader, server = await trading(venue)
    disk.hold()
    submit(reader, 1)
    await begun(disk)
    submit(reader, 1 + BATCH)
    await until(lambda: server._sequencer.last_sequence == LISTED + 2 * BATCH)
    disk.error = OSError(errno.EIO, "Input/output error")
    disk.may_end.set()
    await until(lambda: bool(venue.failures))
    await until(lambda: not reader.client.connected)
    assert [getattr(failure, "errno", None) for failure in venue.failures] == [errno.EIO]
    assert not server.health()["ready"]
    assert len(reader.records) == LISTED
    await venue.stop()
    disk.error = None

    await venue.start()  # what was never acknowledged is sent again, and executes once
    await reader.wait_for(LISTED + 2 * BATCH)
    assert reader.sequences == list(range(1, LISTED + 2 * BATCH + 1))


async def test_a_failed_engine_says_nothing_of_the_batch_that_syncs(
    venue: Venue, disk: Disk
) -> None:
    reader, server = await trading(venue)
    reader.client.submit(order(7, 1, price_ticks=50))
    await reader.wait_for(LISTED + 1)
    disk.hold()
    submit(reader, 2)
    await begun(disk)
    resting = server._engine.state.orders.find(LISTED + 1)
    assert resting is not None
    server._engine.state.orders.remove(resting)  # so that its fill makes the engine raise
    all_bids = {"side": Side.SELL, "price_ticks": 50, "quantity_lots": 1_000}
    reader.client.submit(order(7, 2 + BATCH, **all_bids))
    await until(lambda: bool(venue.failures))
    disk.may_end.set()
    await venue.stop()
    assert len(reader.records) == LISTED + 1


async def test_funds_are_told_as_of_the_batch_that_asked(venue: Venue, disk: Disk) -> None:
    reader, _ = await trading(venue)
    disk.hold()
    for number in range(1, 2 * BATCH, 2):  # odd ones buy for account 2
        reader.client.submit(order(7, number, price_ticks=100, quantity_lots=3))
    asked = asyncio.create_task(reader.client.funds(2))
    await begun(disk)
    for number in range(1 + 2 * BATCH, 4 * BATCH, 2):
        reader.client.submit(order(7, number, price_ticks=100, quantity_lots=3))
    await asyncio.sleep(0.05)
    assert not asked.done()
    disk.may_end.set()
    report = await asked
    held = BATCH * 300_000
    assert report.sequence == LISTED + BATCH
    assert report.funds == [(2, 1, 10**16, 0), (2, 2, 10**16 - held, held)]
    await reader.wait_for(LISTED + 2 * BATCH)


async def test_a_stop_waits_for_the_disk_and_tells_what_is_durable(
    venue: Venue, disk: Disk
) -> None:
    reader, server = await trading(venue)
    disk.hold()
    submit(reader, 1)
    await begun(disk)
    submit(reader, 1 + BATCH)
    await until(lambda: server._sequencer.last_sequence == LISTED + 2 * BATCH)
    stopped = asyncio.create_task(server.stop())
    await asyncio.sleep(0.05)
    assert not stopped.done()
    disk.may_end.set()
    await stopped
    assert reader.sequences == list(range(1, LISTED + 2 * BATCH + 1))
    assert verify_journal(venue.journal).result.last_sequence == LISTED + 2 * BATCH
