"""Old segments on S3, encrypted: moved there by a snapshot, read by who asks for them."""

import asyncio
import base64
from pathlib import Path

import pytest

from matching import link
from matching.edge import encrypted_archive
from matching.edge.archive import name_archive
from matching.edge.journal_replay import verify_journal
from matching.edge.segments import Segments, SegmentUnavailableError
from matching.edge.snapshot_maker import make_snapshot
from objects.store import ObjectStore, open_store
from tests.matching.edge.test_archive import everything, segments_in
from tests.matching.edge.test_recovery import RECORDS, check, extend, recover
from tests.matching.edge.test_server import ending_of
from tests.matching.samples import order
from tests.matching.venue import Venue, list_market


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "key"
    path.write_text(base64.b64encode(bytes(32)).decode())
    return path


@pytest.fixture
def journal(tmp_path: Path, s3_store_url: str, key_file: Path) -> Path:
    """Return a journal of 400 records of which what is before 200 is in the archive."""
    journal = tmp_path / "journal"
    name_archive(journal, s3_store_url, key_file)
    for until in (200, 400):
        extend(journal, until)
        make_snapshot(journal)
    return journal


def objects(url: str) -> tuple[ObjectStore, list[str]]:
    store = open_store(url)
    return store, sorted(store.keys("journal/"))


def test_what_is_moved_is_encrypted_and_found(journal: Path, s3_store_url: str) -> None:
    store, keys = objects(s3_store_url)
    assert len(keys) >= 2
    for key in keys:
        stored = store.get(key)
        assert stored is not None
        assert RECORDS[0][8:40] not in stored.data
    assert not (journal / "00000000000000000001.journal").exists()
    assert everything(journal) == b"".join(RECORDS)
    assert verify_journal(journal).result.last_sequence == 400


def test_few_segments_are_kept_at_hand(journal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encrypted_archive, "FETCHED_MAX", 1)
    assert everything(journal) == b"".join(RECORDS)
    assert len(segments_in(journal / "fetched")) == 1


def test_a_restart_needs_neither_archive_nor_key(
    journal: Path, s3_store_url: str, key_file: Path
) -> None:
    key_file.unlink()
    check(recover(journal), 400, 400)
    key_file.write_text(base64.b64encode(bytes(31) + b"1").decode())
    with pytest.raises(ValueError, match="the journal starts at"):
        Segments(journal, scanned=False).read(1, 100)


@pytest.mark.parametrize("damage", ["flipped", "swapped", "deleted"])
def test_a_segment_that_is_not_what_was_put_is_named(
    journal: Path, s3_store_url: str, damage: str
) -> None:
    store, keys = objects(s3_store_url)
    one, other = store.get(keys[0]), store.get(keys[1])
    assert one is not None
    assert other is not None
    reader = Segments(journal, scanned=False)
    if damage == "deleted":
        store.delete(keys[0])
    else:
        store.put(keys[0], other.data if damage == "swapped" else one.data[:-1] + b"\0")
    said = "is missing" if damage == "deleted" else "is damaged, or was put in another one's place"
    with pytest.raises(SegmentUnavailableError, match=rf"1\.\.\d+, archived as .*{said}"):
        reader.read(1, 100)


async def test_a_reader_gets_archived_records_and_trading_goes_on_without(
    tmp_path: Path, s3_store_url: str, key_file: Path
) -> None:
    venue = Venue(tmp_path, "unix")
    await venue.start(archive_url=s3_store_url, archive_key_file=key_file)
    trader = await venue.reader()
    list_market(trader)
    number = 0
    while not objects(s3_store_url)[1]:
        for _ in range(700):
            number += 1
            trader.client.submit(order(7, number))
        await trader.wait_for(7 + number)
        await asyncio.to_thread(make_snapshot, venue.journal)

    late = await venue.reader()
    await late.wait_for(len(trader.records))
    assert late.records == trader.records

    store, keys = objects(s3_store_url)
    store.delete(keys[0])
    for path in (venue.journal / "fetched").iterdir():
        path.unlink()
    code, text = await ending_of(venue, link.pack_hello(link.Hello(link.VERSION, 1, "x")))
    assert code is link.ErrorCode.SEQUENCE_UNAVAILABLE
    assert "is missing" in text
    trader.client.submit(order(7, number + 1))
    await trader.wait_for(8 + number)
    assert venue.failures == []
    await venue.close()
