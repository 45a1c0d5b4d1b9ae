"""Reads the market of a symbol out of the historical store, as columns."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from trading.backtest import columns as col
from trading.backtest.columns import Columns
from trading.events import (
    BookReset,
    FeedLost,
    InstrumentDefined,
    Level,
    MarketEvent,
    OrderReported,
    PhaseChanged,
)
from trading.history import rows
from trading.history.edge.reader import HistoryReader, Range
from trading.history.manifest import Part
from vocabulary.types import TradingPhase

MARKET_TYPES = tuple(col.KIND_OF_TABLE)


class RecordingError(Exception):
    """The history can't be replayed as it is asked for; says why."""


def of_symbol(wanted: Range, symbol: str) -> Range:
    """Return the market of one symbol in a range."""
    return msgspec.structs.replace(wanted, symbols=[symbol], types=MARKET_TYPES)


def row_count(reader: HistoryReader, wanted: Range) -> int:
    """Return how many rows the parts of the range have: an upper bound of its events."""
    return sum(part.rows for group in reader.groups(wanted) for part in group)


def market(reader: HistoryReader, wanted: Range, symbol: str) -> Iterator[Columns]:
    """Yield the market of a symbol in order, a bounded number of events at a time.

    It begins with the instrument and, where it is known, the book as they were at `from_ns`.
    Raises `RecordingError`, and what the reader raises.
    """
    wanted = of_symbol(wanted, symbol)
    opening = _opening(reader, wanted, symbol)
    if opening:
        yield col.of_events(symbol, opening)
    for group in reader.groups(wanted):
        found = [_rows(reader, part, wanted) for part in group]
        yield col.merge(symbol, found)


def reports(reader: HistoryReader, wanted: Range, symbol: str) -> list[OrderReported]:
    """Return what became of the firm's orders, from the beginning: some may still be open."""
    until = Range(to_ns=wanted.to_ns, symbols=[symbol], types=["report"])
    return [
        event for event in reader.read(until, allow_gaps=True) if isinstance(event, OrderReported)
    ]


def instrument(reader: HistoryReader, wanted: Range, symbol: str) -> InstrumentDefined:
    """Return what the symbol is throughout the range. Raises `RecordingError`."""
    until = Range(to_ns=wanted.to_ns, symbols=[symbol], types=["instrument"])
    found = list(reader.read(until, allow_gaps=True))
    before = [each for each in found if each.received_ns < wanted.from_ns]
    within = [each for each in found if each.received_ns >= wanted.from_ns]
    defined = [each for each in [*before[-1:], *within] if isinstance(each, InstrumentDefined)]
    if not defined:
        raise RecordingError(f"{symbol}: the history does not say what it is")
    if len({_sizes(each) for each in defined}) > 1:
        raise RecordingError(f"{symbol}: its sizes change within the range; choose a shorter one")
    return defined[0]


def _sizes(defined: InstrumentDefined) -> tuple[str, str, int, int, int, int]:
    return (
        defined.base,
        defined.quote,
        defined.tick_mantissa,
        defined.tick_scale,
        defined.lot_mantissa,
        defined.lot_scale,
    )


def _rows(reader: HistoryReader, part: Part, wanted: Range) -> col.Rows:
    table = reader.table_of(part)
    if not wanted.has_all_of(part):
        times = table.column("received_ns").to_numpy()
        sequences = table.column("stream_sequence").to_numpy()
        is_wanted = (times >= wanted.from_ns) & (times < wanted.to_ns)
        table = table.filter(pa.array(is_wanted & (sequences >= wanted.from_sequence)))
    kind = col.KIND_OF_TABLE[part.type]
    if part.type == "phase":
        table = table.filter(pc.field("phase") != TradingPhase.TRADING.value)
    has_text = kind in (col.INSTRUMENT, col.LOSS)
    found = rows.from_rows(part.type, part.symbol, table) if has_text else []
    told = [_as_loss(each) if isinstance(each, PhaseChanged) else each for each in found]
    return col.of_table(
        kind, table, [each for each in told if isinstance(each, InstrumentDefined | FeedLost)]
    )


def _as_loss(event: PhaseChanged) -> FeedLost:
    """Return what a phase without trading is for a replay: the book is not told until it ends."""
    place = (event.stream_sequence, event.symbol, event.source_sequence, event.exchange_ns)
    return FeedLost(*place, event.received_ns, f"phase {event.phase.name}")


def _opening(reader: HistoryReader, wanted: Range, symbol: str) -> list[MarketEvent]:
    """Return the instrument and the book as they were when the range began."""
    before = Range(to_ns=wanted.from_ns, symbols=[symbol])
    places = msgspec.structs.replace(before, types=["instrument", "book_reset", "loss", "phase"])
    known: InstrumentDefined | None = None
    reset: BookReset | None = None
    for event in reader.read(places, allow_gaps=True):
        if isinstance(event, InstrumentDefined):
            known = event
        else:
            reset = event if isinstance(event, BookReset) else None
    if known is None:
        return []
    opening: list[MarketEvent] = [msgspec.structs.replace(known, received_ns=wanted.from_ns)]
    if reset is not None:
        opening.append(_book(reader, before, reset, wanted.from_ns))
    return opening


def _book(reader: HistoryReader, before: Range, reset: BookReset, from_ns: int) -> BookReset:
    """Return the book that the changes since a reset have made of it."""
    books = tuple(
        {level.price_ticks: level.lots for level in side} for side in (reset.bids, reset.asks)
    )
    since = msgspec.structs.replace(
        before, types=["book_change"], from_sequence=reset.stream_sequence
    )
    newest = (reset.stream_sequence, reset.source_sequence, reset.exchange_ns)
    for group in reader.groups(since):
        columns = col.merge(reset.symbol, [_rows(reader, part, since) for part in group])
        for row in range(len(columns)):
            middle = columns.middle[row]
            for at in range(columns.begin[row], columns.end[row]):
                book = books[0] if at < middle else books[1]
                book[int(columns.price_ticks[at])] = int(columns.lots[at])
            newest = (
                int(columns.stream_sequence[row]),
                int(columns.source_sequence[row]),
                int(columns.exchange_ns[row]),
            )
    bids, asks = (
        tuple(Level(price, lots) for price, lots in sorted(book.items()) if lots) for book in books
    )
    sequence, source_sequence, exchange_ns = newest
    place = (sequence, reset.symbol, source_sequence, exchange_ns, from_ns)
    return BookReset(*place, bids[::-1], asks)
