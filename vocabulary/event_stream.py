"""What the event stream carries (Kinesis, Kafka): blocks of one instrument's events.

The partition key, on Kafka the record's key, is the instrument's symbol, or `*` for what concerns
none: money, assets, fee tiers. All of a key lies in one shard or partition, in the journal's order.

Layout (little endian)
----------------------
A block is a header of 32 bytes and its entries, deflated (RFC 1951)::

    uint16 version         1
    uint16                 zero
    uint32 instrument_id   0 for the key `*`
    int64  first_sequence  of its first and
    int64  last_sequence   its last entry
    uint32 entries         how many
    uint32 size            of the entries in bytes, before they were deflated

An entry is what one record did to the instrument::

    uint32 size               of the whole entry in bytes, a multiple of 8
    uint16 part               which part of the record's events, from 0
    uint16 parts              of how many: 1, unless they would not fit a block
    int64  sequence           the record's place in the journal
    int64  previous_sequence  that of the instrument's entry before this one, 0: there is none
    int64  timestamp_ns       UTC, when the command was sequenced
    events                    messages of `vocabulary.codec`, back to back

Exactly once
------------
After a crash the writer sends again what it does not know to be there. So a reader drops entries
that are not behind its last one, by sequence and part, whichever blocks they come in. An entry
whose `previous_sequence` is another than its last one's sequence shows a gap.

History
-------
1   The first version.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from struct import Struct
from typing import NamedTuple

from vocabulary.codec import CodecError

VERSION = 1
VENUE_KEY = "*"

ENTRIES_BYTES_MAX = 1_000_000
"""Of a block, before deflation, which adds 0.03% at worst: below the 1 MiB of a Kinesis record."""

DEFLATE_LEVEL = 1  # a quarter of the bytes; higher levels gain a tenth, and cost thrice the time

_HEADER = Struct("<HHIqqII")
_ENTRY = Struct("<IHHqqq")
ENTRY_HEADER_BYTES = _ENTRY.size


class Entry(NamedTuple):
    """What one record did to one instrument."""

    sequence: int
    previous_sequence: int
    timestamp_ns: int
    part: int
    parts: int
    events: bytes


class Block(NamedTuple):
    instrument_id: int
    first_sequence: int
    last_sequence: int
    entries: list[Entry]


def pack_entry(entry: Entry) -> bytes:
    sequence, previous_sequence, timestamp_ns, part, parts, events = entry
    size = _ENTRY.size + len(events)
    return _ENTRY.pack(size, part, parts, sequence, previous_sequence, timestamp_ns) + events


def pack_block(
    instrument_id: int, first_sequence: int, last_sequence: int, entries: Sequence[bytes]
) -> bytes:
    """Return a block of packed entries, `ENTRIES_BYTES_MAX` of them at most."""
    body = b"".join(entries)
    header = _HEADER.pack(
        VERSION, 0, instrument_id, first_sequence, last_sequence, len(entries), len(body)
    )
    deflate = zlib.compressobj(DEFLATE_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    return header + deflate.compress(body) + deflate.flush()


def unpack_block(data: bytes) -> Block:
    """Raise `CodecError` where it is no block of this version."""
    if len(data) < _HEADER.size:
        raise CodecError(f"block of {len(data)} bytes cut short in its header")
    version, _, instrument_id, first, last, count, size = _HEADER.unpack_from(data)
    if version != VERSION or size > ENTRIES_BYTES_MAX:
        raise CodecError(f"block of version {version} and {size} bytes unknown")
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        body = inflate.decompress(data[_HEADER.size :], size + 1)
    except zlib.error as error:
        raise CodecError(f"block does not inflate: {error}") from None
    entries = _unpack_entries(body)
    if len(body) != size or not inflate.eof or len(entries) != count:
        raise CodecError(f"block of {size} bytes and {count} entries has {len(body)}")
    return Block(instrument_id, first, last, entries)


def _unpack_entries(body: bytes) -> list[Entry]:
    entries: list[Entry] = []
    at = 0
    while at < len(body):
        if len(body) - at < _ENTRY.size:
            raise CodecError(f"entry cut short in its header, at byte {at}")
        size, part, parts, sequence, previous_sequence, timestamp_ns = _ENTRY.unpack_from(body, at)
        if size < _ENTRY.size or size > len(body) - at or part >= parts:
            raise CodecError(f"entry of {size} bytes, part {part} of {parts}, at byte {at}")
        events = body[at + _ENTRY.size : at + size]
        entries.append(Entry(sequence, previous_sequence, timestamp_ns, part, parts, events))
        at += size
    return entries
