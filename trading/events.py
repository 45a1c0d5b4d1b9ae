"""What the trading application knows of a market: one stream of events, numbered without a hole.

The data feeds handler is the only one that makes these, and it puts all its sources into one order:
`stream_sequence` counts every event over all symbols from 1. Whoever has seen the events up to a
number knows exactly what any other did who has seen as many, which is what lets a strategy be
rebuilt, doubled and replayed bit for bit.

Prices are ticks and quantities lots, of the sizes that the symbol's `InstrumentDefined` states;
times are UTC nanoseconds. `exchange_ns` is the source's own time, `received_ns` the handler's when
the bytes came. `source_sequence` is the source's own count for the symbol.

Bytes: MessagePack, an array per event that starts with the number of its kind. A change to a kind's
fields is a new kind.

History
-------
1   The first version.
"""

from __future__ import annotations

import msgspec

VERSION = 1


class Event(msgspec.Struct, frozen=True, array_like=True, gc=False):
    stream_sequence: int
    symbol: str
    source_sequence: int
    exchange_ns: int
    received_ns: int


class Level(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A price and all that rests there; 0 lots: the level is gone."""

    price_ticks: int
    lots: int


class InstrumentDefined(Event, frozen=True, array_like=True, gc=False, tag=1):
    """Stands before a symbol's first event. Sizes are mantissa x 10 ** -scale."""

    base: str
    quote: str
    tick_mantissa: int
    tick_scale: int
    lot_mantissa: int
    lot_scale: int


class BookReset(Event, frozen=True, array_like=True, gc=False, tag=2):
    """The whole book, best prices first: what was known before is void."""

    bids: tuple[Level, ...]
    asks: tuple[Level, ...]


class BookChanged(Event, frozen=True, array_like=True, gc=False, tag=3):
    """The levels that changed, with all that rests there now."""

    bids: tuple[Level, ...]
    asks: tuple[Level, ...]


class TradePrinted(Event, frozen=True, array_like=True, gc=False, tag=4):
    trade_id: int
    price_ticks: int
    lots: int
    buyer_is_maker: bool


class FeedLost(Event, frozen=True, array_like=True, gc=False, tag=5):
    """Events of the symbol are missing from here until its next `BookReset`, for `reason`."""

    reason: str


AnyEvent = InstrumentDefined | BookReset | BookChanged | TradePrinted | FeedLost

encode = msgspec.msgpack.Encoder().encode
_decoder = msgspec.msgpack.Decoder(AnyEvent)


class EventError(ValueError):
    """Bytes that are no event of this version; says why."""


def decode(data: bytes | memoryview) -> AnyEvent:
    """Return the event. Raises `EventError`."""
    try:
        event: AnyEvent = _decoder.decode(data)
    except msgspec.MsgspecError as error:
        raise EventError(f"no market event: {error}") from None
    return event
