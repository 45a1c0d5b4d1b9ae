"""What a writer has added to a segment since one looked last."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from matching.journal_format import MARK_BYTES, SEGMENT_HEADER, check_segment_header
from vocabulary.codec import RECORD_BYTES_MAX, RECORD_HEADER, CodecError, check_record


class Position(NamedTuple):
    """A byte of a segment, and the sequence of the record that stands there or comes next."""

    offset: int
    next_sequence: int


class Tail(NamedTuple):
    """Whole records with the marks before them, and the position behind.

    `is_all` says whether there was no more just now.
    """

    data: bytes
    behind: Position
    is_all: bool


def read_tail(path: Path, position: Position, bytes_max: int) -> Tail:
    """Return what stands whole in a segment's file from a position on; nothing if that is nothing.

    That may not be synced yet. A larger record than `bytes_max` comes alone; the header of the
    segment comes with the first. Raises `FileNotFoundError` and `JournalDamagedError`.
    """
    with path.open("rb") as file:
        while True:
            file.seek(position.offset)
            data = file.read(bytes_max)
            start = 0
            if position.offset == 0:
                check_segment_header(data, path.name)
                start = SEGMENT_HEADER.size
            end, next_sequence, wanted = _whole(data, start, position.next_sequence)
            is_all = not len(data) == bytes_max < wanted
            if end or is_all:
                return Tail(data[:end], Position(position.offset + end, next_sequence), is_all)
            bytes_max = wanted


def _whole(data: bytes, at: int, next_sequence: int) -> tuple[int, int, int]:
    """Return the end of the last whole record, 0 if none, and the sequence behind it.

    The third is the end that the record there says it has, and needs to be whole.
    """
    end = 0
    while len(data) - at >= RECORD_HEADER.size:
        _, size, sequence, _ = RECORD_HEADER.unpack_from(data, at)
        try:
            behind = check_record(data, at)
        except CodecError:  # zeros, a write under way, or cut short by what was read
            return end, next_sequence, at + min(size, RECORD_BYTES_MAX)
        if sequence != next_sequence:
            return end, next_sequence, at
        at = behind
        if size != MARK_BYTES:
            next_sequence += 1
            end = at
    return end, next_sequence, at + RECORD_HEADER.size
