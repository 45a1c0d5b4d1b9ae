"""F5: the journal on a disk that runs full, a real one: a small tmpfs."""

import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from matching.edge.journal_replay import verify_journal
from matching.edge.snapshot_maker import make_snapshot
from matching.link import RefusalCode
from tests.matching.samples import order
from tests.matching.venue import Reader, Venue, list_market, until
from vocabulary import commands as c

SEGMENT_BYTES = 100_000  # as `Venue` has it
DISK_BYTES = 1 << 20
ROOM_FOR_CANCELS = "only cancels are taken: the journal's disk is full"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Give a file system of 1 MiB, most of it taken by the file `ballast`."""
    path = tmp_path / "disk"
    path.mkdir()
    command: list[str | Path] = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", path]
    mounted = subprocess.run(command, check=False, capture_output=True, text=True)
    if mounted.returncode != 0:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
    (path / "ballast").write_bytes(bytes(DISK_BYTES - 4 * SEGMENT_BYTES))
    yield path
    subprocess.run(["umount", path], check=True)


@pytest.fixture
async def full(disk: Path) -> AsyncIterator[Venue]:
    venue = Venue(disk, "unix")
    await venue.start()
    yield venue
    await venue.close()


def answered(reader: Reader) -> int:
    return len(reader.records) + len(reader.refused)


async def all_answered(reader: Reader, count: int) -> None:
    await until(lambda: answered(reader) == count)


async def fill(venue: Venue, reader: Reader, session_id: int = 7) -> int:
    """Enter orders until one is refused; return how many were sent."""
    sent = 0
    already = answered(reader)
    refused = len(reader.refused)
    while len(reader.refused) == refused:
        for _ in range(20):
            sent += 1
            reader.client.submit(order(session_id, sent))
        await all_answered(reader, already + sent)
        assert venue.failures == []
        assert sent < 5000
    return sent


async def test_orders_are_refused_cancels_taken_and_all_is_well_when_there_is_space(
    full: Venue, disk: Path
) -> None:
    reader = await full.reader()
    assert full.server is not None
    list_market(reader)
    await reader.wait_for(7)
    sent = await fill(full, reader)
    assert {(r.code, r.text) for r in reader.refused} == {(RefusalCode.NOT_NOW, ROOM_FOR_CANCELS)}
    assert full.server.health()["takes"] == "cancels"
    assert full.server.health()["ready"]

    known = len(reader.records)
    reader.client.submit(c.CancelAllOrders(8, 1, 1, 0, b""))
    reader.client.submit(c.CancelAllOrders(8, 2, 2, 0, b""))
    await reader.wait_for(known + 2)
    assert full.server.health()["open_orders"] == 0
    assert (await reader.client.funds(1)).funds[0][3] == 0  # nothing is held any more

    (disk / "ballast").unlink()
    await until(lambda: full.server is not None and full.server.health()["takes"] == "everything")
    reader.client.submit(order(7, sent + 1))
    await reader.wait_for(known + 3)
    assert reader.sequences == list(range(1, known + 4))
    await full.stop()
    assert verify_journal(full.journal).result.last_sequence == known + 3


async def test_when_nothing_fits_any_more_nothing_is_taken_and_nothing_fails(
    full: Venue, disk: Path
) -> None:
    reader = await full.reader()
    list_market(reader)
    await reader.wait_for(7)
    await fill(full, reader)
    number = 0
    cancels_before = len(reader.records)
    while reader.refused[-1].text == ROOM_FOR_CANCELS:
        before = answered(reader)
        for _ in range(50):
            number += 1
            reader.client.submit(c.CancelOrder(9, number, 1, 1, 99, b"", b""))
        await all_answered(reader, before + 50)
        assert number < 5000
    assert len(reader.records) - cancels_before > 150  # what was kept for them
    assert reader.refused[-1].text == "nothing is taken: the journal's disk is full"
    assert full.failures == []

    # A restart on the full disk changes nothing, and loses nothing.
    known = len(reader.records)
    await full.stop()
    server = await full.start()
    assert server.health()["sequence"] == known
    refused = len(reader.refused)
    await until(lambda: reader.client.connected)
    reader.client.submit(order(10, 1))
    reader.client.submit(c.CancelOrder(9, number + 1, 1, 1, 99, b"", b""))
    await until(lambda: len(reader.refused) == refused + 2)
    assert len(reader.records) == known

    (disk / "ballast").unlink()
    await until(lambda: server.health()["takes"] == "everything")
    reader.client.submit(order(10, 2))
    await reader.wait_for(known + 1)


async def test_a_start_without_space_for_a_first_record_refuses_until_there_is(disk: Path) -> None:
    (disk / "more").write_bytes(bytes(3 * SEGMENT_BYTES))
    venue = Venue(disk, "unix")
    server = await venue.start()
    reader = await venue.reader()
    reader.client.submit(order(7, 1))
    await until(lambda: bool(reader.refused))
    (disk / "more").unlink()
    await until(lambda: server.health()["takes"] == "everything")
    list_market(reader)
    await reader.wait_for(7)
    assert venue.failures == []
    await venue.close()


async def test_a_snapshot_that_finds_no_space_leaves_the_one_before_and_nothing_else(
    full: Venue, disk: Path
) -> None:
    reader = await full.reader()
    list_market(reader)
    await reader.wait_for(7)
    kept = make_snapshot(full.journal)
    await fill(full, reader)
    files = {path.name for path in full.journal.iterdir()}
    space = DISK_BYTES
    while space:  # to the last byte
        try:
            with (disk / "more").open("ab", buffering=0) as more:
                more.write(bytes(space))
        except OSError:
            space //= 2
    with pytest.raises(OSError, match="No space left"):
        make_snapshot(full.journal)
    assert kept is not None
    assert {path.name for path in full.journal.iterdir()} == files
    assert full.failures == []
    await full.stop()
    server = await full.start()
    assert server.health()["sequence"] == len(reader.records)
