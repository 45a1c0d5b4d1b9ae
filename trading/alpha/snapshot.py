"""A machine's whole state as bytes: one form per state, so that equal states have equal hashes.

Bytes: MessagePack arrays, fields in the order below, levels best first, orders oldest first.

History
-------
1   The first version.
"""

from __future__ import annotations

import msgspec

from trading.decisions import Decision
from trading.events import Level

VERSION = 1


class SnapshotError(ValueError):
    """Bytes that are no snapshot of this machine; says why."""


class SavedMarket(msgspec.Struct, frozen=True, array_like=True):
    """The fields of `trading.alpha.market.Market`."""

    sequence: int
    now_ns: int
    instrument: tuple[str | int, ...]
    is_in_sync: bool
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    trade_id: int
    trade_price_ticks: int
    trade_lots: int
    buyer_was_maker: bool


class SavedOrder(msgspec.Struct, frozen=True, array_like=True):
    """What may change of a `trading.alpha.orders.OwnOrder`, and the decision that placed it."""

    decision: Decision
    leaves_lots: int
    is_open: bool
    cancel: int


class SavedOrders(msgspec.Struct, frozen=True, array_like=True):
    """The fields of `trading.alpha.orders.OwnOrders`; cash as text, for it has no bound."""

    live: tuple[SavedOrder, ...]
    position_lots: int
    cash_tick_lots: str
    base_fee_units: int
    quote_fee_units: int
    bought_lots: int
    sold_lots: int
    fills: int
    refused: int


class Snapshot(msgspec.Struct, frozen=True, array_like=True):
    """The fields of `trading.alpha.machine.Machine`.

    The first six say whose state it is; `parameters` is JSON of all of them. `memory` is what
    the strategy itself remembers.
    """

    version: int
    strategy: str
    kind: str
    parameters: str
    symbol: str
    epoch: int
    market: SavedMarket
    orders: SavedOrders
    last_number: int
    untaken: tuple[Decision, ...]
    dropped: int
    memory: tuple[int, ...]


encode = msgspec.msgpack.Encoder().encode
_decoder = msgspec.msgpack.Decoder(Snapshot)


def decode(data: bytes) -> Snapshot:
    """Return the snapshot. Raises `SnapshotError`."""
    try:
        snapshot = _decoder.decode(data)
    except msgspec.MsgspecError as error:
        raise SnapshotError(f"no snapshot of version {VERSION}: {error}") from None
    if snapshot.version != VERSION:
        raise SnapshotError(f"a snapshot of version {snapshot.version}, not {VERSION}")
    return snapshot
