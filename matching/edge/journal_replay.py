"""A journal verified where it lies, beside its writer or without one: `agio replay DIR`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from matching.core.engine import Engine
from matching.edge.recovery import check_origin
from matching.edge.segments import Segments, TornTail
from matching.edge.snapshots import read_snapshot, snapshot_paths
from matching.replay import Replay, ReplayError, ReplayResult
from matching.sequencer import Sequencer
from matching.snapshot_format import SnapshotUnusableError

CHUNK_BYTES: Final = 1 << 20


class Progress(NamedTuple):
    """How far the journal has been replayed. A journal's last segment is mostly unused."""

    sequence: int
    bytes_done: int
    bytes_total: int


class Verified(NamedTuple):
    """What a journal holds, and where it leads.

    `torn_tail` is the end of an unfinished write, if there is one. `snapshots` are those from which
    the journal's tail leads to the same state, by sequence, `unusable` the others and why.
    """

    result: ReplayResult
    torn_tail: TornTail | None
    snapshots: list[int]
    unusable: dict[str, str]


def verify_journal(
    directory: Path, on_progress: Callable[[Progress], None] | None = None
) -> Verified:
    """Check every byte of a journal and replay all of it, and from each snapshot; change nothing.

    `on_progress` is called many times a second. Raises `JournalDamagedError`, `ReplayError`, and
    `FileNotFoundError` where there is no journal.
    """
    if not directory.is_dir():
        raise FileNotFoundError(f"no journal in {directory}")
    segments = Segments(directory, scanned=False)
    replay = Replay(Engine(), Sequencer())
    bytes_done = 0
    for piece in segments.scan():
        replay.apply(piece)
        bytes_done += len(piece)
        if on_progress is not None:
            on_progress(Progress(replay.last_sequence, bytes_done, segments.size))
    result = replay.result()
    snapshots: list[int] = []
    unusable: dict[str, str] = {}
    for path in snapshot_paths(directory):
        try:
            sequence = _verify_snapshot(path, segments, result.state_hash)
        except (SnapshotUnusableError, ReplayError) as error:
            unusable[path.name] = str(error)
        else:
            snapshots += [sequence] if sequence else []
    return Verified(result, segments.torn_tail, snapshots, unusable)


def _verify_snapshot(path: Path, segments: Segments, state_hash: str) -> int:
    """Replay from a snapshot to the end; return its sequence, 0 if it was made meanwhile."""
    header, engine, sequencer = read_snapshot(path)
    if header.sequence > segments.last_sequence:
        return 0
    check_origin(header, segments.read(header.sequence, 1).records)
    replay = Replay(engine, sequencer)
    while records := segments.read(replay.last_sequence + 1, CHUNK_BYTES).records:
        replay.apply(records)
    if engine.state_hash() != state_hash:
        raise SnapshotUnusableError(f"it leads to the state {engine.state_hash()}")
    return header.sequence
