from collections.abc import Iterator
from pathlib import Path

import pytest

from matching.edge.journal import Journal
from matching.edge.journal_replay import Progress, verify_journal
from matching.journal_format import JournalDamagedError
from matching.replay import ReplayError
from tests.matching.samples import make_records
from vocabulary.codec import RECORD_HEADER, pack_record


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal(tmp_path, "os", 100_000)
    yield journal
    journal.close()


def test_a_journal_is_verified_beside_its_writer(tmp_path: Path, journal: Journal) -> None:
    records = make_records(2000)
    reached: list[Progress] = []
    for at in range(0, 2000, 100):
        journal.append(b"".join(records[at : at + 100]))
        verified = verify_journal(tmp_path, reached.append)
        assert verified.result.last_sequence == at + 100
        assert verified.torn_tail is None
    assert reached[-1].sequence == 2000
    assert reached[-1].bytes_done < reached[-1].bytes_total
    assert verified.result.commands["EnterOrder"] == 1993


def test_a_torn_tail_is_told_and_left_alone(tmp_path: Path, journal: Journal) -> None:
    journal.append(b"".join(make_records(8)))
    (path,) = tmp_path.glob("*.journal")
    data = bytearray(path.read_bytes())
    end = len(data.rstrip(b"\0"))
    data[end + 100] = 1
    path.write_bytes(data)
    verified = verify_journal(tmp_path)
    assert verified.torn_tail is not None
    assert verified.result.last_sequence == verified.torn_tail.last_sequence == 8
    assert path.read_bytes() == data


def test_damage_and_another_history_are_errors(tmp_path: Path, journal: Journal) -> None:
    records = make_records(8)
    timestamp_ns = RECORD_HEADER.unpack_from(records[0])[3]
    journal.append(b"".join(records[:7]))
    journal.append(pack_record(8, timestamp_ns, records[7][24:128], b""))
    with pytest.raises(ReplayError, match="sequence 8: event 0 was None"):
        verify_journal(tmp_path)

    (path,) = tmp_path.glob("*.journal")
    data = bytearray(path.read_bytes())
    data[100] ^= 1
    path.write_bytes(data)
    with pytest.raises(JournalDamagedError, match=path.name):
        verify_journal(tmp_path)


def test_a_directory_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no journal in"):
        verify_journal(tmp_path / "nothing")
