"""The journal against crashes (F2), torn writes (F3), flipped bits (F4) and a failing disk (F6)."""

import errno
import os
import random
import shutil
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path

import pytest

from matching.edge.journal import Journal, JournalFailedError, JournalLockedError
from matching.edge.segments import Segments
from matching.journal_format import (
    MARK_BYTES,
    SEGMENT_HEADER,
    JournalDamagedError,
    segment_name,
)
from tests.matching.samples import make_records, split_records
from vocabulary.codec import pack_record

SEGMENT_BYTES = 2048


def write(
    directory: Path,
    records: Sequence[bytes],
    commits: Sequence[int],
    segment_bytes: int = SEGMENT_BYTES,
) -> None:
    """Write records in commits of the sizes given, as a process that is then killed."""
    journal = Journal(directory, "os", segment_bytes)
    at = 0
    for size in commits:
        journal.append(b"".join(records[at : at + size]))
        at += size
    assert at == len(records)
    abandon(journal)


def abandon(journal: Journal) -> None:
    """Let go of a journal as a kill does: without its closing mark."""
    journal._failed = True
    journal.close()


def read_all(directory: Path) -> list[bytes]:
    return list(split_records(read_from(Segments(directory), 1)))


def read_from(segments: Segments | Journal, sequence: int, bytes_max: int = 1 << 20) -> bytes:
    pieces: list[bytes] = []
    while True:
        chunk = segments.read(sequence, bytes_max)
        if not chunk.records:
            return b"".join(pieces)
        pieces.append(chunk.records)
        sequence = chunk.next_sequence


def last_segment(directory: Path) -> Path:
    return max(directory.glob("*.journal"))


def test_records_come_back_over_segments_and_restarts(tmp_path: Path) -> None:
    records = make_records(60)
    for start in range(0, 60, 20):
        journal = Journal(tmp_path, "fsync", SEGMENT_BYTES)
        assert journal.torn_tail is None
        assert journal.last_sequence == start
        for at in range(start, start + 20, 5):
            journal.append(b"".join(records[at : at + 5]))
        journal.close()
    assert len(list(tmp_path.glob("*.journal"))) > 3
    assert read_all(tmp_path) == records


def test_an_empty_journal_is_no_damage(tmp_path: Path) -> None:
    Journal(tmp_path, "os", SEGMENT_BYTES).close()
    journal = Journal(tmp_path, "os", SEGMENT_BYTES)
    assert (journal.first_sequence, journal.last_sequence) == (1, 0)
    assert journal.read(1, 100).records == b""
    journal.close()


def test_reading_from_every_sequence_while_the_writer_writes(tmp_path: Path) -> None:
    records = make_records(600)
    journal = Journal(tmp_path, "os", 100_000)
    for at in range(0, 600, 4):
        journal.append(b"".join(records[at : at + 4]))
        sequence = random.Random(at).randint(1, at + 4)
        assert read_from(journal, sequence, 1000) == b"".join(records[sequence - 1 : at + 4])
    for sequence in range(1, 602):
        chunk = journal.read(sequence, 2000)
        assert b"".join(records[sequence - 1 :]).startswith(chunk.records)
        assert (len(chunk.records) > 0) is (sequence < 601)
    journal.close()


def test_a_commit_larger_than_a_segment_gets_its_own(tmp_path: Path) -> None:
    command = make_records(1)[0][24:80]
    large = pack_record(2, 0, command, bytes(200_000))
    journal = Journal(tmp_path, "os", SEGMENT_BYTES)
    journal.append(pack_record(1, 0, command, b""))
    journal.append(large)
    journal.append(pack_record(3, 0, command, b""))
    assert journal.read(2, 100).records[: len(large)] == large
    journal.close()
    assert read_all(tmp_path)[1] == large


def test_a_journal_has_one_writer(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "os", SEGMENT_BYTES)
    with pytest.raises(JournalLockedError, match=str(tmp_path)):
        Journal(tmp_path, "os", SEGMENT_BYTES)
    journal.close()
    Journal(tmp_path, "os", SEGMENT_BYTES).close()


def record_ends(directory: Path, records: Sequence[bytes]) -> list[int]:
    """Return where each of a single segment's records ends."""
    data = last_segment(directory).read_bytes()
    ends: list[int] = []
    for record in records:
        ends.append(data.index(record, ends[-1] if ends else 0) + len(record))
    return ends


def test_f2_a_journal_cut_at_every_byte_gives_its_longest_valid_prefix(tmp_path: Path) -> None:
    records = make_records(9)
    write(tmp_path, records, [1, 3, 1, 1, 3])
    ends = record_ends(tmp_path, records)
    path = last_segment(tmp_path)
    data = path.read_bytes()

    for cut in range(SEGMENT_HEADER.size, len(data)):
        path.write_bytes(data[:cut])
        whole = sum(end <= cut for end in ends)
        assert read_all(tmp_path) == records[:whole]

    for cut in range(SEGMENT_HEADER.size):
        path.write_bytes(data[:cut])
        with pytest.raises(JournalDamagedError, match=r"byte 0, sequence 1: (only|its header)"):
            Segments(tmp_path)


def test_f2_a_torn_tail_is_cut_at_every_byte_of_the_last_records_and_written_over(
    tmp_path: Path,
) -> None:
    records = make_records(12)
    write(tmp_path / "whole", records[:10], [2] * 5)
    ends = record_ends(tmp_path / "whole", records[:10])
    data = last_segment(tmp_path / "whole").read_bytes()

    for number, cut in enumerate(range(ends[7] + 1, ends[9])):
        directory = tmp_path / str(number)
        directory.mkdir()
        path = directory / segment_name(1)
        path.write_bytes(data[:cut] + bytes(len(data) - cut))  # as preallocation leaves it
        found = path.read_bytes()
        whole = sum(found[:end] == data[:end] for end in ends)  # records may end with zeros
        journal = Journal(directory, "os", SEGMENT_BYTES)
        assert journal.last_sequence == whole
        if any(found[ends[whole - 1] + MARK_BYTES :]):
            assert journal.torn_tail is not None
            assert journal.torn_tail.file == path.name
            assert journal.torn_tail.last_sequence == whole
        journal.append(b"".join(records[whole:12]))
        journal.close()
        assert read_all(directory) == records[:12]
        shutil.rmtree(directory)


def test_f3_any_sectors_of_the_unsynced_commit_may_be_missing_or_stale(tmp_path: Path) -> None:
    records = make_records(40)
    write(tmp_path / "whole", records[:4], [2, 2])
    synced = Segments(tmp_path / "whole").last
    assert synced is not None
    end = synced.end
    before = synced.path.read_bytes().ljust(16 << 10, b"\0")
    shutil.rmtree(tmp_path / "whole")
    journal = Journal(tmp_path / "whole", "os", 16 << 10)
    journal.append(b"".join(records[:2]))
    journal.append(b"".join(records[2:4]))
    journal.append(b"".join(records[4:]))
    abandon(journal)
    after = last_segment(tmp_path / "whole").read_bytes()

    path = tmp_path / segment_name(1)
    chance = random.Random(3)
    for _ in range(400):
        data = bytearray(after)
        for sector in range(end // 512, len(records) * 230 // 512):
            at = max(sector * 512, end)
            until = (sector + 1) * 512
            match chance.randrange(3):
                case 0:  # never written
                    data[at:until] = before[at:until]
                case 1:  # what an older record left there
                    data[at:until] = after[at % 512 : at % 512 + until - at]
                case _:
                    pass
        path.write_bytes(data)
        found = read_all(tmp_path)
        assert found[:4] == records[:4]  # what was acknowledged
        assert found == records[: len(found)]


def test_f3_a_whole_but_older_commit_behind_the_tail_is_cut(tmp_path: Path) -> None:
    records = make_records(6)
    write(tmp_path, records, [2, 2, 2])
    segment = Segments(tmp_path).last
    assert segment is not None
    data = bytearray(segment.path.read_bytes())
    stale = data[SEGMENT_HEADER.size : SEGMENT_HEADER.size + 200]
    data[segment.end : segment.end + 200] = stale
    segment.path.write_bytes(data)
    assert read_all(tmp_path) == records

    journal = Journal(tmp_path, "os", SEGMENT_BYTES)
    assert journal.torn_tail is not None
    assert journal.torn_tail.fault == "sequence 1 where 7 comes next"
    journal.close()
    assert Segments(tmp_path).torn_tail is None


def flips(path: Path) -> Iterator[int]:
    """Flip each bit of a file in turn, and give the byte in which it stands."""
    data = path.read_bytes()
    with path.open("r+b", buffering=0) as file:
        for at, byte in enumerate(data):
            for bit in range(8):
                os.pwrite(file.fileno(), bytes([byte ^ 1 << bit]), at)
                yield at
            os.pwrite(file.fileno(), bytes([byte]), at)


@pytest.mark.parametrize("is_closed", [True, False])
def test_f4_every_flipped_bit_is_refused_or_in_the_last_commit(
    tmp_path: Path, is_closed: bool
) -> None:
    records = make_records(9)
    write(tmp_path, records, [1, 2, 2, 1, 1, 2], 1024)
    if is_closed:
        Journal(tmp_path, "os", SEGMENT_BYTES).close()
    paths = sorted(tmp_path.glob("*.journal"))
    assert len(paths) == 2
    refused = cut = 0

    for path in paths:
        for byte in flips(path):
            damage: JournalDamagedError | None = None
            try:
                segments = Segments(tmp_path)
            except JournalDamagedError as error:
                damage = error
            if damage is not None:
                refused += 1
                assert damage.file == path.name
                assert damage.offset <= byte  # the start of what is not whole
                continue
            cut += 1
            assert path == paths[-1]
            assert segments.torn_tail is not None
            found = list(split_records(read_from(segments, 1)))
            assert found == records[: len(found)]
            # After an orderly stop not even the last commit can be lost.
            assert len(found) >= (9 if is_closed else 7)
    assert refused > 8 * sum(map(len, records[:7]))
    assert cut > 0


def test_f4_damage_before_the_tail_refuses_to_start_and_names_the_place(tmp_path: Path) -> None:
    records = make_records(9)
    write(tmp_path, records, [3, 3, 3])
    path = last_segment(tmp_path)
    data = bytearray(path.read_bytes())
    at = data.index(records[4])
    data[at + 30] ^= 4
    path.write_bytes(data)

    with pytest.raises(JournalDamagedError) as damage:
        Journal(tmp_path, "os", SEGMENT_BYTES)
    message = f"{path.name} is damaged at byte {at}, sequence 5: record's CRC32C wrong"
    assert str(damage.value).startswith(message)
    assert path.read_bytes() == data  # nothing was touched


@pytest.mark.parametrize("missing", [0, 1])
def test_a_missing_segment_refuses_to_start(tmp_path: Path, missing: int) -> None:
    write(tmp_path, make_records(40), [4] * 10)
    paths = sorted(tmp_path.glob("*.journal"))
    assert len(paths) > 3
    paths[missing].unlink()
    with pytest.raises(JournalDamagedError, match="what is before it is missing") as damage:
        Journal(tmp_path, "os", SEGMENT_BYTES)
    assert damage.value.file == paths[missing + 1].name


def test_a_segment_of_another_layout_is_refused_by_its_version(tmp_path: Path) -> None:
    write(tmp_path, make_records(1), [1])
    path = last_segment(tmp_path)
    good = path.read_bytes()
    other = Path(tmp_path, segment_name(2))
    other.write_bytes(good)
    with pytest.raises(JournalDamagedError, match="its header says 1"):
        Segments(tmp_path)


@pytest.mark.parametrize("failing_call", range(1, 6))
def test_f6_a_failed_sync_is_never_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing_call: int
) -> None:
    records = make_records(6)
    calls = count(1)
    made: list[int] = []
    real = os.fdatasync

    def fdatasync(file: int) -> None:
        made.append(next(calls))
        if made[-1] == failing_call:
            raise OSError(errno.EIO, "Input/output error")
        real(file)

    journal = Journal(tmp_path, "fsync", SEGMENT_BYTES)
    monkeypatch.setattr(os, "fdatasync", fdatasync)
    durable = 0
    while durable < failing_call - 2:  # the first record syncs its segment's header, too
        journal.append(records[durable])
        durable += 1
    with pytest.raises(OSError, match="Input/output error"):
        journal.append(records[durable])
    assert journal.last_sequence == durable  # the failing record is not acknowledged
    with pytest.raises(JournalFailedError):
        journal.append(records[durable])
    journal.close()
    assert len(made) == failing_call


def test_f6_a_short_write_fails_and_its_rest_is_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = make_records(4)
    journal = Journal(tmp_path, "os", SEGMENT_BYTES)
    journal.append(b"".join(records[:2]))
    real = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda f, data, at: real(f, data[: len(data) // 3], at))
    with pytest.raises(JournalFailedError, match="bytes were written"):
        journal.append(b"".join(records[2:]))
    monkeypatch.undo()
    journal.close()

    journal = Journal(tmp_path, "os", SEGMENT_BYTES)
    assert journal.last_sequence == 2
    assert journal.torn_tail is not None
    journal.close()


def test_a_disk_that_loses_what_was_durable_is_noticed_by_readers(tmp_path: Path) -> None:
    records = make_records(4)
    journal = Journal(tmp_path, "os", SEGMENT_BYTES)
    journal.append(b"".join(records))
    path = last_segment(tmp_path)
    data = bytearray(path.read_bytes())
    data[data.index(records[2]) + 40] ^= 1
    path.write_bytes(data)
    with pytest.raises(JournalDamagedError, match=path.name):
        journal.read(1, 10_000)
    data[24:] = bytes(len(data) - 24)
    path.write_bytes(data)
    with pytest.raises(JournalDamagedError, match=path.name):
        journal.read(2, 10_000)
    journal.close()
