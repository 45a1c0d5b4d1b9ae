"""From events to the parts of a cut, and from a part's bytes to its events.

The same events make the same bytes under the same name, so a part that is written again after a
crash replaces itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from trading.events import AnyEvent, FeedLost
from trading.history import rows
from trading.history.manifest import Cut, Hole, Loss, Part, StreamState

COMPRESSION = "zstd"
DAY_NS = 86_400_000_000_000


class PartDamagedError(Exception):
    """A part is not what its manifest says; names both the part and the difference."""


class PreparedCut(NamedTuple):
    cut: Cut
    data: Mapping[str, bytes]
    """The bytes of each part, by its key."""
    misfits: int
    """Events left out, since an integer of theirs has more than 64 bits; their place is a hole."""


def prepare(events: Sequence[AnyEvent], after: StreamState, queue_position: str) -> PreparedCut:
    """Return the cut of events that follow `after`, in rising stream_sequence; at least one."""
    misfits = 0
    try:
        encoded = _encode_all(events)
    except OverflowError:
        fitting = [event for event in events if rows.fits(event)]
        misfits = len(events) - len(fitting)
        events, encoded = fitting, _encode_all(fitting)
    if not events:
        return PreparedCut(_empty_cut(after, queue_position), {}, misfits)
    cut = Cut(
        first_sequence=events[0].stream_sequence,
        last_sequence=events[-1].stream_sequence,
        last_ns=events[-1].received_ns,
        queue_position=queue_position,
        parts=tuple(part for part, _ in encoded),
        holes=_holes(events, after),
        losses=tuple(
            Loss(
                date=date_of(event.received_ns),
                symbol=event.symbol,
                stream_sequence=event.stream_sequence,
                received_ns=event.received_ns,
                reason=event.reason,
            )
            for event in events
            if isinstance(event, FeedLost)
        ),
    )
    return PreparedCut(cut, {part.key: data for part, data in encoded}, misfits)


def check(part: Part, data: bytes) -> None:
    """Raise `PartDamagedError` unless these are the bytes that the manifest tells of."""
    if len(data) != part.size_bytes:
        raise PartDamagedError(
            f"{part.key}: {len(data)} bytes, its manifest says {part.size_bytes}"
        )
    if hashlib.sha256(data).hexdigest() != part.sha256:
        raise PartDamagedError(f"{part.key}: its SHA-256 is not the manifest's")


def decode(part: Part, data: bytes) -> list[AnyEvent]:
    """Return the part's events. Raises `PartDamagedError`."""
    return rows.from_rows(part.type, part.symbol, decode_table(part, data))


def decode_table(part: Part, data: bytes) -> pa.Table:
    """Return the part's rows, for who needs no objects. Raises `PartDamagedError`."""
    check(part, data)
    try:
        table = pq.read_table(pa.BufferReader(data), use_threads=False)
        rows.check_schema(part.type, table)
    except (pa.ArrowException, OSError, rows.RowsError) as error:
        raise PartDamagedError(f"{part.key}: {error}") from None
    numbers = table.column("stream_sequence").to_numpy()
    if len(numbers) != part.rows:
        raise PartDamagedError(f"{part.key}: {len(numbers)} rows, its manifest says {part.rows}")
    if (numbers[0], numbers[-1]) != (part.first_sequence, part.last_sequence):
        raise PartDamagedError(f"{part.key}: events {numbers[0]} to {numbers[-1]}")
    if (np.diff(numbers) <= 0).any():
        raise PartDamagedError(f"{part.key}: its events are not in order")
    return table


def date_of(received_ns: int) -> str:
    """Return the UTC date, as YYYY-MM-DD."""
    return datetime.fromtimestamp(received_ns // DAY_NS * 86_400, UTC).date().isoformat()


def _encode_all(events: Sequence[AnyEvent]) -> list[tuple[Part, bytes]]:
    groups: dict[tuple[int, str, type[AnyEvent]], list[AnyEvent]] = {}
    for event in events:
        place = (event.received_ns // DAY_NS, event.symbol, type(event))
        groups.setdefault(place, []).append(event)
    return [
        _encode(symbol, rows.TABLE_OF[kind], group) for (_, symbol, kind), group in groups.items()
    ]


def _encode(symbol: str, name: str, events: Sequence[AnyEvent]) -> tuple[Part, bytes]:
    sink = pa.BufferOutputStream()
    table = rows.to_rows(name, events)
    pq.write_table(table, sink, compression=COMPRESSION)
    times_ns = table.column("received_ns").to_numpy()
    data = sink.getvalue().to_pybytes()
    part = Part(
        date=date_of(events[0].received_ns),
        symbol=symbol,
        type=name,
        first_sequence=events[0].stream_sequence,
        last_sequence=events[-1].stream_sequence,
        first_ns=int(times_ns.min()),
        last_ns=int(times_ns.max()),
        rows=len(events),
        size_bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
    )
    return part, data


def _holes(events: Sequence[AnyEvent], after: StreamState) -> tuple[Hole, ...]:
    """Return the numbers that are missing. A store begins where its first event stands."""
    first = events[0]
    known = (
        (after.through_sequence, after.through_ns)
        if after.through_sequence
        else (first.stream_sequence - 1, first.received_ns)
    )
    places = [known, *((event.stream_sequence, event.received_ns) for event in events)]
    return tuple(
        Hole(first_sequence=before + 1, last_sequence=behind - 1, from_ns=from_ns, to_ns=to_ns)
        for (before, from_ns), (behind, to_ns) in pairwise(places)
        if behind != before + 1
    )


def _empty_cut(after: StreamState, queue_position: str) -> Cut:
    return Cut(
        first_sequence=after.first_sequence,
        last_sequence=after.through_sequence,
        last_ns=after.through_ns,
        queue_position=queue_position,
        parts=(),
        holes=(),
        losses=(),
    )
