"""Records cut by instrument, undecoded: for who passes events on and looks at none."""

from __future__ import annotations

import struct
from typing import NamedTuple

from vocabulary.codec import HEADER, RECORD_HEADER, VERSIONS, CodecError, Layout
from vocabulary.events import CommandRejected, Event

HEADER_BYTES = HEADER.size
RECORD_HEADER_BYTES = RECORD_HEADER.size

NO_INSTRUMENT = 0
"""Stands for the id where an event concerns none: money, assets, fee tiers."""


class Slice(NamedTuple):
    instrument_id: int
    events: bytes
    """Messages of `vocabulary.codec`, back to back, in the record's order."""


class SlicedRecord(NamedTuple):
    """A record's events by instrument. A refused command changed nothing, and leaves no slice."""

    sequence: int
    timestamp_ns: int
    slices: list[Slice]


def _instrument_offset(layout: Layout) -> int | None:
    """Return where the instrument's id stands, found by what a byte set there changes."""
    fields = layout.message_type.__struct_fields__
    if "instrument_id" not in fields:
        return None
    index = 3 + fields.index("instrument_id")
    for at in range(0, layout.size, 4):
        values = layout.struct.unpack(bytes(at) + b"\1" + bytes(layout.size - at - 1))
        if values[index] == 1:
            return at
    raise AssertionError(f"{layout.message_type.__name__} has an instrument on no multiple of 4")


_OFFSETS = {
    layouts[0].kind: _instrument_offset(layouts[0])
    for message_type, layouts in VERSIONS.items()
    if issubclass(message_type, Event)
}
_REJECTED = VERSIONS[CommandRejected][0].kind
_unpack_id = struct.Struct("<I").unpack_from


def unpack_slices(data: bytes) -> list[SlicedRecord]:
    """Return every record in `data`, cut by instrument. Raises `CodecError`."""
    records: list[SlicedRecord] = []
    at = 0
    while at < len(data):
        if len(data) - at < RECORD_HEADER_BYTES:
            raise CodecError(f"record cut short in its header, at byte {at}")
        _, size, sequence, timestamp_ns = RECORD_HEADER.unpack_from(data, at)
        end = at + size
        if size < RECORD_HEADER_BYTES or end > len(data):
            raise CodecError(f"record of {size} bytes impossible, at byte {at}")
        _, command_bytes = _message_at(data, at + RECORD_HEADER_BYTES, end)
        events_at = at + RECORD_HEADER_BYTES + command_bytes
        records.append(SlicedRecord(sequence, timestamp_ns, _slices(data, events_at, end)))
        at = end
    return records


def split_events(events: bytes, bytes_max: int) -> list[bytes]:
    """Return events in pieces of at most `bytes_max`, cut between messages, the same every time."""
    if len(events) <= bytes_max:
        return [events]
    pieces: list[bytes] = []
    start = at = 0
    while at < len(events):
        _, size = _message_at(events, at, len(events))
        if at + size - start > bytes_max:
            pieces.append(events[start:at])
            start = at
        at += size
    return [*pieces, events[start:]]


def _slices(data: bytes, at: int, end: int) -> list[Slice]:
    """Return the events by instrument, neighbours of one in one piece."""
    found: dict[int, list[bytes]] = {}
    start, open_id = at, -1
    while at < end:
        kind, size = _message_at(data, at, end)
        if kind == _REJECTED:
            instrument_id = -1
        else:
            offset = _OFFSETS.get(kind)
            instrument_id = NO_INSTRUMENT if offset is None else _unpack_id(data, at + offset)[0]
        if instrument_id != open_id:
            if open_id >= 0:
                found.setdefault(open_id, []).append(data[start:at])
            start, open_id = at, instrument_id
        at += size
    if open_id >= 0:
        found.setdefault(open_id, []).append(data[start:end])
    return [Slice(instrument_id, b"".join(pieces)) for instrument_id, pieces in found.items()]


def _message_at(data: bytes, at: int, end: int) -> tuple[int, int]:
    """Return the kind and the size of the message there."""
    kind, _, size = HEADER.unpack_from(data, at) if end - at >= HEADER_BYTES else (0, 0, 0)
    if size < HEADER_BYTES or size > end - at:
        raise CodecError(f"message of {size} bytes impossible, at byte {at}")
    return kind, size
