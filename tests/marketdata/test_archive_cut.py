from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st

from marketdata.archive_cut import Cutter, PreparedCut
from marketdata.archive_manifest import STATE_KEY, ArchiveState, decode
from marketdata.candles import Bar
from objects.manifests import encode
from tests.marketdata.scripted_venue import MINUTE_NS, ScriptedVenue, Step, play, steps
from vocabulary.codec import Record
from vocabulary.events import TradeExecuted
from vocabulary.excerpt import Excerpt


def excerpts(records: list[Record]) -> list[Excerpt]:
    return [Excerpt(each.sequence, each.timestamp_ns, list(each.events)) for each in records]


def rows(cuts: list[PreparedCut], kind: str) -> list[dict[str, Any]]:
    """Return the rows of a type, in the journal's order."""
    found = [
        row
        for cut in cuts
        for key, data in cut.data.items()
        if f"/type={kind}/" in key
        for row in pq.read_table(pa.BufferReader(data)).to_pylist()
    ]
    return sorted(found, key=lambda row: (row["sequence"], row.get("event_index", 0)))


def cut_into(records: list[Excerpt], size: int) -> list[PreparedCut]:
    """Cut, each time by a cutter that knows no more than the state before says."""
    state, cuts = ArchiveState(), []
    for first in range(0, len(records), size):
        cuts.append(Cutter(state).cut(records[first : first + size]))
        state = decode(STATE_KEY, encode(cuts[-1].state), ArchiveState)
    return cuts


@settings(max_examples=20)
@given(st.lists(steps, max_size=40), st.integers(3, 40), st.sampled_from([1, 20, 700]))
def test_what_is_archived_does_not_depend_on_the_cuts(
    script: list[Step], size: int, seconds: int
) -> None:
    venue = ScriptedVenue(step_ns=seconds * 1_000_000_000)
    for _ in play(venue, script):
        pass
    records = excerpts(venue.records)
    whole, cuts = cut_into(records, len(records)), cut_into(records, size)
    for kind in ("trade", "event"):
        assert rows(cuts, kind) == rows(whole, kind)
    by_place = [
        sorted(rows(each, "candle"), key=lambda row: (row["interval"], row["open_time_ns"]))
        for each in (whole, cuts)
    ]
    assert by_place[0] == by_place[1]
    assert cuts[-1].state.through_sequence == len(records)
    assert [cut.manifest.first_sequence for cut in cuts] == list(range(1, len(records) + 1, size))


def test_the_same_cut_has_the_same_bytes() -> None:
    venue = ScriptedVenue()
    for number in range(20):
        venue.trade(100 + number, 5)
    records = excerpts(venue.records)
    assert Cutter(ArchiveState()).cut(records) == Cutter(ArchiveState()).cut(records)


def test_a_trade_is_told_in_steps_and_in_decimals() -> None:
    venue = ScriptedVenue()
    venue.trade(12_345, 67)
    [row] = rows(cut_into(excerpts(venue.records), 100), "trade")
    assert (row["price_ticks"], row["quantity_lots"]) == (12_345, 67)
    assert (row["price"], row["quantity"]) == (Decimal("1.2345"), Decimal("0.0067"))
    assert (row["incoming_side"], row["is_auction"]) == ("BUY", False)


def test_an_event_is_told_by_its_names() -> None:
    venue = ScriptedVenue()
    venue.sell(100, 5)
    found = rows(cut_into(excerpts(venue.records), 100), "event")
    rested = found[-1]
    assert (rested["kind"], rested["account_id"]) == ("OrderRested", 8)
    assert msgspec.json.decode(rested["detail"])["side"] == "SELL"
    listed = next(row for row in found if row["kind"] == "InstrumentListed")
    assert msgspec.json.decode(listed["detail"])["symbol"] == "BTCUSDT"
    assert (listed["account_id"], listed["order_id"]) == (None, None)


def test_a_candle_closes_with_the_next_trade_or_as_time_passes() -> None:
    venue = ScriptedVenue(step_ns=MINUTE_NS // 4)
    for price_ticks in (100, 103, 99):
        venue.trade(price_ticks, 5)
    trades = [
        (record.timestamp_ns, event)
        for record in venue.records
        for event in record.events
        if isinstance(event, TradeExecuted)
    ]
    found = [
        r for r in rows(cut_into(excerpts(venue.records), 3), "candle") if r["interval"] == "1m"
    ]
    minutes = sorted({time_ns // MINUTE_NS for time_ns, _ in trades})
    now_ns = venue.now_ns
    closed = [minute for minute in minutes if (minute + 1) * MINUTE_NS <= now_ns]
    assert [row["open_time_ns"] // MINUTE_NS for row in found] == closed
    first = [trade for time_ns, trade in trades if time_ns // MINUTE_NS == minutes[0]]
    bar = Bar(0, first[0])
    for trade in first[1:]:
        bar.add(trade)
    assert (found[0]["high_ticks"], found[0]["lots"]) == (bar.high_ticks, bar.lots)
