"""How the journal lies in its files.

Layout (little endian)
----------------------
The journal is a directory of segments, each named by the sequence of its first record in 20 digits,
`00000000000000000001.journal`. A segment is a header of 24 bytes, group commits back to back, and
zeros up to its end::

    8 bytes magic          "agiojrnl"
    uint32  crc32c         of all that follows
    uint32  version        of this layout
    int64   first_sequence

A group commit is what one write and one fdatasync made durable: a mark, then its records
(`vocabulary.codec`). A mark is a record of its header alone, with the sequence of the record that
comes next and no time. A group commit never spans two segments.

Damage
------
Only the last group commit can be half written, because each is durable before the next is begun.
So where a record is not whole, the mark of a later commit tells the two cases apart: with none
behind it, the damage is the torn tail of a write that was never acknowledged, and is cut; before
a mark, or anywhere but in the last segment, it is damage to what was acknowledged, and nobody may
guess what stood there. An orderly stop ends the journal with a mark, so that its last commit
cannot pass for a torn one either.

History
-------
1   The first version.
"""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

import google_crc32c

from vocabulary.codec import RECORD_HEADER, CodecError, check_record

MAGIC = b"agiojrnl"
VERSION = 1
SEGMENT_HEADER = Struct("<8sIIq")
SUFFIX = ".journal"
MARK_BYTES = RECORD_HEADER.size
INDEX_BYTES = 1 << 16
"""How far apart the places are that a scan notes, so that a sequence is found without another."""

RECORD_BYTES_MIN = RECORD_HEADER.size
CRC_MASK = 0xFFFFFFFF
_MARK_SIZE_FIELD = MARK_BYTES.to_bytes(4, "little")


crc32c = google_crc32c.value


class JournalDamagedError(Exception):
    """Something acknowledged can't be read, so nothing may start from here.

    The message names the file, the byte and the first sequence that is lost.
    """

    def __init__(self, file: str, offset: int, sequence: int, fault: str) -> None:
        super().__init__(f"{file} is damaged at byte {offset}, sequence {sequence}: {fault}")
        self.file = file
        self.offset = offset
        self.sequence = sequence


class Place(NamedTuple):
    """Where a record, or the mark in front of it, starts in its segment."""

    sequence: int
    offset: int


class SegmentScan(NamedTuple):
    """What stands in a segment. `fault` says why it ends at `end`, where that is not with zeros."""

    end: int
    last_sequence: int
    places: list[Place]
    fault: str | None
    later_commit_offset: int | None


def segment_name(first_sequence: int) -> str:
    return f"{first_sequence:020d}{SUFFIX}"


def pack_segment_header(first_sequence: int) -> bytes:
    checked = SEGMENT_HEADER.pack(b"", 0, VERSION, first_sequence)[12:]
    crc: int = google_crc32c.value(checked)
    return MAGIC + crc.to_bytes(4, "little") + checked


def pack_mark(next_sequence: int) -> bytes:
    body = (MARK_BYTES | next_sequence << 32).to_bytes(MARK_BYTES - 4, "little")
    crc: int = crc32c(body)
    return crc.to_bytes(4, "little") + body


def check_segment_header(data: bytes, name: str) -> int:
    """Return the first sequence. Raises `JournalDamagedError` if it is not the one in `name`."""
    named = int(name.removesuffix(SUFFIX))
    if len(data) < SEGMENT_HEADER.size:
        raise JournalDamagedError(name, 0, named, f"only {len(data)} bytes long")
    magic, crc, version, first_sequence = SEGMENT_HEADER.unpack_from(data)
    if magic != MAGIC or crc != google_crc32c.value(data[12 : SEGMENT_HEADER.size]):
        raise JournalDamagedError(name, 0, named, "its header is not one of a journal")
    if version != VERSION:
        raise JournalDamagedError(name, 0, named, f"layout {version} unknown, only {VERSION}")
    if first_sequence != named:
        raise JournalDamagedError(name, 0, named, f"its header says {first_sequence}")
    return named


def scan_segment(data: bytes, first_sequence: int) -> SegmentScan:
    """Return what a segment holds, up to its zeros or the first thing that is not whole."""
    words = as_words(data)
    at = SEGMENT_HEADER.size
    next_sequence = first_sequence
    places = [Place(next_sequence, at)]
    noted = at
    fault = None
    while at < len(data):
        try:
            size = whole_record(data, words, at, next_sequence)
        except CodecError as error:
            fault = str(error)
            break
        if at - noted >= INDEX_BYTES:
            places.append(Place(next_sequence, at))
            noted = at
        next_sequence += size != MARK_BYTES
        at += size
    if data[at:] == bytes(len(data) - at):
        return SegmentScan(at, next_sequence - 1, places, None, None)
    later = find_mark(data, at, next_sequence)
    return SegmentScan(at, next_sequence - 1, places, fault, later)


def find_mark(data: bytes, at: int, sequence_min: int) -> int | None:
    """Return where the first mark of `sequence_min` or more stands at or behind `at`."""
    found = data.find(_MARK_SIZE_FIELD, at)
    while found != -1:
        start = found - 4  # behind the CRC
        if start >= at and start % 8 == 0 and is_mark(data, start, sequence_min):
            return start
        found = data.find(_MARK_SIZE_FIELD, found + 1)
    return None


def is_mark(data: bytes, at: int, sequence_min: int) -> bool:
    try:
        end = check_record(data, at)
    except CodecError:
        return False
    sequence: int = RECORD_HEADER.unpack_from(data, at)[2]
    return end - at == MARK_BYTES and sequence >= sequence_min


def whole_records(data: bytes, next_sequence: int) -> tuple[list[bytes], int, int]:
    """Return the records at the start of `data`, without marks, the sequence and the offset behind.

    Neighbours come as one piece. What is cut short at the end is left out. Raises `CodecError`.
    """
    words = as_words(data)
    pieces: list[bytes] = []
    at = start = 0
    while len(data) - at >= RECORD_BYTES_MIN:
        size = words[at >> 3] >> 32
        if size == 0 or len(data) - at < size:
            break
        size = whole_record(data, words, at, next_sequence)
        if size == MARK_BYTES:
            pieces.append(data[start:at])
            start = at + size
        else:
            next_sequence += 1
        at += size
    pieces.append(data[start:at])
    return pieces, next_sequence, at


def as_words(data: bytes) -> memoryview:
    """Return 64-bit words; what a cut leaves of a last one is not among them."""
    return memoryview(data)[: len(data) & ~7].cast("Q")


def whole_record(data: bytes, words: memoryview, at: int, sequence: int) -> int:
    """Return the size of the record, or mark, at a byte. Raises `CodecError` if it is not whole."""
    if at + RECORD_BYTES_MIN > len(data):
        return check_record(data, at)  # says what is wrong
    size: int = words[at >> 3] >> 32
    end = at + size
    if size < RECORD_BYTES_MIN or size & 7 or end > len(data):
        return check_record(data, at)
    if crc32c(data[at + 4 : end]) != words[at >> 3] & CRC_MASK:
        return check_record(data, at)
    if words[(at >> 3) + 1] != sequence:
        found = words[(at >> 3) + 1]
        raise CodecError(f"sequence {found} where {sequence} comes next")
    return size
