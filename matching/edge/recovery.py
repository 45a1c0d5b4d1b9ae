"""The state that a journal leads to: from the newest good snapshot, and the records behind it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import structlog

from matching.core.engine import Engine
from matching.edge.segments import Segments
from matching.edge.snapshots import read_snapshot, snapshot_paths
from matching.replay import Replay, ReplayError
from matching.sequencer import Sequencer
from matching.snapshot_format import Restored, SnapshotHeader, SnapshotUnusableError
from vocabulary.codec import RECORD_HEADER

log = structlog.get_logger("matching")


class Recovery:
    """Goes through `steps`, after which engine and sequencer stand where the journal ends.

    A snapshot that is damaged, or of another journal, or from which the records do not follow, is
    passed over for the one before it; without any, the whole journal is replayed.
    """

    def __init__(self, directory: Path, segments: Segments) -> None:
        self.engine = Engine()
        self.sequencer = Sequencer()
        self.snapshot: Path | None = None
        """The snapshot that the state came from, of which `snapshot_sequence` is the last."""
        self.snapshot_sequence = 0
        self._directory = directory
        self._segments = segments

    @property
    def last_sequence(self) -> int:
        return self.sequencer.last_sequence

    def steps(self) -> Iterator[int]:
        """Scan the segments that are needed and replay them; yield the sequence reached.

        Raises `JournalDamagedError` and `ReplayError`.
        """
        for path in snapshot_paths(self._directory):
            try:
                restored = read_snapshot(path)
                yield restored.header.sequence
                yield from self._follow(restored)
            except (SnapshotUnusableError, ReplayError) as error:
                log.error("snapshot not used", snapshot=path.name, reason=str(error))  # noqa: TRY400
                continue
            self.snapshot = path
            self.snapshot_sequence = restored.header.sequence
            return
        self.engine, self.sequencer = Engine(), Sequencer()
        yield from self._replay(self._segments.scan())

    def _follow(self, restored: Restored) -> Iterator[int]:
        """Replay from a snapshot on, beginning with the very record that it ends with."""
        header, self.engine, self.sequencer = restored
        pieces = self._segments.scan(header.sequence)
        first = next(pieces, b"")
        check_origin(header, first)
        yield from self._replay(iter([first[RECORD_HEADER.unpack_from(first)[1] :]]))
        yield from self._replay(pieces)

    def _replay(self, pieces: Iterator[bytes]) -> Iterator[int]:
        replay = Replay(self.engine, self.sequencer)
        for piece in pieces:
            replay.apply(piece)
            yield replay.last_sequence


def check_origin(header: SnapshotHeader, records: bytes) -> None:
    """Raise `SnapshotUnusableError` unless the snapshot ends with the first of these records."""
    if not records:
        raise SnapshotUnusableError(f"the journal ends before sequence {header.sequence}")
    crc32c, _, sequence, _ = RECORD_HEADER.unpack_from(records)
    if (sequence, crc32c) != (header.sequence, header.record_crc32c):
        raise SnapshotUnusableError(f"it is of a journal with another record {header.sequence}")
