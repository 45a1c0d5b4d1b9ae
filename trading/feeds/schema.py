"""The messages of a Binance-shaped source, exactly as binance-spot-api-docs describes them.

Strict: every field is there once and of its type, nothing is coerced, and a field that is not
listed here is refused. What Binance documents beside the spot streams is optional: `pu` (our own
venue and USD-M futures), `T` of a depth update (futures), `b` and `a` of a trade (the spot streams
until 2023, and our own venue). Nothing more: a source that changes its messages should be noticed.

History
-------
3   serverShutdown, beside the streams.
2   status, our own venue's.
1   exchangeInfo, depth, depthUpdate and trade, as documented in 2025.
"""

from __future__ import annotations

from typing import Annotated, TypeVar

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from trading.feeds.rejects import RejectedError, RejectReason
from vocabulary.types import INT64_MAX

VERSION = 3
LEVELS_MAX = 10_000

Count = Annotated[int, Meta(ge=0, le=INT64_MAX)]
Milliseconds = Annotated[int, Meta(ge=0, le=INT64_MAX // 1_000_000)]
LevelText = tuple[str, str]
"""Price and quantity, as decimal text."""
Levels = Annotated[list[LevelText], Meta(max_length=LEVELS_MAX)]


class DepthUpdate(
    Struct,
    frozen=True,
    forbid_unknown_fields=True,
    gc=False,
    tag_field="e",
    tag="depthUpdate",
    rename={
        "event_time_ms": "E",
        "symbol": "s",
        "first_update_id": "U",
        "final_update_id": "u",
        "bids": "b",
        "asks": "a",
        "previous_update_id": "pu",
        "transaction_time_ms": "T",
    },
):
    """The levels that changed between two updates of the book, with all that rests there now."""

    event_time_ms: Milliseconds
    symbol: str
    first_update_id: Count
    final_update_id: Count
    bids: Levels
    asks: Levels
    previous_update_id: Count | UnsetType = UNSET
    transaction_time_ms: Milliseconds | UnsetType = UNSET

    def previous(self) -> int:
        """Return the update that this one goes on from. Raises `RejectedError`."""
        first = self.first_update_id
        if not 0 < first <= self.final_update_id:
            raise RejectedError(
                RejectReason.INCONSISTENT, f"U {first} and u {self.final_update_id} are no range"
            )
        if self.previous_update_id is UNSET:
            return first - 1
        if self.previous_update_id >= first:
            raise RejectedError(
                RejectReason.INCONSISTENT, f"pu {self.previous_update_id} is not below U {first}"
            )
        return self.previous_update_id


class Trade(
    Struct,
    frozen=True,
    forbid_unknown_fields=True,
    gc=False,
    tag_field="e",
    tag="trade",
    rename={
        "event_time_ms": "E",
        "symbol": "s",
        "trade_id": "t",
        "price": "p",
        "quantity": "q",
        "trade_time_ms": "T",
        "buyer_is_maker": "m",
        "ignored": "M",
        "buyer_order_id": "b",
        "seller_order_id": "a",
    },
):
    event_time_ms: Milliseconds
    symbol: str
    trade_id: Count
    price: str
    quantity: str
    trade_time_ms: Milliseconds
    buyer_is_maker: bool
    ignored: bool
    buyer_order_id: Count | UnsetType = UNSET
    seller_order_id: Count | UnsetType = UNSET


class Status(
    Struct,
    frozen=True,
    forbid_unknown_fields=True,
    gc=False,
    tag_field="e",
    tag="status",
    rename={
        "event_time_ms": "E",
        "symbol": "s",
        "update_id": "u",
        "phase": "S",
        "indicative_price": "p",
        "indicative_quantity": "q",
        "buyers_surplus": "B",
        "sellers_surplus": "A",
    },
):
    """The phase that began, or an auction's course, with the update at `update_id`."""

    event_time_ms: Milliseconds
    symbol: str
    update_id: Count
    phase: str
    indicative_price: str
    indicative_quantity: str
    buyers_surplus: str
    sellers_surplus: str


class ServerShutdown(
    Struct,
    frozen=True,
    forbid_unknown_fields=True,
    gc=False,
    tag_field="e",
    tag="serverShutdown",
    rename={"event_time_ms": "E", "shutdown_time_ms": "T"},
):
    """The source is going away; when and why are our own venue's."""

    event_time_ms: Milliseconds
    shutdown_time_ms: Milliseconds | UnsetType = UNSET
    text: str = ""


class Combined(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """What a connection to `/stream` carries."""

    stream: str
    data: DepthUpdate | Trade | Status


class DepthSnapshot(
    Struct,
    frozen=True,
    forbid_unknown_fields=True,
    gc=False,
    rename={"last_update_id": "lastUpdateId"},
):
    """GET /api/v3/depth: best prices first."""

    last_update_id: Count
    bids: Levels
    asks: Levels


_combined = msgspec.json.Decoder(Combined)
_shutdown = msgspec.json.Decoder(ServerShutdown)
_depth_snapshot = msgspec.json.Decoder(DepthSnapshot)
_STREAMS = {
    DepthUpdate: ("depth", "depth@100ms", "depth@1000ms"),
    Trade: ("trade",),
    Status: ("status",),
}

_SHUTDOWN = b'{"e":"serverShutdown"'

Message = TypeVar("Message")


def decode_stream(data: bytes) -> DepthUpdate | Trade | Status | ServerShutdown:
    """Return the message of a combined stream, or one beside it. Raises `RejectedError`."""
    if data.startswith(_SHUTDOWN):
        return _decode(_shutdown, data)
    combined = _decode(_combined, data)
    message = combined.data
    optional: tuple[object, ...] = ()
    if isinstance(message, DepthUpdate):
        optional = (message.previous_update_id, message.transaction_time_ms)
    elif isinstance(message, Trade):
        optional = (message.buyer_order_id, message.seller_order_id)
    # msgspec takes the last of a repeated field. No text in a valid message has a colon, so there
    # are as many colons as fields: those of the message, and `e`, `stream` and `data`.
    fields = len(message.__struct_fields__) - optional.count(UNSET) + 3
    if data.count(b":") != fields:
        raise RejectedError(RejectReason.MALFORMED, "a field is repeated")
    symbol, _, kind = combined.stream.partition("@")
    if symbol != message.symbol.lower() or kind not in _STREAMS[type(message)]:
        raise RejectedError(
            RejectReason.INCONSISTENT,
            f"stream {combined.stream[:60]!r} carries a {type(message).__name__} of "
            f"{message.symbol[:40]!r}",
        )
    return message


def decode_depth_snapshot(data: bytes) -> DepthSnapshot:
    """Return the book that a depth request was answered with. Raises `RejectedError`."""
    snapshot = _decode(_depth_snapshot, data)
    if data.count(b":") != len(snapshot.__struct_fields__):
        raise RejectedError(RejectReason.MALFORMED, "a field is repeated")
    return snapshot


def _decode(decoder: msgspec.json.Decoder[Message], data: bytes) -> Message:
    try:
        return decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise RejectedError(RejectReason.MALFORMED, str(error)) from None
