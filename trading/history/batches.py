"""The bytes of several events at once, as they stand in the queue: a MessagePack array of them."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from trading.market_events import AnyMarketEvent, MarketEventError

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[AnyMarketEvent])


def encode_batch(events: Sequence[AnyMarketEvent]) -> bytes:
    return _encoder.encode(events)


def decode_batch(data: bytes) -> list[AnyMarketEvent]:
    """Return the events. Raises `MarketEventError`."""
    try:
        return _decoder.decode(data)
    except msgspec.MsgspecError as error:
        raise MarketEventError(f"no batch of market events: {error}") from None
