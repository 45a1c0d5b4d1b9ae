"""Market events as rows: one table per type, integers as they are, and back again.

The symbol is not in the rows: it is in the path of the part that holds them, as the date is, where
pandas, polars and DuckDB find both as columns. Times are int64 UTC nanoseconds rather than
timestamps, since not every reader of those keeps nanoseconds.

History
-------
1   The first version; `time`, `decision`, `report`, `phase` and `amendment` came to it later, the
    others are as ever.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from enum import IntEnum
from itertools import accumulate, chain, pairwise
from operator import attrgetter
from typing import Any, NamedTuple, get_type_hints

import pyarrow as pa

from trading.events import (
    AnyEvent,
    BookChanged,
    BookReset,
    DecisionTaken,
    Event,
    FeedLost,
    InstrumentDefined,
    Level,
    OrderReported,
    PhaseChanged,
    TimePassed,
    TradeAmended,
    TradePrinted,
)

VERSION = 1
INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1

LEVELS = pa.list_(
    pa.field(
        "element",
        pa.struct(
            [
                pa.field("price_ticks", pa.int64(), nullable=False),
                pa.field("lots", pa.int64(), nullable=False),
            ]
        ),
        nullable=False,
    )
)
EVENT = {name: pa.int64() for name in Event.__struct_fields__ if name != "symbol"}
BOOK = EVENT | {"bids": LEVELS, "asks": LEVELS}


class Table(NamedTuple):
    """A type's columns; `enumerations` are the types of those that are numbers with names."""

    event_type: type[AnyEvent]
    schema: pa.Schema
    enumerations: dict[str, type[IntEnum]]


def _table(name: str, event_type: type[AnyEvent], columns: dict[str, Any]) -> Table:
    assert tuple(columns) == tuple(f for f in event_type.__struct_fields__ if f != "symbol")
    fields = [pa.field(column, kind, nullable=False) for column, kind in columns.items()]
    about = {"agio.table": name, "agio.version": str(VERSION)}
    enumerations = {
        field: hint
        for field, hint in get_type_hints(event_type).items()
        if isinstance(hint, type) and issubclass(hint, IntEnum)
    }
    return Table(event_type, pa.schema(fields, metadata=about), enumerations)


def _integers(*names: str) -> dict[str, Any]:
    return dict.fromkeys(names, pa.int64())


TABLES = {
    "instrument": _table(
        "instrument",
        InstrumentDefined,
        EVENT
        | {"base": pa.string(), "quote": pa.string()}
        | {"tick_mantissa": pa.int64(), "tick_scale": pa.int64()}
        | {"lot_mantissa": pa.int64(), "lot_scale": pa.int64()},
    ),
    "book_reset": _table("book_reset", BookReset, BOOK),
    "book_change": _table("book_change", BookChanged, BOOK),
    "trade": _table(
        "trade",
        TradePrinted,
        EVENT
        | {"trade_id": pa.int64(), "price_ticks": pa.int64(), "lots": pa.int64()}
        | {"buyer_is_maker": pa.bool_()},
    ),
    "loss": _table("loss", FeedLost, EVENT | {"reason": pa.string()}),
    "time": _table("time", TimePassed, EVENT),
    "phase": _table(
        "phase",
        PhaseChanged,
        EVENT | _integers("phase", "indicative_price_ticks", "indicative_lots", "surplus_lots"),
    ),
    "decision": _table(
        "decision",
        DecisionTaken,
        EVENT
        | {"strategy": pa.string()}
        | _integers("epoch", "number", "cause", "action", "order")
        | _integers("side", "price_ticks", "lots", "style"),
    ),
    "report": _table(
        "report",
        OrderReported,
        EVENT
        | {"strategy": pa.string()}
        | _integers("epoch", "order", "number", "kind", "side", "price_ticks", "lots")
        | _integers("cumulative_lots", "leaves_lots", "fill_price_ticks", "fill_lots")
        | _integers("fee_units", "trade_id")
        | {"is_maker": pa.bool_(), "report_id": pa.string(), "reason": pa.string()},
    ),
    "amendment": _table(
        "amendment",
        TradeAmended,
        EVENT
        | {"strategy": pa.string()}
        | _integers("epoch", "order", "trade_id", "amendment", "side")
        | _integers("undone_price_ticks", "undone_lots", "undone_fee_units")
        | _integers("price_ticks", "lots", "fee_units"),
    ),
}
TABLE_OF: dict[type[AnyEvent], str] = {table.event_type: name for name, table in TABLES.items()}


class RowsError(ValueError):
    """Rows of another shape than this version's; says which."""


def fits(event: AnyEvent) -> bool:
    """Say whether the event can be stored: each integer within 64 bits."""
    for field in event.__struct_fields__:
        value = getattr(event, field)
        if isinstance(value, tuple):
            if any(
                not _is_int64(number)
                for level in value
                for number in (level.price_ticks, level.lots)
            ):
                return False
        elif isinstance(value, int) and not _is_int64(value):
            return False
    return True


def to_rows(name: str, events: Sequence[AnyEvent]) -> pa.Table:
    """Return the rows of events of one type. Raises `OverflowError` where one does not fit."""
    schema = TABLES[name].schema
    columns = []
    for field in schema:
        values = list(map(attrgetter(field.name), events))
        columns.append(_levels(values) if field.type == LEVELS else pa.array(values, field.type))
    return pa.Table.from_arrays(columns, schema=schema)


def from_rows(name: str, symbol: str, rows: pa.Table) -> list[AnyEvent]:
    """Return the events of the rows, the very ones they were made of. Raises `RowsError`."""
    check_schema(name, rows)
    event_type, schema, enumerations = TABLES[name]
    make: Callable[..., AnyEvent] = event_type
    columns: dict[str, Iterable[Any]] = {
        field.name: _values(field, rows.column(field.name)) for field in schema
    }
    for field, enumeration in enumerations.items():
        columns[field] = map(enumeration, columns[field])
    columns["symbol"] = [symbol] * rows.num_rows
    return list(map(make, *(columns[field] for field in event_type.__struct_fields__)))


def check_schema(name: str, rows: pa.Table) -> None:
    """Raise `RowsError` unless these are rows of the type."""
    if not rows.schema.equals(TABLES[name].schema):
        raise RowsError(f"not the {name} table of version {VERSION}: {rows.schema}")


def _is_int64(number: int) -> bool:
    return INT64_MIN <= number <= INT64_MAX


def _levels(sides: Sequence[Sequence[Level]]) -> pa.Array:
    offsets = [0, *accumulate(map(len, sides))]
    levels = list(chain.from_iterable(sides))
    values = pa.StructArray.from_arrays(
        [
            pa.array(list(map(attrgetter(field.name), levels)), pa.int64())
            for field in LEVELS.value_type
        ],
        fields=list(LEVELS.value_type),
    )
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), values, type=LEVELS)


def _values(field: pa.Field, column: pa.ChunkedArray) -> Iterable[Any]:
    """Return a column as Python values: through numpy, several times faster than `to_pylist`."""
    if field.type == LEVELS:
        lists = column.combine_chunks()
        values = lists.flatten()
        prices, lots = (values.field(name).to_numpy().tolist() for name in ("price_ticks", "lots"))
        levels = tuple(map(Level, prices, lots))
        offsets = (lists.offsets.to_numpy() - lists.offsets[0].as_py()).tolist()
        return [levels[start:end] for start, end in pairwise(offsets)]
    if pa.types.is_string(field.type):
        strings: list[str] = column.to_pylist()
        return strings
    numbers: list[Any] = column.to_numpy().tolist()
    return numbers
