"""A symbol's recorded market events as columns of 64-bit integers: what the replay runs over.

An event is a row; its levels, or the one level that a print was taken from, stand in two columns
of their own, `begin` to `middle` the bids, `middle` to `end` the asks. No object is made for an
event before a strategy is to see it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from trading.events import (
    BookChanged,
    BookReset,
    FeedLost,
    InstrumentDefined,
    MarketEvent,
    TimePassed,
    TradePrinted,
)

INSTRUMENT, RESET, CHANGE, TRADE, LOSS, TIME = 1, 2, 3, 4, 5, 6
KIND_OF: dict[type[MarketEvent], int] = {
    InstrumentDefined: INSTRUMENT,
    BookReset: RESET,
    BookChanged: CHANGE,
    TradePrinted: TRADE,
    FeedLost: LOSS,
    TimePassed: TIME,
}
KIND_OF_TABLE = {
    "instrument": INSTRUMENT,
    "book_reset": RESET,
    "book_change": CHANGE,
    "trade": TRADE,
    "loss": LOSS,
    "phase": LOSS,
    "time": TIME,
}
ROW = ("stream_sequence", "source_sequence", "exchange_ns", "received_ns")

Integers = npt.NDArray[np.int64]


class Columns(NamedTuple):
    """Rows in stream_sequence order."""

    symbol: str
    kind: Integers
    stream_sequence: Integers
    source_sequence: Integers
    exchange_ns: Integers
    received_ns: Integers
    trade_id: Integers
    """0 where it is no print."""
    begin: Integers
    middle: Integers
    end: Integers
    price_ticks: Integers
    lots: Integers
    told: dict[int, MarketEvent]
    """By row, those that say more than numbers: `InstrumentDefined` and `FeedLost`."""

    def __len__(self) -> int:
        return len(self.kind)


class Rows(NamedTuple):
    """Rows of one kind, before they are merged with the others."""

    kind: int
    place: dict[str, Integers]
    trade_id: Integers
    bid_counts: Integers
    ask_counts: Integers
    price_ticks: Integers
    lots: Integers
    told: Sequence[MarketEvent]


def of_events(symbol: str, events: Sequence[MarketEvent]) -> Columns:
    """Return the columns of events in stream order."""
    by_kind: dict[int, list[Any]] = {}
    for event in events:
        by_kind.setdefault(KIND_OF[type(event)], []).append(event)
    return merge(symbol, [_rows_of_events(kind, group) for kind, group in by_kind.items()])


def of_table(kind: int, table: pa.Table, told: Sequence[MarketEvent]) -> Rows:
    """Return the rows of a table of `trading.history.rows`; `told` are its events if it has text.

    Only an `InstrumentDefined` and a `FeedLost` do.
    """
    place = {name: _integers(table.column(name)) for name in ROW}
    nothing = np.zeros(table.num_rows, np.int64)
    if kind == TRADE:
        is_bid = table.column("buyer_is_maker").to_numpy().astype(np.int64)
        numbers = [_integers(table.column(name)) for name in ("trade_id", "price_ticks", "lots")]
        return Rows(kind, place, numbers[0], is_bid, 1 - is_bid, numbers[1], numbers[2], ())
    if kind in (RESET, CHANGE):
        bids, asks = (table.column(name).combine_chunks() for name in ("bids", "asks"))
        bid_counts, ask_counts = (np.diff(_integers(side.offsets)) for side in (bids, asks))
        prices, lots = (
            _interleaved(
                bid_counts,
                ask_counts,
                _integers(bids.flatten().field(name)),
                _integers(asks.flatten().field(name)),
            )
            for name in ("price_ticks", "lots")
        )
        return Rows(kind, place, nothing, bid_counts, ask_counts, prices, lots, ())
    return Rows(kind, place, nothing, nothing, nothing, nothing[:0], nothing[:0], told)


def merge(symbol: str, groups: Sequence[Rows]) -> Columns:
    """Return rows of several kinds in the order of the stream."""
    sequences = _joined([rows.place["stream_sequence"] for rows in groups])
    order = np.argsort(sequences, kind="stable")
    counts = _joined([rows.bid_counts + rows.ask_counts for rows in groups])
    begins = np.cumsum(counts) - counts
    bid_counts = _joined([rows.bid_counts for rows in groups])
    told: dict[int, MarketEvent] = {}
    place_of = np.empty(len(order), np.int64)
    place_of[order] = np.arange(len(order))
    first = 0
    for rows in groups:
        told |= {int(place_of[first + at]): event for at, event in enumerate(rows.told)}
        first += len(rows.trade_id)
    kinds = _joined([np.full(len(rows.trade_id), rows.kind) for rows in groups])
    stream_sequence, source_sequence, exchange_ns, received_ns = (
        _joined([rows.place[name] for rows in groups])[order] for name in ROW
    )
    return Columns(
        symbol,
        kinds[order],
        stream_sequence,
        source_sequence,
        exchange_ns,
        received_ns,
        _joined([rows.trade_id for rows in groups])[order],
        begins[order],
        (begins + bid_counts)[order],
        (begins + counts)[order],
        _joined([rows.price_ticks for rows in groups]),
        _joined([rows.lots for rows in groups]),
        told,
    )


def _rows_of_events(kind: int, events: Sequence[Any]) -> Rows:
    place = {name: np.array([getattr(each, name) for each in events], np.int64) for name in ROW}
    nothing = np.zeros(len(events), np.int64)
    if kind == TRADE:
        is_bid = np.array([each.buyer_is_maker for each in events], np.int64)
        trade_id, prices, lots = (
            np.array([getattr(each, name) for each in events], np.int64)
            for name in ("trade_id", "price_ticks", "lots")
        )
        return Rows(kind, place, trade_id, is_bid, 1 - is_bid, prices, lots, ())
    if kind in (RESET, CHANGE):
        found = [level for each in events for level in (*each.bids, *each.asks)]
        return Rows(
            kind,
            place,
            nothing,
            np.array([len(each.bids) for each in events], np.int64),
            np.array([len(each.asks) for each in events], np.int64),
            np.array([level.price_ticks for level in found], np.int64),
            np.array([level.lots for level in found], np.int64),
            (),
        )
    told = events if kind in (INSTRUMENT, LOSS) else ()
    return Rows(kind, place, nothing, nothing, nothing, nothing[:0], nothing[:0], told)


def _interleaved(
    bid_counts: Integers, ask_counts: Integers, bids: Integers, asks: Integers
) -> Integers:
    """Return each row's bids and then its asks, row by row."""
    rows = np.arange(len(bid_counts))
    owners = np.concatenate([np.repeat(2 * rows, bid_counts), np.repeat(2 * rows + 1, ask_counts)])
    joined: Integers = np.concatenate([bids, asks])[np.argsort(owners, kind="stable")]
    return joined


def _joined(parts: Sequence[Any]) -> Integers:
    return np.concatenate(parts).astype(np.int64) if parts else np.zeros(0, np.int64)


def _integers(column: pa.Array | pa.ChunkedArray) -> Integers:
    # A chunked array's takes no argument.
    values = column.to_numpy(False) if isinstance(column, pa.Array) else column.to_numpy()
    return np.asarray(values, np.int64)
