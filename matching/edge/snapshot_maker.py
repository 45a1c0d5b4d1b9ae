"""Makes a snapshot from the journal, in a process of its own: `agio snapshot DIR`.

It recovers as the matching process would, from the snapshot before and the journal's tail, and
writes what it arrived at. So the matching process never stops for it, and each snapshot proves
again that the engine does what the journal says.
"""

from __future__ import annotations

from pathlib import Path

from matching.edge.archive import archive_of, archive_segment
from matching.edge.recovery import Recovery
from matching.edge.segments import Segments
from matching.edge.snapshots import keep_only, remove_unfinished, write_snapshot
from vocabulary.codec import RECORD_HEADER


def make_snapshot(directory: Path) -> Path | None:
    """Snapshot the journal in `directory` as far as it is now, beside its writer or without one.

    Returns the file, None if there is nothing new. Kept are this one and the one that it was made
    from; both have just proven to be good. Segments that no restart from either needs go to the
    journal's archive, if it has one. Raises `FileNotFoundError`, `JournalDamagedError`,
    `ReplayError` and, for a full disk say, `OSError`.
    """
    if not directory.is_dir():
        raise FileNotFoundError(f"no journal in {directory}")
    remove_unfinished(directory)
    segments = Segments(directory, scanned=False)
    recovery = Recovery(directory, segments)
    for _ in recovery.steps():
        pass
    if recovery.last_sequence == recovery.snapshot_sequence:
        return None
    last = segments.read(recovery.last_sequence, 1).records
    crc32c = RECORD_HEADER.unpack_from(last)[0]
    path = write_snapshot(directory, recovery.engine, recovery.sequencer, crc32c)
    keep_only(directory, {path, recovery.snapshot})
    archive = archive_of(directory)
    if archive is not None and recovery.snapshot is not None:
        # The record at which the older one ends shows whose snapshot it is, so that stays, too.
        for segment in segments.not_archived_before(recovery.snapshot_sequence):
            archive_segment(segment.path, segment.first_sequence, segment.last_sequence, archive)
    return path
