"""The bytes of several events at once, as they stand in the queue: a MessagePack array of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from trading.events import AnyEvent, EventError

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[AnyEvent])


class EncodedBatch(NamedTuple):
    """At least one event, consecutive: the numbers of the first and the last, and the bytes."""

    first: int
    last: int
    data: bytes

    @classmethod
    def of(cls, events: Sequence[AnyEvent]) -> EncodedBatch:
        return cls(events[0].stream_sequence, events[-1].stream_sequence, encode_batch(events))


def encode_batch(events: Sequence[AnyEvent]) -> bytes:
    return _encoder.encode(events)


def decode_batch(data: bytes) -> list[AnyEvent]:
    """Return the events. Raises `EventError`."""
    try:
        return _decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise EventError(f"no batch of market events: {error}") from None
