"""Snapshot and tail lead where the whole journal leads, whatever becomes of the snapshots (F8)."""

import os
import random
import resource
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from matching.core.engine import Engine
from matching.edge import snapshots
from matching.edge.journal import Journal
from matching.edge.journal_replay import verify_journal
from matching.edge.recovery import Recovery
from matching.edge.segments import Segments
from matching.edge.snapshot_maker import make_snapshot
from matching.edge.snapshots import snapshot_paths
from matching.replay import Replay
from matching.sequencer import Sequencer
from tests.matching.samples import NOW_NS, make_records
from vocabulary.codec import pack_record

RECORDS = make_records(400)
SEGMENT_BYTES = 16 << 10  # several of them


def extend(directory: Path, until: int) -> None:
    journal = Journal(directory, "os", SEGMENT_BYTES)
    for at in range(journal.last_sequence, until, 7):
        journal.append(b"".join(RECORDS[at : min(at + 7, until)]))
    journal.close()


def recover(directory: Path) -> Recovery:
    recovery = Recovery(directory, Segments(directory, scanned=False))
    for _ in recovery.steps():
        pass
    return recovery


def check(recovery: Recovery, last: int, snapshot_sequence: int) -> None:
    """I5: the state is the one that a replay of the whole journal leads to."""
    engine, sequencer = Engine(), Sequencer()
    Replay(engine, sequencer).apply(b"".join(RECORDS[:last]))
    assert recovery.snapshot_sequence == snapshot_sequence
    assert recovery.last_sequence == last
    assert recovery.engine.state_hash() == engine.state_hash()
    assert list(recovery.sequencer.save()) == list(sequencer.save())


@pytest.fixture
def snapshotted(tmp_path: Path) -> Path:
    """Return a journal of 400 records with snapshots at 100 and 200."""
    for until in (100, 200):
        extend(tmp_path, until)
        made = make_snapshot(tmp_path)
        assert made is not None
        assert made.name == f"{until:020d}.snapshot"
    extend(tmp_path, 400)
    return tmp_path


def test_i5_snapshots_at_random_points_lead_to_the_same_state(tmp_path: Path) -> None:
    chance = random.Random(1)
    made = [0]
    for until in sorted(chance.sample(range(1, 400), 25)):
        extend(tmp_path, until)
        check(recover(tmp_path), until, made[-1])
        if chance.random() < 0.5:
            make_snapshot(tmp_path)
            made.append(until)
    assert len(made) > 5
    assert [int(path.stem) for path in snapshot_paths(tmp_path)] == made[:-3:-1]
    verified = verify_journal(tmp_path)
    assert verified.snapshots == made[:-3:-1]
    assert not verified.unusable


def test_a_snapshot_is_made_only_of_something_new(snapshotted: Path) -> None:
    assert make_snapshot(snapshotted) is not None
    assert make_snapshot(snapshotted) is None
    assert [int(path.stem) for path in snapshot_paths(snapshotted)] == [400, 200]


def test_segments_before_the_snapshot_are_read_only_by_those_who_ask(snapshotted: Path) -> None:
    segments = Segments(snapshotted, scanned=False)
    for _ in segments.scan(200):
        pass
    records = b""
    sequence = 1
    while (chunk := segments.read(sequence, 1)).records:
        records += chunk.records
        sequence = chunk.next_sequence
    assert records == b"".join(RECORDS)
    fresh = Segments(snapshotted, scanned=False)
    for _ in fresh.scan(390):
        pass
    assert fresh.read(77, 1).records.startswith(RECORDS[76])  # in the middle, out of the blue


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def take_for_another(path: Path) -> None:
    path.rename(path.with_name(f"{201:020d}.snapshot"))


def forbid(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("damage", [truncate, flip, empty, take_for_another, forbid])
def test_f8_a_damaged_snapshot_is_passed_over(
    snapshotted: Path, damage: Callable[[Path], None], capsys: pytest.CaptureFixture[str]
) -> None:
    newest, older = snapshot_paths(snapshotted)
    damage(newest)
    check(recover(snapshotted), 400, 100)
    assert "snapshot not used" in capsys.readouterr().out
    assert len(verify_journal(snapshotted).unusable) == 1
    damage(older)
    check(recover(snapshotted), 400, 0)


def test_a_snapshot_after_damage_leaves_two_good_ones(snapshotted: Path) -> None:
    flip(snapshot_paths(snapshotted)[0])
    make_snapshot(snapshotted)
    assert verify_journal(snapshotted).snapshots == [400, 100]


def test_a_snapshot_ahead_of_its_journal_is_passed_over(snapshotted: Path) -> None:
    """After a lost machine in mode `os` the journal may end before what a snapshot knows."""
    for path in sorted(snapshotted.glob("*.journal"))[1:]:
        path.unlink()
    last = Segments(snapshotted).last_sequence
    assert last < 100
    check(recover(snapshotted), last, 0)


def test_a_snapshot_of_another_journal_is_passed_over(snapshotted: Path) -> None:
    for path in snapshotted.glob("*.journal"):
        path.unlink()
    journal = Journal(snapshotted, "os", SEGMENT_BYTES)
    engine = Engine()
    for sequence, record in enumerate(RECORDS[:300], 1):
        command = record[24 : 24 + int.from_bytes(record[28:32], "little")]
        events = engine.apply(command, sequence, NOW_NS + 1)
        journal.append(pack_record(sequence, NOW_NS + 1, command, events))
    journal.close()
    recovery = recover(snapshotted)
    assert recovery.snapshot is None
    assert recovery.engine.state_hash() == engine.state_hash()
    assert "of a journal with another record" in "".join(
        verify_journal(snapshotted).unusable.values()
    )


def in_child(act: Callable[[], None]) -> int:
    """Return the status of a process that does something."""
    pid = os.fork()
    if pid == 0:
        try:
            act()
        except OSError:
            os._exit(3)
        os._exit(0)
    return os.waitpid(pid, 0)[1]


class KilledAt:
    """Kills this process before its n-th step of writing a snapshot."""

    def __init__(self, step: int) -> None:
        self.left = step
        for owner, name in (
            (os, "fsync"),
            (Path, "rename"),
            (Path, "open"),
            (snapshots, "pack_header"),
            (snapshots, "keep_only"),
        ):
            setattr(owner, name, self.counted(getattr(owner, name)))

    def counted(self, step: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: object, **named: object) -> object:
            self.left -= 1
            if self.left < 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return step(*arguments, **named)

        return call


def test_f8_a_writer_killed_at_any_step_leaves_what_was_good(snapshotted: Path) -> None:
    statuses = []
    for step in range(30):

        def write(step: int = step) -> None:
            KilledAt(step)
            make_snapshot(snapshotted)

        statuses.append(in_child(write))
        recovery = recover(snapshotted)
        check(recovery, 400, recovery.snapshot_sequence)
        assert recovery.snapshot_sequence in {200, 400}
        assert len(verify_journal(snapshotted).snapshots) >= 2
        for path in snapshot_paths(snapshotted):
            if path.stem.endswith("400"):
                path.unlink()
    assert statuses.count(signal.SIGKILL) >= 6
    assert statuses[-1] == 0
    make_snapshot(snapshotted)
    assert not list(snapshotted.glob("*.unfinished"))


@pytest.mark.parametrize("size_max", [0, 100, 2_000])
def test_f5_a_full_disk_fails_the_snapshot_and_leaves_nothing(
    snapshotted: Path, size_max: int
) -> None:
    def write() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size_max, size_max))
        make_snapshot(snapshotted)

    assert in_child(write) == 3 << 8
    assert [int(path.stem) for path in snapshot_paths(snapshotted)] == [200, 100]
    assert not list(snapshotted.glob("*.unfinished"))
