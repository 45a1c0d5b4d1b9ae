"""The journal's copy: whole at any moment, however often its maker is killed; of one journal."""

import base64
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from agio.backup import journal_copy
from agio.backup.contents import read_contents
from agio.backup.journal_copy import BackupOfAnotherError, JournalCopy
from agio.backup.restore_journal import fetch_journal, recover
from matching.edge.archive import name_archive
from matching.edge.journal import Journal
from matching.edge.journal_replay import verify_journal
from matching.edge.snapshot_maker import make_snapshot
from matching.journal_format import JournalDamagedError
from matching.journal_spans import PREFIX, Span, SpanMissingError, by_segment
from objects.directory import DirectoryStore
from objects.encrypted import EncryptedStore, FileDamagedError, open_encrypted
from objects.store import open_store
from tests.matching.edge.test_archive import everything
from tests.matching.edge.test_recovery import RECORDS, SEGMENT_BYTES, extend, in_child
from tests.matching.samples import make_records

SECRET = bytes(32)


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "journal"


@pytest.fixture
def url(tmp_path: Path) -> str:
    return (tmp_path / "backup").as_uri()


def opened(url: str) -> EncryptedStore:
    return open_encrypted(open_store(url), SECRET, create=True)


def ship(journal: Path, url: str) -> int:
    """Copy what is new, as a service does that has just started."""
    copy = JournalCopy(journal, opened(url))
    copy.begin()
    return copy.ship()


def fetch(url: str, directory: Path, until: int | None = None) -> None:
    store = opened(url)
    contents = read_contents(store)
    directory.mkdir()
    fetch_journal(store, contents, until or contents.last_sequence, directory, lambda _: None)


def check(directory: Path, last: int) -> None:
    """Expect the journal up to a sequence, and one that can be written on."""
    state_hash = recover(directory, last, lambda _: None).engine.state_hash()
    assert verify_journal(directory).result.state_hash == state_hash
    assert everything(directory) == b"".join(RECORDS[:last])
    extend(directory, 400)
    assert everything(directory) == b"".join(RECORDS)


def spans(url: str) -> list[Span]:
    return sorted(Span.parse(name) for name in opened(url).files(PREFIX))


def test_the_copy_follows_the_journal(journal: Path, url: str, tmp_path: Path) -> None:
    copy = JournalCopy(journal, opened(url))
    copy.begin()
    assert copy.ship() == 0
    for until in (1, 30, 31, 200, 400):
        extend(journal, until)
        assert copy.ship() == until
        assert copy.ship() == until
        fetch(url, tmp_path / f"restored-{until}")
        check(tmp_path / f"restored-{until}", until)
    segments = by_segment(opened(url).files(PREFIX))
    assert len(segments) >= 4
    assert all(len(found) == 1 for found in list(segments.values())[:-1])


@pytest.mark.parametrize("until", [1, 7, 8, 100, 399])
def test_a_restore_ends_where_it_is_told_to(
    journal: Path, url: str, tmp_path: Path, until: int
) -> None:
    extend(journal, 400)
    ship(journal, url)
    fetch(url, tmp_path / "restored", until)
    check(tmp_path / "restored", until)


def test_spans_do_not_become_many(
    journal: Path, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_copy, "SPANS_TOGETHER", 4)
    written = Journal(journal, "os", 1 << 20)
    copy = JournalCopy(journal, opened(url))
    copy.begin()
    for record in RECORDS[:300]:
        written.append(record)
        copy.ship()
    written.close()
    assert len(spans(url)) <= 3 * 5  # 4 ** 5 is more than there are
    assert ship(journal, url) == 300
    fetch(url, tmp_path / "restored")
    check(tmp_path / "restored", 300)


def test_what_was_archived_meanwhile_is_copied_from_there(
    journal: Path, url: str, tmp_path: Path
) -> None:
    (tmp_path / "archive").mkdir()
    name_archive(journal, (tmp_path / "archive").as_uri())
    extend(journal, 20)
    ship(journal, url)
    for until in (200, 400):
        extend(journal, until)
        make_snapshot(journal)
    assert len(list((tmp_path / "archive").iterdir())) >= 2
    assert ship(journal, url) == 400
    fetch(url, tmp_path / "restored")
    check(tmp_path / "restored", 400)


def test_what_a_dead_machine_had_not_synced_is_taken_back(
    journal: Path, url: str, tmp_path: Path
) -> None:
    extend(journal, 30)
    ship(journal, url)
    other = make_records(40, session_id=8)[30:]
    lost = Journal(journal, "os", SEGMENT_BYTES)
    ends_at = lost.segments.last.end if lost.segments.last else 0
    lost.append(b"".join(other))
    lost.close()
    ship(journal, url)
    path = max(journal.glob("*.journal"))
    path.write_bytes(path.read_bytes()[:ends_at] + bytes(SEGMENT_BYTES - ends_at))
    extend(journal, 50)
    assert ship(journal, url) == 50
    fetch(url, tmp_path / "restored")
    check(tmp_path / "restored", 50)


def test_a_backup_of_another_journal_is_left_alone(journal: Path, url: str, tmp_path: Path) -> None:
    extend(journal, 400)
    ship(journal, url)
    before = spans(url)
    for until in (0, 350):  # a new journal, and this one set back
        other = tmp_path / f"other-{until}"
        other.mkdir()
        if until:
            fetch(url, other / "journal", until)
        with pytest.raises(BackupOfAnotherError, match="name another backup_url"):
            ship(other / "journal", url)
    assert spans(url) == before


def test_a_damaged_journal_is_not_copied(journal: Path, url: str) -> None:
    extend(journal, 400)
    path = min(journal.glob("*.journal"))
    data = bytearray(path.read_bytes())
    data[1000] ^= 1
    path.write_bytes(data)
    with pytest.raises(JournalDamagedError, match=path.name):
        ship(journal, url)
    assert spans(url) == []


def test_a_missing_span_is_named_with_its_sequence_and_filled_again(
    journal: Path, url: str, tmp_path: Path
) -> None:
    extend(journal, 400)
    ship(journal, url)
    for missing in spans(url)[:-1]:
        opened(url).delete(missing.name)
        with pytest.raises(SpanMissingError, match=f"sequence {missing.first} on are missing"):
            read_contents(opened(url))
        assert ship(journal, url) == 400
    fetch(url, tmp_path / "restored")
    check(tmp_path / "restored", 400)


def test_a_span_in_another_ones_place_is_named(journal: Path, url: str, tmp_path: Path) -> None:
    extend(journal, 400)
    ship(journal, url)
    one, other, *_ = spans(url)
    store = open_store(url)
    stored = store.get(f"{other.name}/00000.end")
    assert stored is not None
    store.put(f"{one.name}/00000.end", stored.data)
    with pytest.raises(FileDamagedError, match=f"{one.name}/00000.end is damaged, or was put"):
        fetch(url, tmp_path / "restored")


class KilledAt:
    """Kills this process before its n-th change of the store."""

    def __init__(self, step: int) -> None:
        self.left = step
        for name in ("put", "delete"):
            setattr(DirectoryStore, name, self.counted(getattr(DirectoryStore, name)))

    def counted(self, step: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: object) -> object:
            self.left -= 1
            if self.left < 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return step(*arguments)

        return call


def test_killed_at_any_step_the_copy_is_whole_and_goes_on(
    journal: Path, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_copy, "SPANS_TOGETHER", 3)
    killed = 0
    ship(journal, url)
    for until in range(10, 401, 10):
        extend(journal, until)

        def ship_until_killed(step: int = until // 10 % 7) -> None:
            KilledAt(step)
            ship(journal, url)

        killed += in_child(ship_until_killed) == signal.SIGKILL
        contents = read_contents(opened(url))
        assert contents.last_sequence <= until
        if contents.spans:
            restored = tmp_path / f"restored-{until}"
            fetch(url, restored)
            assert everything(restored) == b"".join(RECORDS[: contents.last_sequence])
    assert killed > 10
    assert ship(journal, url) == 400
    fetch(url, tmp_path / "restored")
    check(tmp_path / "restored", 400)
    wanted = {span.name for span in read_contents(opened(url)).spans}
    assert set(opened(url).files(PREFIX)) == wanted  # and nothing is left over


def test_archive_and_backup_may_be_one_place(
    journal: Path, s3_store_url: str, tmp_path: Path
) -> None:
    (tmp_path / "key").write_text(base64.b64encode(SECRET).decode())
    name_archive(journal, s3_store_url, tmp_path / "key")
    extend(journal, 200)
    make_snapshot(journal)
    ship(journal, s3_store_url)
    for until in (300, 400):  # the archive is first, and finds what is there already
        extend(journal, until)
        make_snapshot(journal)
    assert len(list(journal.glob("*.journal"))) < 4
    assert ship(journal, s3_store_url) == 400
    assert len(spans(s3_store_url)) == len({span.segment for span in spans(s3_store_url)})
    fetch(s3_store_url, tmp_path / "restored")
    check(tmp_path / "restored", 400)
    assert everything(journal) == b"".join(RECORDS)
