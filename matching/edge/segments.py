"""The journal's files, read."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO, NamedTuple

import structlog

from matching.core import packed
from matching.edge.archive import Archive, archive_of
from matching.journal_format import (
    INDEX_BYTES,
    MARK_BYTES,
    SEGMENT_HEADER,
    SUFFIX,
    JournalDamagedError,
    Place,
    SegmentScan,
    check_segment_header,
    scan_segment,
    whole_records,
)
from vocabulary.codec import RECORD_HEADER, CodecError

log = structlog.get_logger("matching")


class TornTail(NamedTuple):
    """The end of a write that a crash cut short: never acknowledged, to be cut."""

    file: str
    offset: int
    last_sequence: int
    fault: str


class Chunk(NamedTuple):
    """Whole records, back to back, and the sequence behind them."""

    records: bytes
    next_sequence: int


class SegmentUnavailableError(OSError):
    """A segment was archived, and can't be read there."""


class Segment:
    """One file of the journal, up to the last byte that is durable."""

    def __init__(self, path: Path, first_sequence: int, size: int) -> None:
        self.path = path
        self.first_sequence = first_sequence
        self.last_sequence = first_sequence - 1
        self.size = size
        self.end = SEGMENT_HEADER.size
        self._sequences = array("q", [first_sequence])
        self._offsets = array("q", [self.end])
        self._noted = self.end

    def take(self, scan: SegmentScan) -> None:
        """Take over what a scan found."""
        self.end = scan.end
        self.last_sequence = scan.last_sequence
        self._sequences = array("q", [place.sequence for place in scan.places])
        self._offsets = array("q", [place.offset for place in scan.places])
        self._noted = self._offsets[-1]

    def extend(self, records: bytes) -> None:
        """Note one more group commit that has become durable."""
        words = packed.words_of(records)
        at = 0
        start = self.end + MARK_BYTES
        while at < len(records):
            self.last_sequence += 1
            if start + at - self._noted >= INDEX_BYTES:
                self._note(self.last_sequence, start + at)
            at += words[at // 8] >> 35 << 3  # the size, which a record's first word ends with
        self.end = start + at

    def note(self, place: Place) -> None:
        """Remember a place that reading has come to, where it is far enough from the last one."""
        if place.offset - self._noted >= INDEX_BYTES:
            self._note(place.sequence, place.offset)

    def _note(self, sequence: int, offset: int) -> None:
        self._sequences.append(sequence)
        self._offsets.append(offset)
        self._noted = offset

    def pieces(self, data: bytes, from_sequence: int) -> Iterator[bytes]:
        """Yield the scanned `data` from a sequence on, records and marks."""
        first = max(bisect_right(self._sequences, from_sequence) - 1, 0)
        for index in range(first, len(self._offsets)):
            at = self._offsets[index]
            end = self._offsets[index + 1] if index + 1 < len(self._offsets) else self.end
            while at < end:
                _, size, sequence, _ = RECORD_HEADER.unpack_from(data, at)
                if sequence >= from_sequence and size != MARK_BYTES:
                    yield data[at:end]
                    break
                at += size

    def place_before(self, sequence: int) -> Place:
        """Return the last noted place at or before a sequence."""
        index = bisect_right(self._sequences, sequence) - 1
        # A mark carries the sequence of the record behind it, so several places may share one.
        return Place(self._sequences[index], self._offsets[index])


class Segments:
    """All of a journal's segments. Reading needs no lock and may go on while the writer writes.

    Raises `JournalDamagedError` if anything but the tail is not whole. `torn_tail` tells what a
    writer has to cut before it goes on; a reader simply ends there. Segments that are moved to the
    journal's archive meanwhile are read there.

    With `scanned=False` only the headers are looked at: who asks for that has to go through `scan`
    before anything else. Segments before the scan's start are checked as they are read.
    """

    def __init__(self, directory: Path, *, scanned: bool = True) -> None:
        self.torn_tail: TornTail | None = None
        self._directory = directory
        self._archive = archive_of(directory)
        self._segments = [
            open_segment(path) for path in sorted(directory.glob("[0-9]" * 20 + SUFFIX))
        ]
        if self._archive is not None:
            self._segments[:0] = _archived(self._archive, directory, self._segments)
        self.last: Segment | None = self._segments[-1] if self._segments else None
        for segment, follower in pairwise(self._segments):
            segment.last_sequence = follower.first_sequence - 1
        if scanned:
            for _ in self.scan():
                pass

    @property
    def first_sequence(self) -> int:
        return self._segments[0].first_sequence if self._segments else 1

    @property
    def last_sequence(self) -> int:
        return self.last.last_sequence if self.last is not None else 0

    def add(self, segment: Segment) -> None:
        self._segments.append(segment)
        self.last = segment

    @property
    def size(self) -> int:
        """All segments' bytes, used or not."""
        return sum(segment.size for segment in self._segments)

    def scan(self, from_sequence: int = 1) -> Iterator[bytes]:
        """Check the journal from a sequence's segment on; yield its records from there.

        They come with the marks between them, in pieces of about 64 KiB.
        """
        first = max(self._index(from_sequence), 0)
        for index in range(first, len(self._segments)):
            segment = self._segments[index]
            if segment.first_sequence > from_sequence and index == 0:
                raise _missing_before(segment, from_sequence)
            with self._open(segment) as file:
                data = file.read()
            self._take(index, self._scan(segment, data))
            yield from segment.pieces(data, from_sequence)

    def read(self, from_sequence: int, bytes_max: int) -> Chunk:
        """Return the records from a sequence on: about `bytes_max` of them, one at least.

        Nothing where the sequence is beyond the last one. Raises `JournalDamagedError` if the disk
        does not give back what it took, `SegmentUnavailableError` if the archive does not, and
        `ValueError` for a sequence before the first one.
        """
        if from_sequence > self.last_sequence:
            return Chunk(b"", from_sequence)
        index = self._index(from_sequence)
        if index < 0:
            raise ValueError(f"the journal starts at {self.first_sequence}, not {from_sequence}")
        segment = self._segments[index]
        try:
            with self._open(segment) as file:
                return _read(file, segment, from_sequence, bytes_max)
        except (OSError, JournalDamagedError) as error:
            if self._archive is None or self._is_ours(segment):
                raise
            raise _unavailable(segment, error) from error

    def is_at_hand(self, sequence: int) -> bool:
        """Say whether reading a sequence does not have to wait for the archive."""
        index = self._index(sequence)
        return index < 0 or self._segments[index].path.exists()

    def fetch(self, sequence: int) -> None:
        """Have the archive bring a sequence's segment. Raises `SegmentUnavailableError`."""
        self._open(self._segments[self._index(sequence)]).close()

    def not_archived_before(self, sequence: int) -> Iterator[Segment]:
        """Yield the segments that end before a sequence and lie in the journal's directory."""
        for segment in self._segments[:-1]:
            if segment.last_sequence < sequence and self._is_ours(segment):
                yield segment

    def _is_ours(self, segment: Segment) -> bool:
        return segment.path.parent == self._directory and segment.path.exists()

    def _open(self, segment: Segment) -> BinaryIO:
        """Open a segment where it lies by now."""
        try:
            return segment.path.open("rb")
        except FileNotFoundError:
            if self._archive is None:
                raise
        try:
            path = self._archive.fetch(segment.path.name)
            # The zeros that filled it up were left out.
            segment.end = min(segment.end, path.stat().st_size)
            segment.path = path
            return path.open("rb")
        except OSError as error:
            raise _unavailable(segment, error) from error

    def _index(self, sequence: int) -> int:
        return bisect_right(self._segments, sequence, key=lambda s: s.first_sequence) - 1

    def _scan(self, segment: Segment, data: bytes) -> SegmentScan:
        scan = scan_segment(data, segment.first_sequence)
        if scan.later_commit_offset is None:
            return scan
        # A writer may have written on, before and behind what was being read: look again.
        again = scan_segment(segment.path.read_bytes(), segment.first_sequence)
        return scan if again.end == scan.end else again

    def _take(self, index: int, scan: SegmentScan) -> None:
        segment = self._segments[index]
        name = segment.path.name
        is_last = index == len(self._segments) - 1
        segment.take(scan)
        if scan.fault is not None and scan.later_commit_offset is not None:
            raise JournalDamagedError(
                name,
                scan.end,
                scan.last_sequence + 1,
                f"{scan.fault}; a later commit stands at byte {scan.later_commit_offset}",
            )
        if not is_last:
            if scan.fault is not None:
                raise JournalDamagedError(name, scan.end, scan.last_sequence + 1, scan.fault)
            follower = self._segments[index + 1]
            if follower.first_sequence != scan.last_sequence + 1:
                raise _missing_before(follower, scan.last_sequence + 1)
        elif scan.fault is not None:
            self.torn_tail = TornTail(name, scan.end, scan.last_sequence, scan.fault)


def open_segment(path: Path) -> Segment:
    """Return a segment of which the header alone has been read."""
    with path.open("rb") as file:
        first_sequence = check_segment_header(file.read(SEGMENT_HEADER.size), path.name)
    segment = Segment(path, first_sequence, path.stat().st_size)
    segment.end = segment.size
    return segment


def _archived(archive: Archive, directory: Path, present: Sequence[Segment]) -> list[Segment]:
    """Return the archived segments in front of those that are present; none if out of reach."""
    try:
        sizes = archive.sizes()
    except OSError as error:
        log.error("archive not reached", reason=str(error))  # noqa: TRY400
        return []
    if sizes and not present:
        raise JournalDamagedError(min(sizes), 0, 1, "it was archived, but its journal is not there")
    segments: list[Segment] = []
    for name, size in sorted(sizes.items()):
        first_sequence = int(name.removesuffix(SUFFIX))
        if first_sequence < present[0].first_sequence:
            segment = Segment(directory / name, first_sequence, size)
            segment.end = size
            segments.append(segment)
    return segments


def _unavailable(segment: Segment, error: Exception) -> SegmentUnavailableError:
    first, last, name = segment.first_sequence, segment.last_sequence, segment.path.name
    return SegmentUnavailableError(f"{first}..{last}, archived as {name}, can't be read: {error}")


def _missing_before(segment: Segment, expected: int) -> JournalDamagedError:
    first_sequence = segment.first_sequence
    return JournalDamagedError(
        segment.path.name,
        0,
        expected,
        f"it starts with {first_sequence}: what is before it is missing",
    )


def _read(file: BinaryIO, segment: Segment, from_sequence: int, bytes_max: int) -> Chunk:
    place = segment.place_before(from_sequence)
    wanted = bytes_max + INDEX_BYTES
    while True:
        file.seek(place.offset)
        data = file.read(min(wanted, segment.end - place.offset))
        chunk, behind = _records_from(segment, place, data, from_sequence)
        segment.note(behind)
        if chunk.records:
            return chunk
        if behind.offset == place.offset and wanted >= segment.end - place.offset:
            raise JournalDamagedError(
                segment.path.name, place.offset, from_sequence, "it has changed since"
            )
        # A single record is larger than that, or the segment was not scanned so far.
        wanted *= 2
        place = behind


def _records_from(
    segment: Segment, place: Place, data: bytes, from_sequence: int
) -> tuple[Chunk, Place]:
    """Return the records wanted, and the place behind all that were looked at."""
    try:
        pieces, next_sequence, end = whole_records(data, place.sequence)
    except CodecError as error:
        raise JournalDamagedError(
            segment.path.name, place.offset, place.sequence, str(error)
        ) from error
    behind = Place(next_sequence, place.offset + end)
    if next_sequence <= from_sequence:
        return Chunk(b"", from_sequence), behind
    records = b"".join(pieces)
    at = 0
    for _ in range(place.sequence, from_sequence):
        at += RECORD_HEADER.unpack_from(records, at)[1]
    return Chunk(records[at:], next_sequence), behind
