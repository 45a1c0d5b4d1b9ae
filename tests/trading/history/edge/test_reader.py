from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from objects.store import ObjectStore, open_store
from tests.trading.history.sample_events import NOON_NS, SECOND_NS, SYMBOLS, plausible, streams
from trading.events import AnyEvent, FeedLost, TradePrinted
from trading.history.edge.reader import GapError, HistoryReader, Range
from trading.history.edge.writer import HistoryWriter
from trading.history.manifest import Hole, Loss

pytestmark = pytest.mark.usefixtures("no_sync")
MIDNIGHT_NS = NOON_NS + 43_200 * SECOND_NS


def write(store: ObjectStore, events: list[AnyEvent], size: int = 300) -> None:
    writer = HistoryWriter(store)
    writer.open()
    for start in range(0, len(events), size):
        writer.write(events[start : start + size], "")


@given(streams(), st.integers(1, 30))
@settings(max_examples=25)
def test_any_stream_comes_back_exactly_and_in_order(
    tmp_path_factory: pytest.TempPathFactory, events: list[AnyEvent], size: int
) -> None:
    store = open_store(tmp_path_factory.mktemp("store").as_uri())
    write(store, events, size)
    reader = HistoryReader(store)
    assert list(reader.read(allow_gaps=True)) == events
    middle = sorted(event.received_ns for event in events)[len(events) // 2]
    symbol = events[0].symbol
    for wanted in (
        Range(from_ns=middle),
        Range(to_ns=middle),
        Range(from_sequence=events[len(events) // 2].stream_sequence, symbols=[symbol]),
        Range(symbols=[symbol], types=["trade", "loss"], from_ns=middle - 10**12),
    ):
        expected = [
            event
            for event in events
            if wanted.has_event(event)
            and (wanted.symbols is None or event.symbol in wanted.symbols)
            and (wanted.types is None or isinstance(event, TradePrinted | FeedLost))
        ]
        assert list(reader.read(wanted, allow_gaps=True)) == expected


def test_a_range_over_midnight_is_one_stream(store_url: str) -> None:
    store = open_store(store_url)
    events = list(plausible(2000, start_ns=MIDNIGHT_NS - SECOND_NS))
    write(store, events)
    reader = HistoryReader(store)
    assert [(day.date, day.symbol) for day in reader.days()] == [
        (date, symbol) for date in ("2026-11-22", "2026-11-23") for symbol in sorted(SYMBOLS)
    ]
    assert list(reader.read()) == events
    second = Range(from_ns=MIDNIGHT_NS, symbols=["ETHBTC"])
    assert list(reader.read(second)) == [
        event for event in events if event.received_ns >= MIDNIGHT_NS and event.symbol == "ETHBTC"
    ]
    assert [(day.date, day.symbol) for day in reader.days(second)] == [("2026-11-23", "ETHBTC")]


def test_a_range_with_gaps_is_refused_unless_they_are_allowed(tmp_path: Path) -> None:
    store = open_store(tmp_path.as_uri())
    events = list(plausible(1000))
    lost = FeedLost(500, "BTCUSDT", 1, NOON_NS, events[499].received_ns, "checksum")
    present = [*events[:99], *events[109:499], lost, *events[500:]]
    write(store, present)
    reader = HistoryReader(store)

    with pytest.raises(GapError, match="2 gaps in the range, the first: events 100 to 109") as told:
        reader.read()
    hole, loss = told.value.gaps
    assert isinstance(hole, Hole)
    assert isinstance(loss, Loss)
    assert loss.reason == "checksum"
    assert list(reader.read(allow_gaps=True)) == present

    def time_of(index: int) -> int:
        return events[index].received_ns

    assert reader.gaps(Range(to_ns=time_of(98))) == []
    assert reader.gaps(Range(to_ns=time_of(98) + 1)) == [hole]
    assert reader.gaps(Range(from_ns=time_of(109))) == [hole, loss]
    assert reader.gaps(Range(from_ns=time_of(109) + 1)) == [loss]
    assert reader.gaps(Range(from_ns=time_of(110), symbols=["ETHBTC"])) == []
    assert reader.gaps(Range(from_sequence=110, to_ns=time_of(499))) == []


def test_a_reader_sees_the_store_as_of_when_it_looked(tmp_path: Path) -> None:
    store = open_store(tmp_path.as_uri())
    events = list(plausible(900))
    write(store, events[:300])
    reader = HistoryReader(store)
    write(store, events[300:])
    assert list(reader.read()) == events[:300]
    reader.refresh()
    assert list(reader.read()) == events


def test_an_empty_store_reads_as_nothing(tmp_path: Path) -> None:
    reader = HistoryReader(open_store(tmp_path.as_uri()))
    assert list(reader.read()) == []
    assert reader.days() == []
