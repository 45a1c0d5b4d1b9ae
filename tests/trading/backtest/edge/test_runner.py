"""A strategy over a real store, from its Parquet parts to the report."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agio.hot_paths import ROOT
from tests.trading.backtest.market import NOON_NS, SYMBOL, Script
from tests.trading.backtest.stored_market import Wanderer, store_of
from trading.alpha.machine import Machine
from trading.backtest.edge import recordings
from trading.backtest.edge.recordings import RecordingError
from trading.backtest.edge.runner import Plan, Terms, run
from trading.backtest.page import page
from trading.backtest.result import encode
from trading.events import BookChanged, BookReset, Event, FeedLost
from trading.history.edge.reader import EVERYTHING, HistoryReader, Range
from trading.runs import StrategyRun

GOLDEN = ROOT / "tests/trading/backtest/edge/golden_backtest.json"
MAKING: dict[str, Any] = {"order_lots": 20, "position_lots_max": 100, "half_spread_ticks": 1}


def machines(strategy: str, parameters: dict[str, Any]) -> Callable[[str], Machine]:
    entry = StrategyRun(
        name="backtest", strategy=strategy, parameters=parameters, symbols=(SYMBOL,)
    )
    return lambda symbol: Machine(entry, symbol, 1)


def plan(wanted: Range = EVERYTHING, **more: Any) -> Plan:
    terms = Terms(latency_us=500, maker_fee_ppm=200, taker_fee_ppm=400)
    make = machines("market_making", MAKING)
    return Plan("market_making", MAKING, make, [SYMBOL], wanted, terms)._replace(**more)


@pytest.fixture
def reader(tmp_path: Path) -> HistoryReader:
    events = Wanderer(seed=5).walk(400)
    return store_of(tmp_path / "store", events[:300], events[300:301], events[301:])


def test_what_the_parts_say_is_what_was_recorded(reader: HistoryReader) -> None:
    """The columns of the parts make the very events that the reader gives."""
    from trading.backtest.recording import Recording

    seen: list[Event] = []
    for columns in recordings.market(reader, EVERYTHING, SYMBOL):
        recording = Recording(columns)
        seen += [
            recording.event(row, int(columns.stream_sequence[row])) for row in range(len(columns))
        ]
    assert seen == list(reader.read())


def test_a_range_begins_with_the_book_as_it_was(reader: HistoryReader) -> None:
    """A strategy that comes in the middle sees what one from the beginning has by then."""
    events = list(reader.read())
    middle_ns = events[500].received_ns
    whole, part = Script({}), Script({})
    run(reader, plan(make_machine=lambda _: whole))
    run(reader, plan(Range(from_ns=middle_ns), make_machine=lambda _: part))

    def book(script: Script, until_ns: int) -> list[dict[int, int]]:
        sides: list[dict[int, int]] = [{}, {}]
        for event in script.seen:
            if isinstance(event, BookReset):
                sides = [{}, {}]
            if isinstance(event, BookReset | BookChanged) and event.received_ns <= until_ns:
                for side, changed in zip(sides, (event.bids, event.asks), strict=True):
                    side |= {level.price_ticks: level.lots for level in changed}
        return [{p: n for p, n in side.items() if n} for side in sides]

    assert isinstance(part.seen[1], BookReset)
    assert part.seen[0].received_ns == middle_ns
    assert book(part, middle_ns) == book(whole, middle_ns)
    assert book(part, events[-1].received_ns) == book(whole, events[-1].received_ns)


def test_the_same_history_makes_the_same_bytes(reader: HistoryReader) -> None:
    first, second = run(reader, plan()), run(reader, plan())
    assert first.symbols[0].fills > 10
    assert encode(first) == encode(second)
    assert page(first) == page(second)


def test_the_golden_backtest(reader: HistoryReader) -> None:
    """What this market and this strategy led to when it was looked at by hand.

    Where a change of the rules is meant, write the file anew and say so in the changelog.
    """
    assert encode(run(reader, plan())).decode() == GOLDEN.read_text()


def test_latency_and_fees_cost(reader: HistoryReader) -> None:
    now = run(reader, plan()).symbols[0]
    dear = run(reader, plan(terms=Terms(500, 2000, 4000))).symbols[0]
    assert dear.fees > now.fees
    assert dear.profit < now.profit
    slow = run(reader, plan(terms=Terms(5_000_000, 200, 400))).symbols[0]
    assert slow.fills < now.fills


def test_progress_comes_to_all(reader: HistoryReader) -> None:
    told: list[tuple[int, int]] = []
    done = run(reader, plan(), lambda *progress: told.append(progress))
    assert told[-1] == (done.market_events, done.market_events)


def test_gaps_are_told(tmp_path: Path) -> None:
    events = Wanderer(seed=5).walk(100)
    lost = FeedLost(len(events) + 3, SYMBOL, 0, NOON_NS, events[-1].received_ns, "no connection")
    done = run(store_of(tmp_path / "store", [*events, lost]), plan())
    assert [text.split(":")[0] for text in done.warnings[:2]] == [
        f"events {len(events) + 1} to {len(events) + 2} are missing",
        f"{SYMBOL} lost its feed at event {len(events) + 3}",
    ]
    assert "lost its feed" in page(done)


def test_a_range_without_anything_is_refused(reader: HistoryReader) -> None:
    with pytest.raises(RecordingError, match="does not say what it is"):
        run(reader, plan(Range(to_ns=NOON_NS - 1)))
    with pytest.raises(RecordingError, match="does not say what it is"):
        run(reader, plan(symbols=["ETHUSDT"]))
