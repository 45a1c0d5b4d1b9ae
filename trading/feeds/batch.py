"""Consecutive events, encoded once for all whom they go to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from trading import events as stream_events
from trading.events import AnyEvent
from trading.stream.frames import frame, packed_array


class Batch(NamedTuple):
    """At least one event; `framed` is the frame of them all."""

    first: int
    last: int
    encoded: list[bytes]
    framed: bytes

    @classmethod
    def of(cls, events: Sequence[AnyEvent]) -> Batch:
        encoded = [stream_events.encode(event) for event in events]
        first, last = events[0].stream_sequence, events[-1].stream_sequence
        return cls(first, last, encoded, frame(packed_array(encoded)))
