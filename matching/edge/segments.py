"""The journal's files, read."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

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

    def take(self, scan: SegmentScan) -> None:
        """Take over what a scan found."""
        self.end = scan.end
        self.last_sequence = scan.last_sequence
        self._sequences = array("q", [place.sequence for place in scan.places])
        self._offsets = array("q", [place.offset for place in scan.places])

    def extend(self, records: Sequence[bytes]) -> None:
        """Note one more group commit that has become durable."""
        self.end += MARK_BYTES
        for record in records:
            self.last_sequence += 1
            if self.end - self._offsets[-1] >= INDEX_BYTES:
                self._sequences.append(self.last_sequence)
                self._offsets.append(self.end)
            self.end += len(record)

    def place_before(self, sequence: int) -> Place:
        """Return the last noted place at or before a sequence."""
        index = bisect_right(self._sequences, sequence) - 1
        # A mark carries the sequence of the record behind it, so several places may share one.
        return Place(self._sequences[index], self._offsets[index])


class Segments:
    """All of a journal's segments. Reading needs no lock and may go on while the writer writes.

    Raises `JournalDamagedError` if anything but the tail is not whole. `torn_tail` tells what a
    writer has to cut before it goes on; a reader simply ends there.
    """

    def __init__(self, directory: Path) -> None:
        self.torn_tail: TornTail | None = None
        self._segments: list[Segment] = []
        paths = sorted(directory.glob("[0-9]" * 20 + SUFFIX))
        for path in paths:
            self._scan(path, is_last=path is paths[-1])

    @property
    def first_sequence(self) -> int:
        return self._segments[0].first_sequence if self._segments else 1

    @property
    def last_sequence(self) -> int:
        return self._segments[-1].last_sequence if self._segments else 0

    @property
    def last(self) -> Segment | None:
        return self._segments[-1] if self._segments else None

    def add(self, segment: Segment) -> None:
        self._segments.append(segment)

    def read(self, from_sequence: int, bytes_max: int) -> Chunk:
        """Return the records from a sequence on: about `bytes_max` of them, one at least.

        Nothing where the sequence is beyond the last one. Raises `JournalDamagedError` if the disk
        does not give back what it took, and `ValueError` for a sequence before the first one.
        """
        if from_sequence > self.last_sequence:
            return Chunk(b"", from_sequence)
        index = bisect_right(self._segments, from_sequence, key=lambda s: s.first_sequence) - 1
        if index < 0:
            raise ValueError(f"the journal starts at {self.first_sequence}, not {from_sequence}")
        segment = self._segments[index]
        place = segment.place_before(from_sequence)
        wanted = bytes_max + INDEX_BYTES
        with segment.path.open("rb") as file:
            while True:
                file.seek(place.offset)
                data = file.read(min(wanted, segment.end - place.offset))
                chunk = _records_from(segment, place, data, from_sequence)
                if chunk.records:
                    return chunk
                if wanted >= segment.end - place.offset:
                    raise JournalDamagedError(
                        segment.path.name, place.offset, from_sequence, "it has changed since"
                    )
                wanted *= 2  # a single record is larger than that

    def _scan(self, path: Path, *, is_last: bool) -> None:
        data = path.read_bytes()
        name = path.name
        first_sequence = check_segment_header(data, name)
        expected = self.last_sequence + 1
        if first_sequence != expected:
            raise JournalDamagedError(
                name, 0, expected, f"it starts with {first_sequence}: what is before it is missing"
            )
        segment = Segment(path, first_sequence, len(data))
        scan = scan_segment(data, first_sequence)
        segment.take(scan)
        self._segments.append(segment)
        if scan.fault is None:
            return
        if scan.later_commit_offset is not None:
            raise JournalDamagedError(
                name,
                scan.end,
                scan.last_sequence + 1,
                f"{scan.fault}; a later commit stands at byte {scan.later_commit_offset}",
            )
        if not is_last:
            raise JournalDamagedError(name, scan.end, scan.last_sequence + 1, scan.fault)
        self.torn_tail = TornTail(name, scan.end, scan.last_sequence, scan.fault)


def _records_from(segment: Segment, place: Place, data: bytes, from_sequence: int) -> Chunk:
    try:
        pieces, next_sequence = whole_records(data, place.sequence)
    except CodecError as error:
        raise JournalDamagedError(
            segment.path.name, place.offset, place.sequence, str(error)
        ) from error
    if next_sequence <= from_sequence:
        return Chunk(b"", from_sequence)
    records = b"".join(pieces)
    at = 0
    for _ in range(place.sequence, from_sequence):
        at += RECORD_HEADER.unpack_from(records, at)[1]
    return Chunk(records[at:], next_sequence)
