"""Old segments elsewhere: found by who asks for them, never needed by a restart, never lost."""

import asyncio
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from matching import link
from matching.edge import archive
from matching.edge.archive import name_archive
from matching.edge.journal import Journal
from matching.edge.journal_replay import verify_journal
from matching.edge.segments import Segments, SegmentUnavailableError
from matching.edge.snapshot_maker import make_snapshot
from matching.edge.snapshots import snapshot_paths
from matching.journal_format import JournalDamagedError
from tests.matching.edge.test_recovery import (
    RECORDS,
    SEGMENT_BYTES,
    check,
    extend,
    in_child,
    recover,
)
from tests.matching.edge.test_server import ending_of
from tests.matching.samples import order
from tests.matching.venue import Venue, list_market, until


@pytest.fixture
def place(tmp_path: Path) -> Path:
    place = tmp_path / "archive"
    place.mkdir()
    return place


@pytest.fixture
def journal(tmp_path: Path, place: Path) -> Path:
    """Return a journal of 400 records with a snapshot at 200, and an archive at `place`."""
    journal = tmp_path / "journal"
    name_archive(journal, place.as_uri())
    extend(journal, 200)
    make_snapshot(journal)
    extend(journal, 400)
    return journal


def segments_in(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.glob("*.journal"))


def everything(journal: Path) -> bytes:
    segments = Segments(journal, scanned=False)
    for _ in segments.scan(400):
        pass
    records = b""
    sequence = 1
    while (chunk := segments.read(sequence, 1 << 14)).records:
        records += chunk.records
        sequence = chunk.next_sequence
    return records


def test_what_no_restart_needs_is_moved_and_found(journal: Path, place: Path) -> None:
    before = segments_in(journal)
    assert segments_in(place) == []  # with one snapshot, all of it may still be needed
    make_snapshot(journal)
    moved = segments_in(place)
    assert len(moved) >= 2
    assert moved + segments_in(journal) == before
    kept = [int(name.partition(".")[0]) for name in segments_in(journal)]
    assert kept[0] <= 200 < kept[1]  # the older snapshot's own record is there
    assert all((place / name).stat().st_size <= SEGMENT_BYTES for name in moved)

    assert everything(journal) == b"".join(RECORDS)
    verified = verify_journal(journal)
    assert verified.result.last_sequence == 400
    assert verified.snapshots == [400, 200]
    check(recover(journal), 400, 400)
    for path in snapshot_paths(journal):
        path.unlink()
    check(recover(journal), 400, 0)


def test_a_restart_needs_no_archive(journal: Path, place: Path) -> None:
    make_snapshot(journal)
    reader = Segments(journal)
    shutil.rmtree(place)
    check(recover(journal), 400, 400)
    newest, _ = snapshot_paths(journal)
    newest.write_bytes(b"damaged")
    check(recover(journal), 400, 200)
    written = Journal(journal, "os", SEGMENT_BYTES, scanned=False)
    for _ in written.segments.scan(200):
        pass
    written.begin()
    written.append(b"")
    written.close()
    with pytest.raises(SegmentUnavailableError, match=r"1\.\.\d+, archived as 0+1\.journal"):
        reader.read(1, 100)
    with pytest.raises(ValueError, match="the journal starts at"):
        Segments(journal, scanned=False).read(1, 100)
    (_, older) = snapshot_paths(journal)
    older.unlink()
    with pytest.raises(JournalDamagedError, match="what is before it is missing"):
        recover(journal)


def test_an_archive_out_of_reach_fails_no_snapshot_and_loses_nothing(
    journal: Path, place: Path
) -> None:
    before = segments_in(journal)
    place.rmdir()
    with pytest.raises(OSError, match="No such file"):
        make_snapshot(journal)
    assert [int(path.stem) for path in snapshot_paths(journal)] == [400, 200]
    assert segments_in(journal) == before
    place.mkdir()
    extend(journal, 400)
    check(recover(journal), 400, 400)


def test_a_damaged_segment_is_not_moved(journal: Path, place: Path) -> None:
    first, *others = segments_in(journal)
    data = bytearray((journal / first).read_bytes())
    data[100] ^= 1
    (journal / first).write_bytes(data)
    with pytest.raises(JournalDamagedError, match=first):
        make_snapshot(journal)
    assert segments_in(place) == []
    assert segments_in(journal) == [first, *others]


def test_a_journal_lost_from_before_its_archive_is_not_begun_anew(
    journal: Path, place: Path
) -> None:
    make_snapshot(journal)
    for name in segments_in(journal):
        (journal / name).unlink()
    with pytest.raises(JournalDamagedError, match="its journal is not there"):
        Journal(journal, "os", SEGMENT_BYTES)


class KilledAt:
    """Kills this process before its n-th step once it archives."""

    def __init__(self, step: int) -> None:
        self.left = step
        for owner, name in (
            (os, "fsync"),
            (Path, "rename"),
            (Path, "open"),
            (Path, "unlink"),
            (archive, "scan_segment"),
        ):
            setattr(owner, name, self.counted(getattr(owner, name)))

    def counted(self, step: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: object, **named: object) -> object:
            self.left -= 1
            if self.left < 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return step(*arguments, **named)

        return call


def test_killed_at_any_step_every_record_is_in_one_place_at_least(
    journal: Path, place: Path
) -> None:
    statuses = []
    before = segments_in(journal)
    for step in range(0, 60, 3):

        def write(step: int = step) -> None:
            KilledAt(step)
            make_snapshot(journal)

        statuses.append(in_child(write))
        assert everything(journal) == b"".join(RECORDS)
        check(recover(journal), 400, recover(journal).snapshot_sequence)
        for name in segments_in(place):  # back, for the next kill
            data = (place / name).read_bytes()
            (journal / name).write_bytes(data)
            (place / name).unlink()
        for path in snapshot_paths(journal)[:-1]:
            path.unlink()
    assert statuses.count(signal.SIGKILL) >= 7
    assert statuses[-1] == 0
    assert segments_in(journal) == before


async def test_readers_get_archived_records_and_are_told_when_they_can_not(
    tmp_path: Path, place: Path
) -> None:
    venue = Venue(tmp_path, "unix")
    await venue.start(archive_url=place.as_uri())
    trader = await venue.reader()
    list_market(trader)
    number = 0
    while len(segments_in(place)) < 2:
        for _ in range(700):
            number += 1
            trader.client.submit(order(7, number))
        await trader.wait_for(7 + number)
        await asyncio.to_thread(make_snapshot, venue.journal)
    trader.client.submit(order(7, 2))  # once more: its record is in the archive

    late = await venue.reader()
    await late.wait_for(len(trader.records))
    assert late.records == trader.records
    await until(lambda: len(trader.repeated) == 1)

    shutil.rmtree(place)
    code, text = await ending_of(venue, link.pack_hello(link.Hello(link.VERSION, 1, "x")))
    assert code is link.ErrorCode.SEQUENCE_UNAVAILABLE
    assert "archived as 00000000000000000001.journal, can't be read" in text
    trader.client.submit(order(7, number + 1))
    await trader.wait_for(8 + number)
    assert venue.failures == []
    await venue.close()
