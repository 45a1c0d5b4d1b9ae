"""What the archive's tables hold: `trade`, `event` and `candle`, and how rows are made.

Integers are as everywhere: ticks, lots, smallest units, UTC nanoseconds. `price` and `quantity` are
the same as decimals of 18 places, for who reads a table without the listings. An event's fields
are JSON in `detail`, so that a table of another version's events has the same columns.

History
-------
1   The first version.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import Any, NamedTuple, get_type_hints

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from vocabulary import events as e
from vocabulary.instrument import Increment, Instrument
from vocabulary.market_data import Candle

VERSION = 1
DECIMAL = pa.decimal128(38, 18)


class Row(NamedTuple):
    """An event and its place: the record's sequence and time, and its index there."""

    sequence: int
    timestamp_ns: int
    event_index: int
    event: e.Event


class ClosedCandle(NamedTuple):
    """A candle, and the sequence of its last trade."""

    sequence: int
    interval: str
    candle: Candle


def _schema(name: str, columns: dict[str, Any], nullable: Sequence[str] = ()) -> pa.Schema:
    fields = [pa.field(column, kind, column in nullable) for column, kind in columns.items()]
    return pa.schema(fields, metadata={"agio.table": name, "agio.version": str(VERSION)})


_PLACE = {"sequence": pa.int64(), "timestamp_ns": pa.int64(), "event_index": pa.int32()}
_TRADE = (
    "trade_id",
    "price_ticks",
    "quantity_lots",
    "base_units",
    "quote_units",
    "resting_order_id",
    "incoming_order_id",
    "resting_account_id",
    "incoming_account_id",
    "resting_fee_units",
    "incoming_fee_units",
)
_CANDLE = tuple(field for field in Candle.__struct_fields__ if field != "closed")
SCHEMAS = {
    "trade": _schema(
        "trade",
        _PLACE
        | dict.fromkeys(_TRADE, pa.int64())
        | {"price": DECIMAL, "quantity": DECIMAL}
        | {"incoming_side": pa.string(), "is_auction": pa.bool_()},
    ),
    "event": _schema(
        "event",
        _PLACE
        | {"kind": pa.string(), "account_id": pa.int64(), "order_id": pa.int64()}
        | {"detail": pa.string()},
        nullable=("account_id", "order_id"),
    ),
    "candle": _schema(
        "candle",
        {"sequence": pa.int64(), "interval": pa.string()} | dict.fromkeys(_CANDLE, pa.int64()),
    ),
}


def trade_rows(instrument: Instrument, rows: Sequence[Row]) -> pa.Table:
    """Return the table of rows whose events are trades of the instrument."""
    trades: list[Any] = [row.event for row in rows]
    columns = _places(rows)
    columns += [pa.array([getattr(t, name) for t in trades], pa.int64()) for name in _TRADE]
    ticks, lots = (columns[len(_PLACE) + _TRADE.index(n)] for n in ("price_ticks", "quantity_lots"))
    columns += [_decimals(ticks, instrument.tick), _decimals(lots, instrument.lot)]
    columns.append(pa.array([trade.incoming_side.name for trade in trades], pa.string()))
    auctions = [isinstance(trade, e.AuctionTradeExecuted) for trade in trades]
    columns.append(pa.array(auctions, pa.bool_()))
    return pa.Table.from_arrays(columns, schema=SCHEMAS["trade"])


def event_rows(rows: Sequence[Row]) -> pa.Table:
    """Return the table of any events."""
    events = [row.event for row in rows]
    columns = _places(rows)
    columns.append(pa.array([type(event).__name__ for event in events], pa.string()))
    for name in ("account_id", "order_id"):
        columns.append(pa.array([getattr(event, name, None) for event in events], pa.int64()))
    columns.append(pa.array([detail(event) for event in events], pa.string()))
    return pa.Table.from_arrays(columns, schema=SCHEMAS["event"])


def candle_rows(candles: Sequence[ClosedCandle]) -> pa.Table:
    columns = [
        pa.array([closed.sequence for closed in candles], pa.int64()),
        pa.array([closed.interval for closed in candles], pa.string()),
    ]
    columns += [
        pa.array([getattr(c.candle, name) for c in candles], pa.int64()) for name in _CANDLE
    ]
    return pa.Table.from_arrays(columns, schema=SCHEMAS["candle"])


def detail(event: e.Event) -> bytes:
    """Return an event's fields as JSON, what has a name by that."""
    fields = msgspec.structs.asdict(event)
    for name in _named(type(event)):
        value = fields[name]
        fields[name] = value.name if isinstance(value, Enum) else value.decode("ascii")
    return msgspec.json.encode(fields)


@cache
def _named(event_type: type[e.Event]) -> tuple[str, ...]:
    """Return the fields that are enumerations or text."""
    hints = get_type_hints(event_type)
    return tuple(
        name
        for name in event_type.__struct_fields__
        if hints[name] is bytes or (isinstance(hints[name], type) and issubclass(hints[name], Enum))
    )


def _places(rows: Sequence[Row]) -> list[pa.Array]:
    return [
        pa.array([row.sequence for row in rows], pa.int64()),
        pa.array([row.timestamp_ns for row in rows], pa.int64()),
        pa.array([row.event_index for row in rows], pa.int32()),
    ]


def _decimals(numbers: pa.Array, step: Increment) -> pa.Array:
    """Return numbers of steps as decimals, exactly."""
    exact = pa.scalar(Decimal(step.text), pa.decimal128(18, step.scale))
    return pc.multiply(numbers.cast(pa.decimal128(19, 0)), exact).cast(DECIMAL)
