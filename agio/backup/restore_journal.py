"""The journal and its snapshots out of a backup, on an empty machine, and where they lead."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Final, NamedTuple

from agio.backup.contents import SNAPSHOT, Contents
from matching.core.engine import Engine
from matching.edge.archive import sync_directory
from matching.edge.recovery import Recovery
from matching.edge.segments import Segments
from matching.journal_format import SegmentScan, scan_segment, segment_name
from matching.journal_spans import Span, digest_of
from matching.snapshot_format import snapshot_name
from objects.encrypted import EncryptedStore, FileDamagedError
from vocabulary.codec import RECORD_HEADER

SNAPSHOTS_WANTED: Final = 2  # the newest, and one to go back to


class Progress(NamedTuple):
    """How far a step has come. What is counted are the journal's sequences."""

    step: str
    sequence: int
    last_sequence: int


OnProgress = Callable[[Progress], None]


class Recovered(NamedTuple):
    """Where the journal leads."""

    segments: Segments
    engine: Engine
    snapshot_sequence: int


def fetch_journal(
    store: EncryptedStore, contents: Contents, until: int, directory: Path, on_progress: OnProgress
) -> None:
    """Write the journal up to a sequence, and the newest snapshots of it, into `directory`.

    Raises `FileDamagedError`, and what the store and the disk raise.
    """
    wanted = [span for span in contents.spans if span.first <= until]
    for segment, spans in groupby(wanted, key=lambda span: span.segment):
        chain = list(spans)
        data = b"".join(_fetch(store, span, contents.parts[span.name]) for span in chain)
        scan = scan_segment(data, segment)
        if scan.fault is not None or scan.last_sequence != chain[-1].last:
            fault = scan.fault or f"it ends with {scan.last_sequence}"
            raise FileDamagedError(
                f"{chain[0].name} and what follows it, sequence {scan.last_sequence + 1}: {fault}"
            )
        _write(directory / segment_name(segment), [_cut(data, scan, until)])
        on_progress(Progress("journal", min(chain[-1].last, until), until))
    snapshots = [copy for copy in contents.copies[SNAPSHOT] if copy.sequence <= until]
    for copy in snapshots[-SNAPSHOTS_WANTED:]:
        pieces = store.read(copy.name, contents.parts[copy.name])
        _write(directory / snapshot_name(copy.sequence), pieces)
    sync_directory(directory)


def recover(directory: Path, until: int, on_progress: OnProgress) -> Recovered:
    """Return the state that the journal leads to, each of its events made again and compared.

    Raises `JournalDamagedError` and `ReplayError`.
    """
    segments = Segments(directory, scanned=False)
    recovery = Recovery(directory, segments)
    for sequence in recovery.steps():
        on_progress(Progress("replay", sequence, until))
    if recovery.last_sequence != until:
        raise FileDamagedError(f"the journal leads to {recovery.last_sequence}, not to {until}")
    return Recovered(segments, recovery.engine, recovery.snapshot_sequence)


def _fetch(store: EncryptedStore, span: Span, parts: int) -> bytes:
    data = b"".join(store.read(span.name, parts))
    if len(data) != span.size or digest_of(data) != span.digest:
        raise FileDamagedError(f"{span.name} is not what its name says")
    return data


def _cut(data: bytes, scan: SegmentScan, until: int) -> bytes:
    """Return a segment without the records behind a sequence."""
    if scan.last_sequence <= until:
        return data
    _, at = max(place for place in scan.places if place.sequence <= until)
    while RECORD_HEADER.unpack_from(data, at)[2] <= until:
        at += RECORD_HEADER.unpack_from(data, at)[1]
    return data[:at]


def _write(path: Path, pieces: Iterator[bytes] | list[bytes]) -> None:
    with path.open("wb") as file:
        for piece in pieces:
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
