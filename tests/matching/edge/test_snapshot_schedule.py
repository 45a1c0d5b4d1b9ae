"""The server beside the process that makes its snapshots."""

import asyncio
import re
import sys
from pathlib import Path

import pytest

from matching.edge.journal_replay import verify_journal
from matching.edge.snapshot_schedule import FAILURES, PAUSE_SECONDS, SnapshotSchedule
from matching.edge.snapshots import snapshot_paths
from tests.matching.samples import order
from tests.matching.venue import Venue, list_market, until


@pytest.fixture
def quiet_venue(tmp_path: Path) -> Venue:
    return Venue(tmp_path, "unix")


async def test_snapshots_are_made_while_orders_trade_and_a_restart_uses_the_newest(
    quiet_venue: Venue, capsys: pytest.CaptureFixture[str]
) -> None:
    venue = quiet_venue
    command = [sys.executable, "-m", "agio", "snapshot", str(venue.journal)]
    await venue.start(snapshot_command=command, snapshot_records=500)
    reader = await venue.reader()
    list_market(reader)
    number = 0
    async with asyncio.timeout(60):
        while len(snapshot_paths(venue.journal)) < 2:
            for _ in range(100):
                number += 1
                reader.client.submit(order(7, number))
            await reader.wait_for(7 + number)
            await asyncio.sleep(0.01)
    assert 0 < PAUSE_SECONDS._value.get() < 1
    await venue.stop()
    newest = int(snapshot_paths(venue.journal)[0].stem)

    await venue.start()
    told = re.sub("\x1b.*?m", "", capsys.readouterr().out)
    assert re.search(rf"recovered .*snapshot_sequence={newest}\b", told)
    reader.client.submit(order(7, number + 1))
    await reader.wait_for(8 + number)
    await venue.close()
    verified = verify_journal(venue.journal)
    assert verified.result.last_sequence == 8 + number
    assert len(verified.snapshots) == 2


async def test_a_snapshot_that_fails_stops_nothing_and_is_counted(quiet_venue: Venue) -> None:
    venue = quiet_venue
    failures = FAILURES._value.get()
    await venue.start(snapshot_command=["false"], snapshot_records=1)
    reader = await venue.reader()
    list_market(reader)
    await reader.wait_for(7)
    await until(lambda: FAILURES._value.get() > failures)
    reader.client.submit(order(7, 1))
    await reader.wait_for(8)
    await venue.close()
    assert not venue.failures


def test_a_command_that_is_not_there_is_a_failure_as_well() -> None:
    failures = FAILURES._value.get()
    schedule = SnapshotSchedule(["agio-is-not-there"], 10, 3600)
    schedule.tick(10)
    assert FAILURES._value.get() == failures + 1


async def test_a_quiet_venue_s_snapshot_is_due_by_age(tmp_path: Path) -> None:
    mark = tmp_path / "made"
    schedule = SnapshotSchedule(["touch", str(mark)], 1_000_000, 0.05)
    schedule.begin(5)
    await asyncio.sleep(0.1)
    schedule.tick(5)
    await asyncio.sleep(0.1)
    assert not mark.exists()  # nothing has happened
    schedule.tick(6)
    await until(mark.exists)
    schedule.stop()


async def test_stopping_gives_up_a_snapshot_that_is_being_made() -> None:
    schedule = SnapshotSchedule(["sleep", "100"], 1, 3600)
    schedule.tick(1)
    async with asyncio.timeout(4):
        schedule.stop()
