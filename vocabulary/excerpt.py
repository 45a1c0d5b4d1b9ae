"""Records, of which only events of some kinds are decoded: for readers who need no more.

Decoding is most of what reading a record costs. Going past what is not wanted takes a tenth of it.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from vocabulary.codec import HEADER, LAYOUTS, RECORD_HEADER, CodecError, unpack
from vocabulary.events import Event

HEADER_BYTES = HEADER.size
RECORD_HEADER_BYTES = RECORD_HEADER.size


class Excerpt(NamedTuple):
    """What a record says of the events that were asked for.

    None stands for any other event in front of one of them, so each has its index in the record.
    """

    sequence: int
    timestamp_ns: int
    events: list[Event | None]


def event_kinds(event_types: Collection[type[Event]]) -> frozenset[int]:
    return frozenset(LAYOUTS[event_type].kind for event_type in event_types)


def unpack_excerpts(data: bytes, kinds: frozenset[int]) -> list[Excerpt]:
    """Return an excerpt of every record in `data`, with the events of these kinds.

    Raises `CodecError`. Of what is passed over only the size is looked at.
    """
    unpack_record_header, unpack_header = RECORD_HEADER.unpack_from, HEADER.unpack_from
    excerpts: list[Excerpt] = []
    at = 0
    while at < len(data):
        if len(data) - at < RECORD_HEADER_BYTES:
            raise CodecError(f"record cut short in its header, at byte {at}")
        _, size, sequence, timestamp_ns = unpack_record_header(data, at)
        end = at + size
        if size < RECORD_HEADER_BYTES or end > len(data):
            raise CodecError(f"record of {size} bytes impossible, at byte {at}")
        at += RECORD_HEADER_BYTES
        events: list[Event | None] = []
        index = -1  # the command stands in front of the first event
        while at < end:
            kind, _, size = unpack_header(data, at) if end - at >= HEADER_BYTES else (0, 0, 0)
            if size < HEADER_BYTES or size > end - at:
                raise CodecError(f"message of {size} bytes impossible, at byte {at}")
            if kind in kinds:
                event, _ = unpack(data, at)
                events += [None] * (index - len(events))
                events.append(event)  # type: ignore[arg-type]  # no command is of these kinds
            index += 1
            at += size
        excerpts.append(Excerpt(sequence, timestamp_ns, events))
    return excerpts


def unpack_events(data: bytes, kinds: frozenset[int]) -> list[Event | None]:
    """Return the events of these kinds of those that stand back to back in `data`.

    Raises `CodecError`.
    """
    events: list[Event | None] = []
    at, end = 0, len(data)
    while at < end:
        kind, _, size = HEADER.unpack_from(data, at) if end - at >= HEADER_BYTES else (0, 0, 0)
        if size < HEADER_BYTES or size > end - at:
            raise CodecError(f"message of {size} bytes impossible, at byte {at}")
        if kind in kinds:
            event, _ = unpack(data, at)
            events.append(event)  # type: ignore[arg-type]  # no command is of these kinds
        at += size
    return events
