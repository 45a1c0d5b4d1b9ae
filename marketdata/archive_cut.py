"""From records to the parts of a cut.

The same records behind the same state make the same bytes under the same names, so a cut that is
made again after a crash replaces itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from marketdata import archive_rows as rows
from marketdata.archive_manifest import (
    NO_SYMBOL,
    ArchiveState,
    CutManifest,
    OpenCandle,
    Part,
    date_of,
    part_key,
)
from marketdata.candles import Bar
from vocabulary import events as e
from vocabulary.catalogue import Catalogue, Listing
from vocabulary.codec import LAYOUTS, pack, unpack
from vocabulary.excerpt import Excerpt
from vocabulary.market_data import CANDLE_INTERVALS_SECONDS, Candle

ARCHIVED_EVENTS = {each for each in LAYOUTS if issubclass(each, e.Event)}
COMPRESSION = "zstd"
INTERVALS_NS = {name: seconds * 1_000_000_000 for name, seconds in CANDLE_INTERVALS_SECONDS.items()}


class PreparedCut(NamedTuple):
    manifest: CutManifest
    data: Mapping[str, bytes]
    """The bytes of each part, by its key."""
    state: ArchiveState
    """The state once the cut is in."""


class _OpenBar(NamedTuple):
    bar: Bar
    sequence: int


class Cutter:
    """Cuts records that follow a state, and goes on from there."""

    def __init__(self, state: ArchiveState) -> None:
        self._state = state
        self._catalogue = Catalogue()
        self._listings = list(state.listings)
        for listing in state.listings:
            event, _ = unpack(listing)
            assert isinstance(event, e.Event)
            self._catalogue.apply(event)
        self._bars = {
            (each.symbol, each.interval): _OpenBar(_bar_of(each.candle), each.sequence)
            for each in state.candles
        }

    def cut(self, records: Sequence[Excerpt]) -> PreparedCut:
        """Return the cut of all of these records, at least one, that follow the one before."""
        first, last = records[0].sequence, records[-1]
        groups: dict[tuple[str, str, str], list[rows.Row]] = {}
        closed: dict[tuple[str, str, str], list[rows.ClosedCandle]] = {}
        for sequence, timestamp_ns, events in records:
            date = date_of(timestamp_ns)
            for index, event in enumerate(events):
                if event is None:
                    continue
                row = rows.Row(sequence, timestamp_ns, index, event)
                if isinstance(event, Listing):
                    self._catalogue.apply(event)
                    self._listings.append(pack(event))
                symbol = self._symbol_of(event)
                groups.setdefault((date, symbol, "event"), []).append(row)
                if isinstance(event, e.TradeExecuted):
                    groups.setdefault((date, symbol, "trade"), []).append(row)
                    for candle in self._add(symbol, event, sequence, timestamp_ns):
                        _file(closed, symbol, candle)
        for symbol, candle in self._close(last.timestamp_ns):
            _file(closed, symbol, candle)
        parts, data = [], {}
        for place, table in self._tables(groups, closed):
            encoded = _encode(table)
            parts.append(_part(place, table, encoded))
            data[part_key(*place, first, last.sequence)] = encoded
        manifest = CutManifest.of(first, last.sequence, last.timestamp_ns, tuple(parts))
        self._state = self._state_behind(last)
        return PreparedCut(manifest, data, self._state)

    def _tables(
        self,
        groups: Mapping[tuple[str, str, str], Sequence[rows.Row]],
        closed: Mapping[tuple[str, str, str], Sequence[rows.ClosedCandle]],
    ) -> Iterator[tuple[tuple[str, str, str], pa.Table]]:
        for place, found in groups.items():
            _, symbol, kind = place
            if kind == "trade":
                instrument = self._catalogue.instrument_by_symbol[symbol]
                yield place, rows.trade_rows(instrument, found)
            else:
                yield place, rows.event_rows(found)
        for place, candles in closed.items():
            yield place, rows.candle_rows(sorted(candles))

    def _symbol_of(self, event: e.Event) -> str:
        instrument = self._catalogue.instruments.get(getattr(event, "instrument_id", 0))
        return instrument.symbol if instrument is not None else NO_SYMBOL

    def _add(
        self, symbol: str, trade: e.TradeExecuted, sequence: int, timestamp_ns: int
    ) -> Iterator[rows.ClosedCandle]:
        """Count a trade in its candles; yield those that it closes."""
        for interval, interval_ns in INTERVALS_NS.items():
            bar, last_sequence = self._bars.get((symbol, interval), (None, 0))
            if bar is not None and timestamp_ns - bar.open_time_ns < interval_ns:
                bar.add(trade)
            else:
                if bar is not None:
                    yield rows.ClosedCandle(last_sequence, interval, bar.candle(closed=True))
                bar = Bar(timestamp_ns - timestamp_ns % interval_ns, trade)
            self._bars[symbol, interval] = _OpenBar(bar, sequence)

    def _close(self, now_ns: int) -> Iterator[tuple[str, rows.ClosedCandle]]:
        """Yield the candles whose interval is over; no trade comes for them any more."""
        for (symbol, interval), (bar, sequence) in list(self._bars.items()):
            if now_ns - bar.open_time_ns >= INTERVALS_NS[interval]:
                del self._bars[symbol, interval]
                yield symbol, rows.ClosedCandle(sequence, interval, bar.candle(closed=True))

    def _state_behind(self, last: Excerpt) -> ArchiveState:
        return msgspec.structs.replace(
            self._state,
            through_sequence=last.sequence,
            through_ns=last.timestamp_ns,
            planned_sequence=0,
            listings=tuple(self._listings),
            candles=tuple(
                OpenCandle(
                    symbol=symbol,
                    interval=interval,
                    sequence=sequence,
                    candle=bar.candle(closed=False),
                )
                for (symbol, interval), (bar, sequence) in self._bars.items()
            ),
        )


def _file(
    closed: dict[tuple[str, str, str], list[rows.ClosedCandle]],
    symbol: str,
    candle: rows.ClosedCandle,
) -> None:
    place = (date_of(candle.candle.open_time_ns), symbol, "candle")
    closed.setdefault(place, []).append(candle)


def _encode(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression=COMPRESSION)
    data: bytes = sink.getvalue().to_pybytes()
    return data


def _part(place: tuple[str, str, str], table: pa.Table, data: bytes) -> Part:
    date, symbol, kind = place
    sequences = table.column("sequence")
    return Part(
        date=date,
        symbol=symbol,
        type=kind,
        rows=table.num_rows,
        first_sequence=sequences[0].as_py(),
        last_sequence=sequences[-1].as_py(),
        size_bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
    )


def _bar_of(candle: Candle) -> Bar:
    """Return the bar that tells of itself as this candle."""
    bar = Bar.__new__(Bar)
    for name in Bar.__slots__:
        setattr(bar, name, getattr(candle, name))
    return bar
