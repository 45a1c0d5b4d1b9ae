"""Records as they come over the link: where each one and its parts lie, and nothing more.

Who reads them takes what it needs out of the words, or asks for the command and the events.
"""

from array import array

from vocabulary import packed
from vocabulary.codec import (
    FIRST_EVENT_KIND,
    LAYOUT_BY_KIND,
    LAYOUTS,
    RECORD_HEADER,
    CodecError,
    Record,
    layout_at,
)
from vocabulary.events import CommandRejected

_WORD_BYTES = 8
_RECORD_HEADER_WORDS = RECORD_HEADER.size // _WORD_BYTES
_VERSION_SHIFT, _SIZE_SHIFT, _KIND_MASK = 16, 32, 0xFFFF
_ALL_BITS = 2**64 - 1
_FIRST_EVENT_KIND = FIRST_EVENT_KIND
_COMMAND_REJECTED = LAYOUTS[CommandRejected].kind

_KINDS, _VERSIONS = 128, 8  # more than there are
_NO_LAYOUT = -1
_SIZES = array(
    "q",
    [
        LAYOUT_BY_KIND[kind, version].size if (kind, version) in LAYOUT_BY_KIND else _NO_LAYOUT
        for kind in range(_KINDS)
        for version in range(_VERSIONS)
    ],
)


def unpack_records(data: bytes) -> list[Record]:
    """Return the records that lie back to back in `data`, which are read when asked for.

    Raises `CodecError` if they are not records of messages that are known. Their CRC is not looked
    at again, as in `unpack_record`.
    """
    if len(data) % _WORD_BYTES:
        raise CodecError(
            f"{len(data)} bytes are no records, which have a multiple of {_WORD_BYTES}"
        )
    words = packed.words_of(data)
    size = len(data) // _WORD_BYTES
    records: list[Record] = []
    at = 0
    while at < size:
        if at + _RECORD_HEADER_WORDS >= size:
            raise CodecError(f"record cut short in its header, at byte {_WORD_BYTES * at}")
        record_bytes = words[at] >> _SIZE_SHIFT
        stop = at + record_bytes // _WORD_BYTES
        if record_bytes % _WORD_BYTES or stop <= at + _RECORD_HEADER_WORDS or stop > size:
            raise CodecError(f"record's size impossible, at byte {_WORD_BYTES * at}")
        record = Record.__new__(Record)
        record.data = data
        record.sequence = words[at + 1]
        record.timestamp_ns = words[at + 2]
        record.command_at = at = at + _RECORD_HEADER_WORDS
        record.events_at = _behind(data, words, at, stop, True)
        record.stop = stop
        record.session_id = words[at + 1] & _ALL_BITS
        record.session_number = words[at + 2]
        record.command_kind = words[at] & _KIND_MASK
        at = record.events_at
        record.is_rejected = at < stop and words[at] & _KIND_MASK == _COMMAND_REJECTED
        record._command = record._events = None
        while at < stop:
            at = _behind(data, words, at, stop, False)
        records.append(record)
    return records


def _behind(data: bytes, words: memoryview, at: int, stop: int, is_command: bool) -> int:
    """Return the place behind a command or an event. Raises `CodecError` if there is none."""
    head = words[at]
    kind, version, size = (
        head & _KIND_MASK,
        head >> _VERSION_SHIFT & _KIND_MASK,
        head >> _SIZE_SHIFT,
    )
    end = at + size // _WORD_BYTES
    if (
        kind < _KINDS
        and version < _VERSIONS
        and _SIZES[kind * _VERSIONS + version] == size
        and end <= stop
        and (kind < _FIRST_EVENT_KIND) == is_command
    ):
        return end
    layout = layout_at(data, _WORD_BYTES * at)
    what = "passes its record's end"
    if layout.is_command != is_command:
        what = "is not a command" if is_command else "is not an event"
    raise CodecError(f"{layout.message_type.__name__} {what}, at byte {_WORD_BYTES * at}")
